/* eval/score.h -- values of several methods by several metrics over one evaluation set, a few pictures at a time.
 *
 * The set is pulled item by item and only values are kept, and the features that metrics of the set want, so its size is no matter. A method gets the picture with its
 * hole grey, never the truth, and what it hands back is what is scored. eval/summary.h makes JSON of the result. */
#pragma once

#include "eval/metric.h"

/* One picture of the set; borrowed from the reader until its next call. */
typedef struct lac_eval_item {
    const char *id;
    const char *background;         /* intervals resample these: pictures on one background are not independent */
    const char *object;             /* what was cut out or put in; NULL where there is none */
    int64_t height, width;
    const uint8_t *reference;       /* [H, W, 3] */
    const uint8_t *mask;            /* [H, W], non-zero = hole */
    int64_t record;                 /* its number in the set: what a method draws at random belongs to it (lac_ask.sample) */
    const char *prompt;             /* what is to be painted; NULL: nothing is said */
    const char *label;              /* the name of the object in the hole; NULL: nothing is said */
} lac_eval_item;

/* Item i of the set, 0 <= i < n. */
typedef lac_status lac_eval_read(void *context, int64_t i, lac_eval_item *item);

/* Completes n items of one size at once: picture[i] [H, W, 3] comes with the hole at LAC_HOLE_GREY and is changed in place. item[i].reference
 * is NULL: the truth is not told. What a method draws depends on item[i].record, so neither n, order, ranks nor --limit change a result. */
typedef struct lac_eval_method {
    const char *name;               /* unique; the row of the table */
    lac_status (*complete)(void *context, int64_t n, const lac_eval_item *item, uint8_t *const *picture);
    void *context;
    bool whole;                     /* picture[i] comes as it is, hole or not: what is measured is pictures made anew */
    /* What it says of the features before it paints, of the same pictures; item[i].reference is there, for truth's features alone. NULL: nothing. */
    lac_status (*imagine)(void *context, int64_t n, const lac_eval_item *item, uint8_t *const *picture, lac_imagined *y);
} lac_eval_method;

/* context is the const lac_baseline *. */
lac_eval_method lac_eval_baseline(const char *name);        /* .name NULL when there is none of that name */

typedef struct lac_score_row {
    char *id, *label, *prompt;      /* of the item; NULL: nothing was said */
    int64_t background, object;     /* numbers in the score's lists; object -1: none */
    int64_t height, width, holes;
    lac_value *value;               /* [n_methods][n_metrics] */
    float *feature;                 /* of each network in turn [n_methods + 1][n], the truth's last, NaN where it saw nothing; NULL where no metric wants any */
} lac_score_row;

typedef struct lac_name_list { char **name; int64_t n, capacity; } lac_name_list;

typedef struct lac_score {
    int64_t n_metrics, n_methods, n_rows, capacity;
    lac_metric *metric;
    char **metric_name, **recipe, **method;
    lac_features *features;         /* one of each network, option and part of pictures that a metric names */
    lac_crop_of **crop;             /* [n_features] the part; NULL: all */
    int64_t n_features, *network;   /* network[k]: which of them metric k sees, -1: none */
    int64_t row_features;           /* numbers of a row */
    lac_eval_means means;
    lac_backbones *backbones;
    lac_score_row *row;             /* in the order of lac_score_add */
    lac_name_list backgrounds, objects, reasons;
} lac_score;

/* means: for metrics' networks; NULL where no metric wants any. LAC_ERR_ARG: a metric that is unknown or named twice, a method named twice, a metric of what sets do not
 * have. On failure *s is empty. */
lac_status lac_score_new(lac_score *s, const char *const *metrics, int64_t n_metrics, const char *const *methods, int64_t n_methods,
                         const lac_eval_means *means);
void lac_score_free(lac_score *s);

/* n items of one size; image[m * n + i] is method m's picture of item i, [H, W, 3]; imagined [n_methods]: what they said of the features, zeroes where one said nothing; NULL: none. */
lac_status lac_score_add(lac_score *s, int64_t n, const lac_eval_item *item, const uint8_t *const *image, const lac_imagined *imagined);
bool lac_score_wants_imagined(const lac_score *s);

/* The same with values that were found elsewhere, [n_methods][n_metrics], and features as a row has them (eval/gather.h); of item only what
 * names it, and its size. */
lac_status lac_score_add_values(lac_score *s, const lac_eval_item *item, int64_t holes, const lac_value *value, const float *feature);
void lac_score_clear(lac_score *s);         /* no rows, the same metrics and methods */

/* The whole loop over n items, up to `batch` of one size at once: read, grey the hole, complete by each method, add. methods[] are those of
 * lac_score_new, in order. A failure says which item and method. */
lac_status lac_score_run(lac_score *s, lac_eval_read *read, void *context, int64_t n, const lac_eval_method *methods, int64_t batch);

/* The features of a row that metric k sees: of method m, or with m == n_methods of the truth. NULL without a network. */
const float *lac_score_feature(const lac_score *s, const lac_score_row *row, int64_t m, int64_t k);

/* Fresh [n_rows] of method m by metric k; free() it. */
lac_status lac_score_values(const lac_score *s, int64_t m, int64_t k, double **value);
