/* eval/finished.h -- folders of finished pictures measured against a folder of references: the second way into an evaluation (docs/evaluation.md).
 *
 * Pictures are found below a folder; an id is a path without its ending, and what has one id in both folders is a pair. Paired metrics are means over pairs, metrics of
 * two sets see each readable picture of both. A few pictures at a time are in memory; what is kept is values, and the features that metrics of sets want. */
#pragma once

#include "core/comm/comm.h"
#include "core/file/pictures.h"
#include "eval/metric.h"

#include <jansson.h>

/* All borrowed until lac_finished_close. */
typedef struct lac_finished_ask {
    const char *images, *reference;         /* reference: a folder, or statistics: NAME.npz; NULL: the statistics of images are asked for, and no values */
    const char *masks, *prompts;            /* a folder; a JSON object of captions, and what else is said, by id (eval/finished_said.c); NULL: none */
    const char *const *metric;
    int64_t n_metrics;
    const lac_eval_weights *weights;
    lac_metric_settings settings;
    int64_t size;                           /* pictures are brought to size x size for paired metrics of pixels; 0: they are not */
    int64_t limit;                          /* ids, the first of all folders together; 0: all */
    int64_t batch;                          /* pictures read at once */
    uint64_t seed;                          /* of the intervals' resamples */
    const lac_backend *backend;
    const char *cache;                      /* a folder of what networks made of pictures (eval/feature_store.h); NULL: none */
} lac_finished_ask;

typedef struct lac_finished lac_finished;

/* Looks into folders, captions and weights, and reads no picture. LAC_ERR_ARG: an unknown metric (names the nearest), weights, masks or captions that one
 * wants and that were not given (names the option), an empty folder, no id that would match where every metric is paired. */
lac_status lac_finished_open(lac_finished **f, const lac_finished_ask *ask);
void lac_finished_close(lac_finished *f);

/* Told after each few pictures; those of this rank. measured: of those that are done, what no journal had. */
typedef void lac_finished_tell(void *context, int64_t done, int64_t measured, int64_t n);

/* Measures all; every rank takes a share and then has all that was found. journal NULL, or the stem of files in which each rank notes what it has found (eval/journal.h), which the caller forgets when all is written. What
 * stands there already, of the same question, is not measured again. */
lac_status lac_finished_run(lac_finished *f, const char *journal, lac_finished_tell *tell, void *context, lac_comm *comm);

/* After the run. _result: a new reference; _lines: writes a line a pair (eval/lines.h). */
lac_status lac_finished_result(lac_finished *f, json_t **result);
lac_status lac_finished_lines(const lac_finished *f, const char *stem);

/* After the run: mu and sigma of the features by which the first Frechet distance of whole pictures sees the reference (images, where there is none), as
 * pytorch-fid writes them (eval/moments.h). LAC_ERR_ARG where no metric is such a distance, where the reference is statistics
 * itself, or fewer than 2 pictures could be read. */
lac_status lac_finished_save_statistics(const lac_finished *f, const char *path);
lac_status lac_finished_has_statistics(const lac_finished *f);          /* before the run: the first of these errors */

/* What is broken, unmatched or undefined, a line of words each. lac_paths_free ends it. */
lac_status lac_finished_remarks(const lac_finished *f, lac_paths *lines);
