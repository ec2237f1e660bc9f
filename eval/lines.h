/* eval/lines.h -- what an evaluation found of each picture, as two files of the same: STEM.images.jsonl and STEM.images.csv.
 *
 * A line is an object with "id" and "values" { METRIC: number or null }, and what else the evaluation knows of the picture. The table has a
 * column for each of some such words, then one a metric; what a line lacks, and null, is an empty cell. */
#pragma once

#include "core/file/atomic.h"
#include "eval/metric.h"

#include <jansson.h>

typedef struct lac_lines {
    lac_atomic jsonl, csv;
    const char *const *word, *const *name;          /* borrowed */
    const lac_metric *metric;
    int64_t n_metrics;
} lac_lines;

/* word ends with NULL; metric, name [n_metrics], of which those without a value of single pictures have no column. All borrowed. On failure nothing is open. */
lac_status lac_lines_open(lac_lines *l, const char *stem, const char *const *word, const lac_metric *metric, const char *const *name, int64_t n_metrics);
/* Takes the line's reference; NULL is want of memory. */
lac_status lac_lines_put(lac_lines *l, json_t *line);
/* s: what the writing came to, which is returned; both files are in place where it is LAC_OK, and neither otherwise. */
lac_status lac_lines_close(lac_lines *l, lac_status s);
