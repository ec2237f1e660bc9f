#include "cli/eval_coco.h"

#include "cli/eval_result.h"
#include "cli/options.h"
#include "core/memory.h"
#include "core/sha256.h"
#include "eval/coco_ap.h"

#include <lac_version.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static lac_status add_metric(json_t *metrics, lac_coco_sort sort, const lac_coco_result *r, int64_t i)
{
    const bool defined = r->stats[i] >= 0;
    char *recipe;
    LAC_TRY(lac_coco_stat_recipe(sort, i, &recipe));
    json_t *metric = json_pack("{s:o, s:n, s:n, s:I, s:s, s:i}", "value", defined ? json_real(r->stats[i]) : json_null(), "low", "high", "n", (json_int_t)r->images, "recipe",
                               recipe, "better", 1);
    free(recipe);
    if (!defined)
        json_object_set_new(metric, "reason", json_string("the ground truth has no such object"));
    return json_object_set_new(metrics, lac_coco_stat_name(sort, i), metric) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: the result");
}

static json_t *files_json(const lac_coco_result *r, const char *truth, const char *found)
{
    return json_pack("{s:{s:s, s:I, s:I}, s:{s:s, s:I, s:I}, s:I}", "ground_truth", "manifest", truth, "images", (json_int_t)r->images, "annotations", (json_int_t)r->objects,
                     "detections", "manifest", found, "found", (json_int_t)r->detections, "unlisted", (json_int_t)r->unlisted, "pairs", (json_int_t)r->images);
}

static lac_status make_result(const lac_eval_coco_wish *w, lac_coco_sort sort, const lac_coco_result *r, json_t **result)
{
    char truth[LAC_SHA256_HEX], found[LAC_SHA256_HEX];
    json_t *metrics = json_object();
    lac_status s = lac_sha256_file(w->ground_truth, truth);
    if (s == LAC_OK)
        s = lac_sha256_file(w->detections, found);
    for (int64_t i = 0; s == LAC_OK && i < r->n; i++)
        s = add_metric(metrics, sort, r, i);
    if (s != LAC_OK)
        return json_decref(metrics), s;
    *result = json_pack("{s:o, s:o, s:s, s:{s:s}, s:i, s:s, s:s}", "metrics", metrics, "files", files_json(r, truth, found), "iou_type", w->iou_type, "interval", "unit",
                        "pair", "size", 0, "version", LAC_VERSION, "revision", LAC_REVISION);
    return *result != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: the result");
}

static lac_status write_out(const lac_eval_coco_wish *w, lac_coco_sort sort, const lac_coco_result *r)
{
    json_t *result;
    LAC_TRY(lac_eval_result_make_folder(w->out));
    LAC_TRY(make_result(w, sort, r, &result));
    const lac_status s = lac_eval_result_write(result, w->out);
    if (s == LAC_OK)
        lac_eval_result_print(result);
    json_decref(result);
    return s;
}

lac_status lac_eval_coco(const lac_eval_coco_wish *w)
{
    static const char *const sorts[] = { "bbox", "segm", "keypoints" };
    lac_coco_result r;
    int sort;
    LAC_TRY(lac_options_choose("--iou-type", w->iou_type, sorts, LAC_COUNT(sorts), &sort));
    if (w->ground_truth == NULL || w->detections == NULL || w->out == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "detections want %s", w->ground_truth == NULL ? "--ground-truth FILE.json" : w->detections == NULL ? "--detections FILE.json" : "--out OUT.json");
    LAC_TRY(lac_coco_ap(w->ground_truth, w->detections, (lac_coco_sort)sort, &r));
    if (r.unlisted > 0)
        fprintf(stderr, "lacuna: detections: %lld of %lld are of categories that the ground truth does not list and are not scored, the first [%lld]\n", (long long)r.unlisted,
                (long long)r.detections, (long long)r.first_unlisted);
    return write_out(w, (lac_coco_sort)sort, &r);
}
