/* cli/eval_set.h -- the pictures and masks that methods are scored on: a split of a packed set as a config's `data.eval` says.
 *
 * Order is by record id; the k-th record takes mask k mod n of the mask file. Pictures are decoded once and kept, as far as they fit into
 * LAC_EVAL_KEEP bytes; a larger set is decoded again on every pass. */
#pragma once

#include "core/comm/comm.h"
#include "eval/score.h"
#include "eval/summary.h"
#include "models/inpainter.h"

#define LAC_EVAL_KEEP ((int64_t)1 << 30)

typedef struct lac_eval_set lac_eval_set;

/* Where a set or mask file of that name lies (cli/locate.h); *path is fresh. */
typedef lac_status lac_eval_locate(void *context, const char *name, char **path);

/* data: resolved data.eval (set, split, size, crop, shorter, mask). limit: how many pictures, 0: all. *set is NULL or an earlier one,
 * which is kept when it is of the same data and limit, and closed otherwise; on failure it is NULL. */
lac_status lac_eval_set_open(lac_eval_set **set, const json_t *data, int64_t limit, lac_eval_locate *locate, void *context);
void lac_eval_set_close(lac_eval_set *set);

int64_t lac_eval_set_count(const lac_eval_set *set);
lac_score_origin lac_eval_set_origin(const lac_eval_set *set);     /* lives as long as the set */
/* For lac_score_run: context is the set, i rises from 0. */
lac_status lac_eval_set_read(void *set, int64_t i, lac_eval_item *item);

/* A rank's pictures: [from, from + n) of the set; each rank has `each` but for the last ones, which have what is left. */
typedef struct lac_eval_share { int64_t each, from, n; } lac_eval_share;
lac_eval_share lac_eval_set_share(const lac_eval_set *set, const lac_comm *comm);

/* lac_score_run over this rank's share, a few pictures at a time: between them the ranks agree that all is well, so that none waits long,
 * and what one fails at all return. `read` is asked for pictures as the set counts them. */
lac_status lac_eval_share_run(const lac_eval_share *share, lac_score *score, lac_eval_read *read, void *context, const lac_eval_method *methods,
                              lac_comm *comm);

/* An inpainter as a method: .context is the painter. */
typedef struct lac_eval_painter { const lac_inpainter *ip; lac_tape *tape; } lac_eval_painter;
lac_eval_method lac_eval_inpainter_method(const char *name, lac_eval_painter *p);

/* Scores one inpainter, as validation in the middle of training does, each rank its share of the pictures. metrics: a list of names.
 * *values is a new reference: each metric's mean over the pictures where it is defined. *score: the first metric's, negated where higher is better.
 * LAC_ERR_STATE when that one is defined nowhere. */
lac_status lac_eval_inpainter(const lac_inpainter *ip, lac_tape *t, lac_eval_set *set, const json_t *metrics, lac_comm *comm, json_t **values,
                              double *score);
