/* cli/eval_run.h -- an evaluation shared out over ranks, and an inpainter as one of its methods. */
#pragma once

#include "cli/eval_notes.h"
#include "data/eval_set.h"
#include "eval/score.h"
#include "eval/summary.h"
#include "models/inpainter.h"

enum { LAC_EVAL_BATCH = 8 };        /* pictures at once, unless told otherwise */

/* A lac_eval_read, context the lac_eval_set; and where its numbers come from. */
lac_status lac_eval_set_read(void *set, int64_t i, lac_eval_item *item);
lac_score_origin lac_eval_set_origin(const lac_eval_set *set);

/* A rank's pictures: [from, from + n) of the set; each rank has `each` but for the last ones, which have what is left. */
typedef struct lac_eval_share { int64_t each, from, n; } lac_eval_share;
lac_eval_share lac_eval_share_of(int64_t pictures, const lac_comm *comm);

/* notes: what was found before is taken from there, and what is found is noted; NULL: none.
 * lac_score_run over this rank's share, `batch` pictures at a time: between them the ranks agree that all is well, so that none waits long,
 * and what one fails at all return. `read` is asked for pictures as the set counts them. */
lac_status lac_eval_share_run(const lac_eval_share *share, lac_score *score, lac_eval_read *read, void *context, const lac_eval_method *methods,
                              int64_t batch, lac_eval_notes *notes, lac_comm *comm);

/* An inpainter as a method: .context is the painter. It is told the item's prompt where it takes one, and draws by seed and record. On a
 * device whose kernels may be others for another batch, fewer pictures than `batch` are filled up with the last one. */
typedef struct lac_eval_painter {
    const lac_inpainter *ip;
    lac_tape *tape;
    uint64_t seed;
    int64_t batch;
    int64_t cut;                    /* counts pictures whose prompt is longer than the model reads */
} lac_eval_painter;
lac_eval_method lac_eval_inpainter_method(const char *name, lac_eval_painter *p);

/* For lac_eval_means.imagined: "clip_vision,weights=SHA-256", fresh; NULL where it imagines nothing. */
lac_status lac_eval_imagined_features(const lac_inpainter *ip, char **features);
