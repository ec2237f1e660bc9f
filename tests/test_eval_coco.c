/* COCO's AP and OKS: the vectors of metrics.md 13, T8, made with cocoapi. */
#include "eval/coco_ap.h"
#include "eval/oks.h"
#include "eval/segmentation.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char truth[] =
    "{\"images\": [{\"id\": 1}, {\"id\": 2}], \"categories\": [{\"id\": 1}, {\"id\": 2}], \"annotations\": ["
    "{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": [10, 10, 40, 40], \"area\": 1600, \"iscrowd\": 0},"
    "{\"id\": 2, \"image_id\": 1, \"category_id\": 1, \"bbox\": [60, 60, 20, 20], \"area\": 400, \"iscrowd\": 0},"
    "{\"id\": 3, \"image_id\": 2, \"category_id\": 1, \"bbox\": [5, 5, 100, 100], \"area\": 10000, \"iscrowd\": 0},"
    "{\"id\": 4, \"image_id\": 2, \"category_id\": 2, \"bbox\": [50, 50, 30, 30], \"area\": 900, \"iscrowd\": 1},"
    "{\"id\": 5, \"image_id\": 1, \"category_id\": 2, \"bbox\": [0, 0, 50, 20], \"area\": 1000, \"iscrowd\": 0}]}";

static const char found[] =
    "[{\"image_id\": 1, \"category_id\": 1, \"bbox\": [12, 11, 40, 40], \"score\": 0.9},"
    "{\"image_id\": 1, \"category_id\": 1, \"bbox\": [61, 58, 20, 22], \"score\": 0.8},"
    "{\"image_id\": 1, \"category_id\": 1, \"bbox\": [10, 10, 38, 44], \"score\": 0.7},"
    "{\"image_id\": 2, \"category_id\": 1, \"bbox\": [8, 9, 90, 105], \"score\": 0.95},"
    "{\"image_id\": 2, \"category_id\": 1, \"bbox\": [200, 200, 10, 10], \"score\": 0.6},"
    "{\"image_id\": 2, \"category_id\": 2, \"bbox\": [52, 52, 20, 20], \"score\": 0.5},"
    "{\"image_id\": 1, \"category_id\": 2, \"bbox\": [2, 0, 48, 22], \"score\": 0.4}]";

static lac_status score(const char *gt, const char *dt, double *stats, int64_t *n)
{
    char *a, *b;
    LAC_CHECK_STATUS(lac_format(&a, "%s/truth.json", lac_test_folder()));
    LAC_CHECK_STATUS(lac_format(&b, "%s/found.json", lac_test_folder()));
    LAC_CHECK_STATUS(lac_file_write(a, gt, strlen(gt)));
    LAC_CHECK_STATUS(lac_file_write(b, dt, strlen(dt)));
    lac_coco_result r;
    const lac_status s = lac_coco_ap(a, b, LAC_COCO_BBOX, &r);
    memcpy(stats, r.stats, sizeof r.stats);
    *n = r.n;
    free(a);
    free(b);
    return s;
}

LAC_TEST(average_precision_is_that_of_cocoeval)
{
    const double wanted[] = { .730528053, 1, 1, .75, .8, .6, .633333333, .75, .75, .75, .8, .6 };
    double stats[LAC_COCO_STATS];
    int64_t n = 0;
    LAC_CHECK_STATUS(score(truth, found, stats, &n));
    LAC_CHECK(n == 12);
    for (int i = 0; i < 12; i++)
        LAC_CHECK(fabs(stats[i] - wanted[i]) < 1e-9);
    LAC_CHECK_STATUS(score(truth, "[]", stats, &n));
    LAC_CHECK(stats[0] == 0 && stats[3] == 0);
    LAC_CHECK_STATUS(score("{\"images\": [], \"categories\": [], \"annotations\": []}", "[]", stats, &n));
    LAC_CHECK(stats[0] == -1 && stats[11] == -1);
}

LAC_TEST(detections_that_cannot_be_are_named)
{
    double stats[LAC_COCO_STATS];
    int64_t n;
    LAC_CHECK_FAILS(score(truth, "[{\"image_id\": 3, \"category_id\": 1, \"bbox\": [1, 2, 3, 4], \"score\": 1}]", stats, &n), LAC_ERR_FORMAT, "found.json', [0]: 'image_id' 3");
    LAC_CHECK_FAILS(score(truth, "[{\"image_id\": 1, \"category_id\": 1, \"score\": 1}]", stats, &n), LAC_ERR_FORMAT, "[0]: 'bbox' is missing");
    LAC_CHECK_FAILS(score("[]", found, stats, &n), LAC_ERR_FORMAT, "truth.json' is a list");
    LAC_CHECK_FAILS(score("{\"images\": [", found, stats, &n), LAC_ERR_FORMAT, "truth.json', line 1");
    LAC_CHECK_FAILS(score("{\"images\": [{\"id\": \"x\"}]}", found, stats, &n), LAC_ERR_FORMAT, "images[0]: 'id' is a string");
}

LAC_TEST(key_points_are_as_near_as_published)
{
    double truth_points[3 * LAC_OKS_POINTS], points[3 * LAC_OKS_POINTS];
    for (int i = 0; i < LAC_OKS_POINTS; i++) {
        truth_points[3 * i] = 20 + 5 * i;
        truth_points[3 * i + 1] = 30 + 7 * i % 60;
        truth_points[3 * i + 2] = i < 15 ? 2 : i == 15;
        points[3 * i] = truth_points[3 * i] + 2 * (i % 3 - 1);
        points[3 * i + 1] = truth_points[3 * i + 1] + i % 4 - 1;
        points[3 * i + 2] = 1;
    }
    const double box[4] = { 0 };
    LAC_CHECK(fabs(lac_oks(points, truth_points, lac_oks_sigmas, LAC_OKS_POINTS, 3500, box) - .939130438791) < 1e-9);
}

LAC_TEST(empty_masks_agree)
{
    const uint8_t none[4] = { 0 }, one[4] = { 0, 1, 0, 0 };
    double iou[2];
    LAC_CHECK(lac_segmentation_score(none, none, 1, 4, iou).mean_iou == 1 && lac_segmentation_score(none, one, 1, 4, iou).total_iou == 0);
    LAC_CHECK(isnan(lac_segmentation_score(none, none, 0, 4, iou).mean_iou));
}
