/* cli/eval_watch.h -- an evaluation looked at while it runs: a line with the time left on a terminal, and a sheet of its first pictures.
 *
 * The sheet has a row a picture: what is known, what each method made of it, the truth. Over several ranks each scores its share of the
 * set; the first tells of its own on the terminal. */
#pragma once

#include "cli/eval_run.h"

typedef struct lac_eval_watched { lac_eval_method method; struct lac_eval_watch *watch; int64_t column; } lac_eval_watched;

typedef struct lac_eval_watch {
    lac_eval_set *set;
    const lac_score *score;
    int64_t batch;
    const char *kept;                       /* folder for finished pictures, truth and masks (lac_kept_path); NULL: none are kept */
    int64_t kept_first;                     /* so many of them; 0: all */
    lac_eval_share share;                   /* of this rank */
    int64_t n_methods, n_shown, at;         /* at: the last picture that was read, as the set counts */
    lac_eval_watched *watched;
    const lac_eval_method *anew;
    uint8_t *picture;                       /* that it made */
    lac_image *shown;                       /* [n_shown][n_methods + 2] */
    lac_eval_notes notes;                   /* of an earlier run, and of this one */
    bool terminal;
    double started;
    int64_t taken;                          /* pictures of the share that were noted before */
} lac_eval_watch;

typedef struct lac_eval_watch_wish {
    int64_t images, batch;                  /* pictures of the sheet, 0: no sheet; done at once */
    const char *kept;                       /* as the fields; each rank writes its own */
    int64_t kept_first;
    const lac_eval_method *anew;            /* the set's pictures are what it makes of them, one by one; NULL: they are as they are */
    const char *journal, *question;         /* where each rank notes what it has found, and all that it depends on (eval/journal.h); NULL: nowhere */
} lac_eval_watch_wish;

/* Scores the methods over the whole set; every rank then has all values and all pictures of the sheet. What one rank fails at, all return. lac_eval_watch_free ends it, also
 * after a failure. */
lac_status lac_eval_watch_run(lac_eval_watch *w, lac_score *score, lac_eval_set *set, const lac_eval_method *methods, int64_t n_methods, const lac_eval_watch_wish *wish,
                              lac_comm *comm);
void lac_eval_watch_free(lac_eval_watch *w);
lac_status lac_eval_watch_sheet(const lac_eval_watch *w, const char *path);        /* PNG */
