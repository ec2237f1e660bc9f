/* eval/pictures.h -- what several evaluations found of the same pictures, one by one: their lines (eval/summary.h), joined by id. */
#pragma once

#include "eval/picture_files.h"

#include <jansson.h>

typedef struct lac_pictures {
    json_t *picture;            /* by id: { "id", "background", "object" (else its label), "area", "prompt", "values": { METHOD: { METRIC: number } },
                                 * "file": { METHOD: PATH }, "truth": PATH, "mask": PATH }; null where there is none (eval/picture_files.h) */
    json_t *method, *metric;    /* names; { "name", "better": 1, -1 or 0, "digits" }, in the order of first sight */
    json_t *difference;         /* the summaries' own, as there */
    uint64_t seed;              /* of the first summary's resamples */
} lac_pictures;

/* Zeroes are none yet. summary and stem: what lac_score_save wrote, and its PATH, beside which lines and pictures lie. Of a method that is there already
 * the first counts; lines that name none are of the summary's "method". A summary without lines adds its differences alone. LAC_ERR_FORMAT says which line is none. */
lac_status lac_pictures_add(lac_pictures *p, const json_t *summary, const char *stem);
void lac_pictures_free(lac_pictures *p);

/* A picture's value, NAN where there is none. */
double lac_pictures_value(const json_t *picture, const char *method, const char *metric);
