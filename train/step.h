/* train/step.h -- one step of a recipe: every phase forward and backward over its micro-batches, reduction over ranks, optimizer, buffers.
 *
 * Each phase and shape is planned once and then repeated (autograd/tape.h). A gradient that is not finite leaves weights, moments,
 * EMA and buffers as they were; the phase is then run again with every op watched, and the first bad one is the error. */
#pragma once

#include "core/comm/comm.h"
#include "train/optim.h"
#include "train/recipe.h"

typedef struct lac_trainer {
    lac_recipe recipe;
    lac_optim_config optim_config[LAC_MAX_PHASES];      /* by phase */
    lac_optim *optim[LAC_MAX_PHASES];
    lac_tape *tape;
    lac_comm *comm;
    const char *stage;
    int64_t share, micro;                               /* pictures of a step on this rank, and at once: a divisor of those */
    uint32_t *bad;                                      /* sticky: a gradient was not finite */
    float seed[LAC_MAX_PHASES][LAC_MAX_LOSSES];         /* weight / count, read by backward */
    float sum[LAC_MAX_LOSSES];                          /* of the micro-batch that just ran */
    double loss[LAC_MAX_PHASES][LAC_MAX_LOSSES];        /* of the last step: mean over all micro-batches and ranks, unweighted */
    double grad_norm[LAC_MAX_PHASES];
} lac_trainer;

/* Opens recipe and optimizers for a resolved stage config; comm is borrowed. lac_trainer_close ends all; safe on zeroes. */
lac_status lac_trainer_open(lac_trainer *t, const lac_recipe_def *def, const json_t *config, const char *stage, const lac_backend *b,
                            lac_dtype d, lac_comm *comm);
void lac_trainer_close(lac_trainer *t);

/* batch[p]: the pictures of phase p, this rank's share. step is 0-based. *stop: somebody asked this rank to stop after the step;
 * becomes whether anybody asked any rank. stop may be NULL. */
lac_status lac_trainer_step(lac_trainer *t, int64_t step, const lac_batch *const *batch, bool *stop);

/* Weighted sum of the losses of the last phase: the number in the progress line. */
double lac_trainer_total(const lac_trainer *t);

/* All that a checkpoint holds, until _state_end. _restored after the arrays were overwritten. Over several ranks all make these calls, and
 * each holds the same arrays. */
lac_status lac_trainer_state(lac_trainer *t, lac_state *s);
lac_status lac_trainer_restored(lac_trainer *t);
void lac_trainer_state_end(lac_trainer *t);
lac_status lac_trainer_swap_ema(lac_trainer *t);

/* Plans every phase for this rank's share without running anything: peak bytes and FLOP of a step. */
lac_status lac_trainer_cost(lac_trainer *t, int64_t *peak_bytes, int64_t *flops);
