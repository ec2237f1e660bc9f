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

static json_t *text_or_empty(json_t *text) { return json_is_string(text) ? json_incref(text) : json_string(""); }

/* The hash of a folder's files; "" where there is none. */
static json_t *manifest_of(const json_t *result, const char *folder)
{
    return text_or_empty(json_object_get(json_object_get(json_object_get(result, "files"), folder), "manifest"));
}

/* Of the references: of their files, of their statistics, of their annotations. */
static json_t *reference_of(const json_t *result)
{
    json_t *statistics = json_object_get(result, "statistics"), *annotations = json_object_get(json_object_get(result, "files"), "ground_truth");
    return statistics != NULL ? text_or_empty(statistics) : manifest_of(result, annotations != NULL ? "ground_truth" : "reference");
}

static void take(json_t *summary, const char *key, json_t *value)
{
    if (value != NULL)
        json_object_set(summary, key, value);
}

lac_status lac_finished_summary(const json_t *result, const char *name, json_t **summary)
{
    static const char *const same[] = { "interval", "folders", "prompts", "limit", "version", "revision", "set" };
    json_t *pairs = json_object_get(json_object_get(result, "files"), "pairs"), *size = json_object_get(result, "size");
    const bool resized = json_integer_value(size) > 0;
    *summary = json_pack("{s:o, s:o, s:o, s:O?, s:O?, s:i, s:s, s:[], s:{s:{s:o}}}", "manifest", reference_of(result), "masks", manifest_of(result, "masks"), "finished",
                         manifest_of(result, json_object_get(json_object_get(result, "files"), "detections") != NULL ? "detections" : "images"), "images", pairs, "backgrounds", pairs, "objects", 0, "method", name, "differences", "methods", name, "metrics", metrics_of(result));
    if (*summary == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "no result of 'lacuna eval' on finished pictures, or no memory for its summary");
    for (size_t i = 0; i < LAC_COUNT(same); i++)
        take(*summary, same[i], json_object_get(result, same[i]));
    take(json_object_get(json_object_get(*summary, "methods"), name), "area", json_object_get(result, "area"));
    take(*summary, "jpeg", json_object_get(json_object_get(json_object_get(result, "files"), "images"), "jpeg"));
    take(*summary, "height", resized ? size : json_object_get(result, "height"));
    take(*summary, "width", resized ? size : json_object_get(result, "width"));
    take(*summary, "seed", json_object_get(json_object_get(result, "interval"), "seed"));
    return LAC_OK;
}
