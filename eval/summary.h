/* eval/summary.h -- what an evaluation found, as JSON: one line a picture and method, and one summary.
 *
 * Summary:
 *     { "set", "split", "manifest", "selection", "masks", "prompt", "seed", "version", "revision", "view", "height", "width" (null where sizes differ),
 *       "images", "backgrounds", "objects", "pictures", "protocol", "published",
 *       "interval": { "kind", "level", "resamples", "unit", "seed" },
 *       "methods": { NAME: { "model" (what it is: weights' hashes, config, precision; where it is a model), "metrics": { METRIC: { "value", "low", "high", "n", "backgrounds", "recipe",
 *                                                   "undefined": [{ "id", "reason" }], "reason", "interval", "weights" } },
 *                            "area": [{ "from", "to", "images", "metrics": { METRIC: { "mean", "std", "n" } } }] } },
 *       "differences": [{ "metric", "a", "b", "value", "low", "high", "n" }] }
 * value is the mean over the pictures where it is defined, or what a metric of the set makes of them all (eval/set_value.h); low and high
 * bound the 95 % interval of eval/bootstrap.h. What cannot be said is null; why a metric of the set has no value is in "reason", why it has
 * no interval in "interval", words that are there only then; "weights" are the hashes of the files that its network was loaded from, by name. Such a metric is not in "area": a bin holds too few pictures to be a set, and
 * in a line it is undefined, "a value of the whole set", unless its pictures have values too. differences holds a - b over the pictures where both are defined, for every pair of methods.
 * Lines:  { "id", "method", "background", "object", "area", "values": { METRIC: number or null }, "undefined": { METRIC: reason }, "label", "prompt" (what was said of the picture, if anything) } */
#pragma once

#include "eval/score.h"

#include <jansson.h>

/* Where the numbers come from; borrowed. NULL is written as null. */
typedef struct lac_score_origin {
    const char *set, *split;
    const char *manifest;           /* SHA-256 of the set's manifest */
    const char *masks;              /* file or rule */
    uint64_t seed;                  /* of the resamples, and of whatever the methods drew */
    const char *view;               /* how the pictures were brought to size */
    const char *prompt;             /* one for all pictures, in place of their own */
    const char *protocol;           /* whose way of measuring it is; NULL: none's */
    const json_t *published;        /* rows of eval/table.h; NULL: none */
    const json_t *models;           /* by method's name, what it is; NULL: not said */
    const char *pictures;           /* the folder beside the summary where they were kept (eval/gallery.h); NULL: they were not */
    const char *selection;          /* SHA-256 of the manifest that its objects were chosen by (data/object_manifest.h); NULL: none */
} lac_score_origin;

/* All of it but for "methods" and "differences"; NULL when memory runs out. */
json_t *lac_score_summary_head(const lac_score *s, const lac_score_origin *origin);
/* The files of metric k's network, as "weights" has them: a new reference, NULL without any. */
json_t *lac_score_metric_weights(const lac_score *s, int64_t k);

/* *summary is a new reference. */
lac_status lac_score_summary(const lac_score *s, const lac_score_origin *origin, json_t **summary);

/* "PATH.json" (the summary), "PATH.images.jsonl" and "PATH.images.csv" (the lines, eval/lines.h), each written aside and renamed. */
lac_status lac_score_save_lines(const lac_score *s, const char *path);          /* the latter two */
lac_status lac_score_save(const lac_score *s, const lac_score_origin *origin, const char *path);
