/* train/series.h -- log.jsonl turned on its side: for every number of the lines, its values over the steps.
 *
 * Names are dotted paths: {"step":8,"loss":{"d":1}} gives "loss.d". What is not a finite number is left out. */
#pragma once

#include "core/status.h"

typedef struct lac_series {
    char *name;
    double *x, *y;              /* step, value */
    int64_t n, x_capacity, y_capacity;
} lac_series;

typedef struct lac_series_set { lac_series *series; int64_t n, capacity; } lac_series_set;

/* Series in order of first sight; lines that are no JSON object with a step are passed over. A file that is not there has none. */
lac_status lac_series_read(lac_series_set *s, const char *path);
void lac_series_free(lac_series_set *s);
const lac_series *lac_series_find(const lac_series_set *s, const char *name);   /* NULL when absent */
