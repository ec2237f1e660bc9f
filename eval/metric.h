/* eval/metric.h -- full-reference metrics of one picture against the truth, and the list of them.
 *
 * Pictures are u8 [H, W, 3], the mask u8 [H, W] with non-zero = hole. Every sum is exact or in f64. A metric is a recipe, not
 * a name: lac_metric_recipe gives the string that is stored with each value, and values of different recipes are never put
 * side by side. A value that is undefined (an empty region, PSNR of equal pictures, a picture too small for the window) is
 * NaN with the reason in words, never 0, 100 or 1000. */
#pragma once

#include "core/status.h"

typedef enum { LAC_WHOLE, LAC_HOLE, LAC_KNOWN } lac_region;

/* What a metric sees; all borrowed. mask may be NULL: then only LAC_WHOLE has a value. */
typedef struct lac_pair {
    int64_t height, width;
    const uint8_t *image, *reference, *mask;
} lac_pair;

/* reason is static text, NULL when the value is defined. */
typedef struct lac_value { double value; const char *reason; } lac_value;

static inline bool lac_in_region(const lac_pair *p, lac_region region, int64_t pixel)
{
    return region == LAC_WHOLE || (p->mask[pixel] != 0) == (region == LAC_HOLE);
}

lac_value lac_undefined(const char *reason);
/* NULL, or why no metric has a value in this region: no mask, or no pixel inside. */
const char *lac_region_missing(const lac_pair *p, lac_region region);

/* Sums over the region's pixels and their three channels; exact. */
typedef struct lac_differences { uint64_t absolute, square; int64_t values; } lac_differences;
lac_differences lac_differences_of(const lac_pair *p, lac_region region);

typedef struct lac_metric_def lac_metric_def;
struct lac_metric_def {
    const char *name;               /* "psnr"; a region joins it as "psnr@hole" */
    const char *recipe;             /* with one %s for the region */
    double range;                   /* of the pixel values, where the metric depends on it */
    int variant;                    /* of the family */
    bool higher_is_better;
    int digits;                     /* behind the point, in tables */
    /* Fails only for want of memory; undefined is a value, not a failure. */
    lac_status (*measure)(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
};

/* A metric as asked for. */
typedef struct lac_metric { const lac_metric_def *def; lac_region region; } lac_metric;

/* All of them, in the order of tables; ends with name == NULL. */
extern const lac_metric_def lac_metrics[];

/* "psnr" (the whole picture), "psnr@hole", "psnr@known". LAC_ERR_ARG names an unknown metric or region. */
lac_status lac_metric_find(lac_metric *metric, const char *name);
lac_status lac_metric_measure(const lac_metric *metric, const lac_pair *p, lac_value *value);

/* Fresh text, free() it: "psnr@hole"; "psnr{range=255,region=hole}". */
lac_status lac_metric_name(const lac_metric *metric, char **name);
lac_status lac_metric_recipe(const lac_metric *metric, char **recipe);
