/* train/step.h -- one step of a recipe: every phase forward and backward over its micro-batches, reduction over ranks, optimizer, buffers.
 *
 * Each phase and shape is planned once and then repeated (autograd/tape.h); on a backend with a queue its calls are captured and replayed
 * (train/replay.h), and the host is up to two steps ahead (train/staging.h). A gradient that is not finite leaves weights, moments, EMA and buffers
 * as they were, and all that was begun after it does nothing; the phase is then run again with every op watched, and the first bad one is the
 * error, of the call that finds it. */
#pragma once

#include "core/comm/comm.h"
#include "train/optim.h"
#include "train/derive.h"
#include "train/replay.h"
#include "train/staging.h"

/* Of a network that is frozen; train/frozen.h. */
typedef struct lac_frozen { int64_t sum[2], saved[2]; bool summed; float *values; } lac_frozen;

typedef struct lac_trainer {
    lac_recipe recipe;
    lac_optim_config optim_config[LAC_MAX_PHASES];      /* by phase */
    lac_optim *optim[LAC_MAX_PHASES];                   /* NULL of a phase that trains nothing */
    lac_tape *tape;
    lac_comm *comm;
    const char *stage;
    int64_t seed;
    bool keeps[LAC_MAX_NETS];                           /* frozen networks that a checkpoint has to hold (train/frozen.h) */
    lac_frozen frozen[LAC_MAX_NETS];
    int64_t share, micro;                               /* pictures of a step on this rank, and at once: a divisor of those */
    lac_derived derived;
    lac_staging staging;
    lac_replays replays;
    double loss[LAC_MAX_PHASES][LAC_MAX_LOSSES];        /* of the last step looked at, NaN before: mean over all micro-batches and ranks, unweighted */
    double shown[LAC_MAX_PHASES][LAC_MAX_SHOWN];        /* likewise */
    double grad_norm[LAC_MAX_PHASES];
} lac_trainer;

/* Opens recipe and optimizers for a resolved stage config; comm is borrowed. lac_trainer_close ends all; safe on zeroes. */
lac_status lac_trainer_open(lac_trainer *t, const lac_recipe_def *def, const json_t *config, const char *stage, const lac_backend *b,
                            lac_dtype d, lac_comm *comm);
void lac_trainer_close(lac_trainer *t);

/* batch[p]: the pictures of phase p, this rank's share, the caller's again on return. step is 0-based. *stop: somebody asked this rank to stop
 * after the step; becomes whether anybody asked any rank. stop may be NULL. On a backend with a queue the step is begun, and the one before the
 * last is looked at; on others it is done. Over several ranks all make this call and _settle. */
lac_status lac_trainer_step(lac_trainer *t, int64_t step, const lac_batch *const *batch, bool *stop);

/* Every step begun is done and looked at. What reads weights, losses or norms comes after it: _state and _swap_ema call it themselves. */
lac_status lac_trainer_settle(lac_trainer *t);

/* Weighted sum of the losses of the last phase that trains in every mode, what stands still left out: the number in the progress line. */
double lac_trainer_total(const lac_trainer *t);

/* All that a checkpoint holds, until _state_end. _restored after the arrays were overwritten. Over several ranks all make these calls, and
 * each holds the same arrays. */
lac_status lac_trainer_state(lac_trainer *t, lac_state *s);
lac_status lac_trainer_restored(lac_trainer *t);
void lac_trainer_state_end(lac_trainer *t);
lac_status lac_trainer_swap_ema(lac_trainer *t);

/* In the mode that a stage ends with. Plans every phase for this rank's share without running anything: of a step, the largest phase's bytes, and FLOP and kernels of all. */
lac_status lac_trainer_cost(lac_trainer *t, lac_plan_stats *step);
