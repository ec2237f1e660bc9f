/* eval/score.h -- values of several methods by several metrics over one evaluation set, a picture at a time.
 *
 * The set is pulled item by item and only the values are kept, so its size is no matter. A method gets the picture with its
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
} lac_eval_item;

/* Item i of the set, 0 <= i < n. */
typedef lac_status lac_eval_read(void *context, int64_t i, lac_eval_item *item);

/* picture [H, W, 3] comes with the hole at LAC_BASELINE_GREY and is to be completed in place. id is the item's: what a method draws
 * at random depends on it, so neither order nor --limit changes a result. */
typedef struct lac_eval_method {
    const char *name;               /* unique; the row of the table */
    lac_status (*complete)(void *context, uint8_t *picture, int64_t height, int64_t width, const uint8_t *mask, const char *id);
    void *context;
} lac_eval_method;

/* context is the const lac_baseline *. */
lac_eval_method lac_eval_baseline(const char *name);        /* .name NULL when there is none of that name */

typedef struct lac_score_row {
    char *id;
    int64_t background, object;     /* numbers in the score's lists; object -1: none */
    int64_t height, width, holes;
    lac_value *value;               /* [n_methods][n_metrics] */
} lac_score_row;

typedef struct lac_name_list { char **name; int64_t n, capacity; } lac_name_list;

typedef struct lac_score {
    int64_t n_metrics, n_methods, n_rows, capacity;
    lac_metric *metric;
    char **metric_name, **recipe, **method;
    lac_score_row *row;             /* in the order of lac_score_add */
    lac_name_list backgrounds, objects, reasons;
} lac_score;

/* LAC_ERR_ARG: a metric that is unknown or named twice, a method named twice. On failure *s is empty. */
lac_status lac_score_new(lac_score *s, const char *const *metrics, int64_t n_metrics, const char *const *methods, int64_t n_methods);
void lac_score_free(lac_score *s);

/* image[m] is method m's picture of this item, [H, W, 3]. */
lac_status lac_score_add(lac_score *s, const lac_eval_item *item, const uint8_t *const *image);

/* The same with values that were found elsewhere, [n_methods][n_metrics] (eval/gather.h); of item only what names it, and its size. */
lac_status lac_score_add_values(lac_score *s, const lac_eval_item *item, int64_t holes, const lac_value *value);
void lac_score_clear(lac_score *s);         /* no rows, the same metrics and methods */

/* The whole loop over n items: read, grey the hole, complete by each method, add. methods[] are those of lac_score_new, in order.
 * A failure says which item and method. */
lac_status lac_score_run(lac_score *s, lac_eval_read *read, void *context, int64_t n, const lac_eval_method *methods);

/* Fresh [n_rows] of method m by metric k; free() it. */
lac_status lac_score_values(const lac_score *s, int64_t m, int64_t k, double **value);
