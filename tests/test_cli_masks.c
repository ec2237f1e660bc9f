/* lacuna eval on what is no picture: folders of masks, and a detector's results; the values are those of probe's KINDs. */
#include "core/file/atomic.h"
#include "core/image/image.h"
#include "eval/score.h"
#include "eval/segmentation.h"
#include "tests/harness/cli.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE = 12, N = 5 };

static lac_cli_said said;

static json_t *load(const char *path)
{
    json_t *j = json_load_file(path, 0, NULL);
    LAC_CHECK(j != NULL);
    return j;
}

static double value_of(const json_t *result, const char *metric) { return json_number_value(json_object_get(json_object_get(json_object_get(result, "metrics"), metric), "value")); }

/* ---- masks ---- */

/* Mask i of a folder as 0 and 1, and as a file: grey, or for odd i colour whose grey is on the same side of 128. */
static void put_mask(const char *folder, int i, int variant, uint8_t mask[SIDE * SIDE])
{
    lac_image image;
    char name[16];
    const int channels = i % 2 ? 3 : 1;
    LAC_CHECK_STATUS(lac_image_new(&image, SIDE, SIDE, channels));
    for (int p = 0; p < SIDE * SIDE; p++) {
        mask[p] = i > 0 && (p / SIDE + variant) % (i + 1) == 0 && p % SIDE < 4 + 2 * i;
        for (int c = 0; c < channels; c++)
            image.pixels[p * channels + c] = mask[p] ? (c == 1 ? 255 : 128) : (c == 1 ? 100 : 127);
    }
    snprintf(name, sizeof name, "%d.png", i);
    LAC_CHECK_STATUS(lac_image_save_png(&image, lac_cli_path(folder, name)));
    lac_image_free(&image);
}

LAC_TEST(folders_of_masks_are_scored_as_segmentations)
{
    static const char *const above[] = { "p@0.5", "p@0.6", "p@0.7", "p@0.8", "p@0.9" };
    static uint8_t a[N * SIDE * SIDE], b[N * SIDE * SIDE];
    const char *f = lac_test_folder(), *ours = lac_cli_path(f, "ours"), *truth = lac_cli_path(f, "truth"), *out = lac_cli_path(f, "o.json");
    double iou[N];
    mkdir(ours, 0700);
    mkdir(truth, 0700);
    for (int i = 0; i < N; i++) {               /* the first pair has no pixel inside */
        put_mask(ours, i, i > 3, a + i * SIDE * SIDE);
        put_mask(truth, i, 0, b + i * SIDE * SIDE);
        if (i == 2)
            put_mask(ours, i, 1, a + i * SIDE * SIDE);
    }
    const lac_segmentation wanted = lac_segmentation_score(a, b, N, SIDE * SIDE, iou);
    LAC_CHECK(wanted.mean_iou < 1 && wanted.mean_iou != wanted.total_iou);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, ours, "--reference", truth, "--metrics", "iou,m-iou,c-iou,p@0.5,p@0.6,p@0.7,p@0.8,p@0.9", "--size", "7", "--out", out) == 0);
    json_t *r = load(out), *c = json_object_get(json_object_get(r, "metrics"), "c-iou");
    LAC_CHECK(fabs(value_of(r, "iou") - wanted.mean_iou) < 1e-15 && value_of(r, "iou") == value_of(r, "m-iou"));
    LAC_CHECK(fabs(value_of(r, "c-iou") - wanted.total_iou) < 1e-15);
    for (size_t i = 0; i < LAC_COUNT(above); i++)
        LAC_CHECK(fabs(value_of(r, above[i]) - wanted.above[i]) < 1e-15);
    LAC_CHECK(json_number_value(json_object_get(c, "low")) <= wanted.total_iou && json_number_value(json_object_get(c, "high")) >= wanted.total_iou);
    LAC_CHECK(strcmp(json_string_value(json_object_get(c, "recipe")), "iou{inside=grey>=128,empty=1,mean=by-union}") == 0);
    json_decref(r);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, ours, "--reference", truth, "--metrics", "iou@hole", "--out", out) != 0 && lac_cli_complains(&said, "sees whole pictures"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, ours, "--reference", truth, "--metrics", "p@0.55", "--out", out) != 0 && lac_cli_complains(&said, "unknown metric"));
    lac_score of_set;
    LAC_CHECK_FAILS(lac_score_new(&of_set, (const char *const[]){ "iou" }, 1, (const char *const[]){ "m" }, 1, NULL), LAC_ERR_ARG, "compares folders of masks");
}

/* ---- detections ---- */

static const char truth[] =
    "{\"images\": [{\"id\": 1, \"height\": 100, \"width\": 120}, {\"id\": 2, \"height\": 100, \"width\": 120}], \"categories\": [{\"id\": 1, \"name\": \"cat\"}], \"annotations\": ["
    "{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": [10, 10, 40, 40], \"area\": 1600, \"iscrowd\": 0, \"segmentation\": [[10, 10, 50, 10, 50, 50, 10, 50]]},"
    "{\"id\": 2, \"image_id\": 2, \"category_id\": 1, \"bbox\": [60, 60, 20, 20], \"area\": 400, \"iscrowd\": 0, \"segmentation\": [[60, 60, 80, 60, 80, 80, 60, 80]]}]}";
static const char found[] = "[{\"image_id\": 1, \"category_id\": 1, \"bbox\": [12, 11, 40, 40], \"score\": 0.9},"
                            "{\"image_id\": 2, \"category_id\": 1, \"bbox\": [61, 58, 20, 22], \"score\": 0.8}, {\"image_id\": 2, \"category_id\": 7, \"bbox\": [1, 1, 2, 2], \"score\": 0.7}]";

static int evaluate(const char *gt, const char *dt, const char *sort, const char *out)
{
    const char *f = lac_test_folder(), *a = lac_cli_path(f, "truth.json"), *b = lac_cli_path(f, "found.json");
    LAC_CHECK_STATUS(lac_file_write(a, gt, strlen(gt)));
    LAC_CHECK_STATUS(lac_file_write(b, dt, strlen(dt)));
    return LAC_CLI(lac_cmd_eval, &said, "--ground-truth", a, "--detections", b, "--iou-type", sort, "--out", out);
}

LAC_TEST(detections_are_scored_from_two_files)
{
    const char *f = lac_test_folder(), *out = lac_cli_path(f, "new/o.json"), *page = lac_cli_path(f, "page");
    LAC_CHECK(evaluate(truth, found, "bbox", out) == 0);
    LAC_CHECK(strstr(said.err, "detections: 1 of 3 are of categories that the ground truth does not list and are not scored, the first [2]") != NULL);
    LAC_CHECK(strstr(said.out, "ap50                 1   n 2\n") != NULL);
    json_t *r = load(out), *large = json_object_get(json_object_get(r, "metrics"), "ap-large"), *files = json_object_get(r, "files");
    LAC_CHECK(value_of(r, "ap") > 0.5 && value_of(r, "ap") < 1 && json_object_size(json_object_get(r, "metrics")) == 12);
    LAC_CHECK(json_is_null(json_object_get(large, "value")) && json_string_value(json_object_get(large, "reason")) != NULL);
    LAC_CHECK(strcmp(json_string_value(json_object_get(json_object_get(json_object_get(r, "metrics"), "ap75"), "recipe")),
                     "coco-ap{iou=bbox,threshold=0.75,area=all,detections=100}") == 0);
    LAC_CHECK(strlen(json_string_value(json_object_get(json_object_get(files, "ground_truth"), "manifest"))) == 64);
    LAC_CHECK(json_integer_value(json_object_get(json_object_get(files, "detections"), "unlisted")) == 1);
    json_decref(r);
    LAC_CHECK(LAC_CLI(lac_cmd_report, &said, out, "-o", page) == 0);
    LAC_CHECK(strstr(said.out, "| method | ap ↑ | ap50 ↑ |") != NULL && strstr(said.out, "- ap-large of o is undefined: the ground truth has no such object") != NULL);
    LAC_CHECK(evaluate(truth, found, "segm", out) == 0);
    LAC_CHECK(strstr(said.out, "ap50                 1   n 2\n") != NULL);
}

LAC_TEST(annotations_that_cannot_be_are_named)
{
    const char *out = lac_cli_path(lac_test_folder(), "o.json");
    LAC_CHECK(evaluate(truth, found, "boxes", out) != 0 && lac_cli_complains(&said, "--iou-type"));
    LAC_CHECK(evaluate(truth, "[{\"image_id\": 3, \"category_id\": 1, \"bbox\": [1, 2, 3, 4], \"score\": 1}]", "bbox", out) != 0 && lac_cli_complains(&said, "found.json', [0]: 'image_id' 3"));
    LAC_CHECK(evaluate("{\"images\": [", found, "bbox", out) != 0 && lac_cli_complains(&said, "truth.json', line 1"));
    LAC_CHECK(evaluate(truth, found, "keypoints", out) != 0 && lac_cli_complains(&said, "truth.json', annotations[0] (id 1): 'num_keypoints' is missing"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--ground-truth", "a", "--out", out) != 0 && lac_cli_complains(&said, "--detections FILE.json"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--ground-truth", "a", "--detections", "b") != 0 && lac_cli_complains(&said, "--out OUT.json"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "run", "--ground-truth", "a", "--detections", "b", "--out", out) != 0 && lac_cli_complains(&said, "does not go with --ground-truth"));
}
