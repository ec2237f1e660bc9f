/* eval/metric.h -- full-reference metrics: of one picture against the truth, or of a whole set of pictures, and the list of them.
 *
 * Pictures are u8 [H, W, 3], the mask u8 [H, W] with non-zero = hole. Every sum is exact or in f64. A metric is a recipe, not
 * a name: lac_metric_recipe gives the string that is stored with each value, and values of different recipes are never put
 * side by side. A value that is undefined (an empty region, PSNR of equal pictures, a picture too small for the window) is
 * NaN with the reason in words, never 0, 100 or 1000.
 *
 * A metric is asked for as
 *
 *     psnr   psnr@hole   psnr@known                a region of lac_region
 *     FD[inception]      FD[inception:FILE]        a network of eval/features.h, and what that makes of the rest
 *     fid                                          a network that the metric names itself (.network, .option); its weights come by --weights
 *
 * and its value over a set is the mean of its pictures' values (measure, or between of its network), or what of_set makes of all of them. */
#pragma once

#include "eval/features.h"
#include "models/inpainter.h"

/* What a metric sees; all borrowed. mask may be NULL: then only LAC_WHOLE has a value. */
typedef struct lac_pair {
    int64_t height, width;
    const uint8_t *image, *reference, *mask;
    lac_said said;
    const float *feature, *reference_feature;       /* [n_features] each, where the metric wants a network; else NULL */
    int64_t n_features;
    const lac_imagined *imagined;       /* what the method said of the finished picture's features before it painted, picture `at` of several; NULL: nothing */
    int64_t at;
} lac_pair;

/* What a user may set of metrics of the set. */
typedef struct lac_metric_settings {
    int64_t fid_dims;                       /* 64, 192, 768 or 2048 */
    int64_t kid_subsets, kid_subset_size;
} lac_metric_settings;

#define LAC_METRIC_SETTINGS { .fid_dims = 2048, .kid_subsets = 100, .kid_subset_size = 1000 }

/* A set of which only moments are known: those of a cached reference (.npz). Both NULL where the file lacks them. */
typedef struct lac_moments { int64_t n; double *mean, *covariance; } lac_moments;       /* [n], [n, n] */

/* What a metric of the set sees: n pictures, of which picture i counts weight[i] times (once each for the set's value, as often as its
 * group was drawn in a resample; 0 is not there), and n_reference of the reference. They are pairs, and share their weights, unless the
 * pictures are those of two folders of which each may have its own. */
typedef struct lac_set_rows {
    int64_t n, n_features;
    const double *weight;
    const double *value, *share;            /* [n] what measure gave, NaN where that is undefined; NULL without measure. share: of finished pictures alone */
    const float *const *feature, *const *reference;     /* [n], [n_reference] of [n_features], where it wants a network; else NULL */
    int64_t n_reference;
    const double *reference_weight;
    const lac_moments *moments;             /* stand for the reference, of which there are no rows then; else NULL */
    const lac_metric_settings *settings;
} lac_set_rows;

/* reason is static text, NULL when the value is defined. std: over subsets or splits, of a metric that has_std; else 0. share: what a picture counts by in the value of
 * finished pictures, of a metric whose of_set reads that; else 0. */
typedef struct lac_value { double value; const char *reason; double std, share; } lac_value;

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

/* What must be said of a picture before a metric has a value of it: bits. */
enum {
    LAC_SAID_PROMPT = 1,
    LAC_SAID_NAME = 2,              /* a label, else a prompt */
    LAC_SAID_CHANGE = 4,            /* captions before and after */
    LAC_SAID_AFTER = 8,             /* a caption after, else a prompt */
    LAC_SAID_LABEL = 16,
    LAC_SAID_CLASSES = 32,          /* labels, of whatever pictures */
    LAC_SAID_BOX = 64,              /* where its object is */
};
/* NULL, or which of them is missing, in words. */
const char *lac_said_missing(unsigned wants, const lac_said *said);

/* The part of a pair that a network sees, the same of both; NULL, or why there is none: static text. */
typedef const char *lac_crop_of(const lac_pair *p, lac_cutout *box);

typedef struct lac_metric_def lac_metric_def;
struct lac_metric_def {
    const char *name;               /* "psnr"; a region joins it as "psnr@hole" */
    const char *recipe;             /* %s stands for the region, %f for the features' own recipe, %k and %m for kid_subsets and kid_subset_size; each
                                       once, or not at all */
    double range;                   /* of the pixel values, where the metric depends on it */
    int variant;                    /* of the family */
    bool higher_is_better;
    int digits;                     /* behind the point, in tables */
    /* One picture's value; NULL: a picture alone has none. Fails only for want of memory; undefined is a value, not a failure. */
    lac_status (*measure)(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
    /* The set's value; NULL: the mean over the pictures where measure's is defined. In f64, and it changes nothing: resamples ask again. */
    lac_status (*of_set)(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);
    const char *no_interval;        /* with of_set: why no interval is made of resamples, in words; NULL: one is */
    bool wants_features;            /* named with a network: "FD[inception]" */
    bool whole;                     /* sees whole pictures: there is no region */
    /* The network that it stands on by itself, and the option it opens it with, in which %d stands for settings.fid_dims: "pytorch-fid,%d". A network that
     * has `between` gives the values; measure is NULL then. With wants_features the option where the name says none. */
    const lac_features_def *network;
    const char *option;
    bool unpaired;                  /* of two sets: each picture of both counts, pair or not */
    bool no_reference;              /* the reference's features are not asked for */
    bool wants_mask;                /* also where the region is the whole picture */
    unsigned wants;                 /* what must be said of a picture: LAC_SAID_... */
    bool has_std;
    lac_crop_of *crop;              /* what the network sees of a pair; NULL: all */
    bool known;                     /* of the known pixels, whatever region is asked for (none can be: whole) */
    int64_t side;                   /* both pictures, and the mask, are brought to side x side first (Pillow's bicubic; nearest), if they are not; 0: no */
    bool of_masks;                  /* the pictures are masks, in finished folders alone; --size leaves them as they are */
    bool imagined;                  /* of what an inpainter says of the features before it paints (lac_pair.imagined); %i in the recipe: whose features they are */
    bool no_direction;              /* neither high nor low is better: it is not judged */
};

enum { LAC_METRIC_OPTION = 1024 };

/* A metric as asked for. */
typedef struct lac_metric {
    const lac_metric_def *def;
    lac_region region;
    const lac_features_def *features;       /* NULL: none */
    char option[LAC_METRIC_OPTION];         /* theirs, "" for nothing */
    lac_metric_settings settings;
} lac_metric;

/* Metrics and networks by name, each list in the order of tables. */
typedef struct lac_metric_list {
    const lac_metric_def *metric;                   /* ends with name == NULL */
    const lac_features_def *const *features;        /* ends with NULL */
} lac_metric_list;

extern const lac_metric_def lac_metrics[];          /* the house's own */
/* Adds metrics and networks that the house's lists do not have: a test's, or those of a program which links the house. Borrowed for good. LAC_ERR_STATE
 * for a name that is known. */
lac_status lac_metric_register(const lac_metric_list *list);

/* A metric by what it is asked for as, among the house's and those registered; _with: with settings other than LAC_METRIC_SETTINGS. LAC_ERR_ARG names an unknown metric, region or network, and what does not belong to this metric. */
lac_status lac_metric_find(lac_metric *metric, const char *name);
lac_status lac_metric_find_with(lac_metric *metric, const char *name, const lac_metric_settings *settings);
/* One picture's value: what measure gives, or the metric's network where that compares; net is the instance, NULL where the metric has none. Undefined with
 * "a value of the whole set" where a picture alone has no value. */
lac_status lac_metric_measure(const lac_metric *metric, lac_features *net, const lac_pair *p, lac_value *value);
bool lac_metric_of_pictures(const lac_metric_def *def);     /* whether a picture alone has a value */

/* Fresh text, free() it: "psnr@hole"; "psnr{range=255,region=hole}". features: the instance this metric uses, NULL where it wants none; imagined: what stands for %i,
 * NULL: nothing. */
lac_status lac_metric_name(const lac_metric *metric, char **name);
lac_status lac_metric_recipe(const lac_metric *metric, const lac_features *features, const char *imagined, char **recipe);
