/* cli/eval_watch.h -- an evaluation looked at while it runs: a line with the time left on a terminal, and a sheet of its first pictures.
 *
 * The sheet has a row a picture: what is known, what each method made of it, the truth. */
#pragma once

#include "cli/eval_set.h"

typedef struct lac_eval_watched { lac_eval_method method; struct lac_eval_watch *watch; int64_t column; } lac_eval_watched;

typedef struct lac_eval_watch {
    lac_eval_set *set;
    int64_t n_methods, n_shown, at;         /* at: the picture that is being done */
    lac_eval_watched *watched;
    lac_image *shown;                       /* [n_shown][n_methods + 2] */
    bool terminal;
    double started;
} lac_eval_watch;

/* Scores the methods over the whole set. images: how many pictures the sheet is to have; 0: no sheet. lac_eval_watch_free ends it, also
 * after a failure. */
lac_status lac_eval_watch_run(lac_eval_watch *w, lac_score *score, lac_eval_set *set, const lac_eval_method *methods, int64_t n_methods,
                              int64_t images);
void lac_eval_watch_free(lac_eval_watch *w);
lac_status lac_eval_watch_sheet(const lac_eval_watch *w, const char *path);        /* PNG */
