#include "eval/finished_summary.h"

bool lac_is_finished_result(const json_t *result)
{
    return json_is_object(json_object_get(result, "metrics")) && json_is_object(json_object_get(result, "files"));
}

/* As `lacuna eval` on a set has them: pairs stand where backgrounds do. */
static json_t *metrics_of(const json_t *result)
{
    json_t *all = json_object(), *metric;
    const char *name;
    json_object_foreach(json_object_get(result, "metrics"), name, metric) {
        json_t *copy = json_copy(metric);
        json_object_set(copy, "backgrounds", json_object_get(metric, "n"));
        json_object_set_new(all, name, copy);
    }
    return all;
}

/* The hash of a folder's files; "" where there is none. */
static json_t *manifest_of(const json_t *result, const char *folder)
{
    json_t *m = json_object_get(json_object_get(json_object_get(result, "files"), folder), "manifest");
    return m != NULL ? json_incref(m) : json_string("");
}

lac_status lac_finished_summary(const json_t *result, const char *name, json_t **summary)
{
    json_t *pairs = json_object_get(json_object_get(result, "files"), "pairs"), *size = json_object_get(result, "size");
    const bool resized = json_integer_value(size) > 0;
    *summary = json_pack("{s:o, s:o, s:O?, s:O?, s:i, s:O?, s:O?, s:O?, s:s, s:O?, s:[], s:{s:{s:o}}}", "manifest", manifest_of(result, "reference"), "masks",
                         manifest_of(result, "masks"), "images", pairs, "backgrounds", pairs, "objects", 0, "height", resized ? size : json_object_get(result, "height"), "width",
                         resized ? size : json_object_get(result, "width"), "folders", json_object_get(result, "folders"), "method", name,
                         "interval", json_object_get(result, "interval"), "differences", "methods", name, "metrics", metrics_of(result));
    return *summary != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "no result of 'lacuna eval' on finished pictures, or no memory for its summary");
}
