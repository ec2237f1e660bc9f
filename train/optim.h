/* train/optim.h -- the optimizer of one network or of several together: masters, gradients, moments and EMA, in flat f32 arenas, network by network in
 * name order.
 *
 * Over several ranks it is sharded (ZeRO-1, arXiv:1910.02054): gradients are reduced into equal shares (train/buckets.h), each rank moves its own and holds
 * moments and EMA of that alone, and the masters are gathered again. Every call but _begin, _note_gradients, _lr, _wait, _grad_norm
 * and _free is then one that all ranks make.
 *
 * While it lives, param->master and param->grad of the trained parameters point into the arenas, and where the working dtype is f32 the
 * value's data is the master itself. Decay falls on no norm, no bias and nothing `undecayed` unless a group says so, and what is
 * `bounded` stays below (autograd/params.h). */
#pragma once

#include "autograd/params.h"
#include "core/comm/comm.h"
#include "train/schedule.h"
#include "train/state.h"
#include "core/update.h"

/* For the parameters whose name, alone or behind its network's ("unet/conv_in.weight"), `match` fits (fnmatch; '*' crosses dots and slashes). Of
 * several that fit, the later wins, key by key. */
typedef struct lac_optim_group {
    char *match;
    double lr;                  /* peak learning rate in place of the optimizer's; NAN: the optimizer's */
    double decay, clip;         /* NAN: the optimizer's; an own clip measures these parameters' norm for itself */
} lac_optim_group;

typedef struct lac_optim_config {
    bool decoupled;             /* adamw */
    bool tf_form;               /* adam only */
    double lr, beta1, beta2, eps, decay;
    double clip;                /* largest L2 norm of the gradient; 0: any */
    double ema;                 /* decay; 0: none */
    bool ema_warmup;            /* decay at the n-th step is min(ema, (1 + n) / (10 + n)) */
    int64_t t0, dt;             /* exponent of the n-th step, from 0: t0 + n dt */
    lac_schedule schedule;
    lac_optim_group *groups;    /* owned, as are their names */
    int64_t n_groups;
} lac_optim_config;

extern const lac_key lac_optim_keys[];          /* of `optim.NAME` */
lac_status lac_optim_config_read(lac_optim_config *c, const json_t *resolved);
void lac_optim_config_free(lac_optim_config *c);

typedef struct lac_optim lac_optim;

/* The networks after lac_params_init, at least one, none frozen; borrowed, as are *c and comm. In the backend's memory: *bad, the run's sticky flag, and *scalars, which
 * the caller fills before each step with what lac_optim_begin said. Masters start as the values, EMA as the masters. A group that fits no
 * parameter is LAC_ERR_CONFIG. */
lac_status lac_optim_new(lac_optim **o, const lac_trained *nets, const lac_optim_config *c, uint32_t *bad, const lac_update_scalars *scalars, lac_comm *comm);
void lac_optim_free(lac_optim *o);              /* f32 values get memory of their own again; NULL is fine */

/* Sums the gradients over the ranks, each piece to its own: of what is complete (a lac_gradient_done, with the optimizer as context), while
 * backward goes on; and before the step, of all the rest. */
lac_status lac_optim_gradient_done(void *optim, lac_param *p);
lac_status lac_optim_reduce(lac_optim *o);

/* Until the device's work before m, or all so far (NULL), is done, or the ranks' patience is: before the host reads what all ranks have to
 * do with. Nothing when alone. */
struct lac_mark;
lac_status lac_optim_wait(lac_optim *o, struct lac_mark *m);

/* Begins a step, on the host alone: *to becomes its scalars, with the schedule's learning rate of `step`. */
void lac_optim_begin(lac_optim *o, int64_t step, lac_update_scalars *to);

/* Measures the gradients, then moves the parameters that have one (has_grad); nothing moves while *bad is set, which a non-finite gradient
 * does. Then the last measure is copied to *measured, in the backend's memory. The same calls on the device each time, so it can be captured
 * (core/queue.h), once _note_gradients has brought there which parameters move; without capture it does that itself. */
lac_status lac_optim_step(lac_optim *o, lac_update_state *measured);
lac_status lac_optim_note_gradients(lac_optim *o);

double lac_optim_lr(const lac_optim *o, int64_t step);
double lac_optim_grad_norm(const lac_update_state *measured);          /* over all groups, before clipping */

/* The calls from here on do nothing for NULL, the optimizer of a phase that trains nothing. */

/* The EMA begins anew at the masters: after weights were loaded from elsewhere. Does nothing without EMA. */
lac_status lac_optim_restart_ema(lac_optim *o);

/* EMA and masters change places (buffers stay: they are copied, not averaged). Twice is nothing. Does nothing without EMA. */
lac_status lac_optim_swap_ema(lac_optim *o);

/* Lists "NETWORK/master/NAME", m, v, ema and, of the first network, "NETWORK/applied", whole whatever the number of ranks. After loading into them: _restored, which
 * takes them over and makes the values again. The arrays stand until _state_end. */
lac_status lac_optim_state(lac_optim *o, lac_state *s);
lac_status lac_optim_restored(lac_optim *o);
void lac_optim_state_end(lac_optim *o);
