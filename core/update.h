/* core/update.h -- Adam and AdamW (arXiv:1412.6980, 1711.05101) with clip, EMA and bf16 copy: one pass over flat arenas.
 *
 *     g = clip grad            (+ decay p where not decoupled)      p = p - lr decay p where decoupled
 *     m = b1 m + (1 - b1) g    v = b2 v + (1 - b2) g g
 *     p = min(p - step m / (sqrt(v) root + eps), most)        where bounded
 *     ema = keep ema + (1 - keep) p        bf16 = round(p)
 *
 * PyTorch's form is step = lr / (1 - b1^t), root = 1 / sqrt(1 - b2^t); TensorFlow's step = lr sqrt(1 - b2^t) / (1 - b1^t),
 * root = 1 (its eps is not corrected). t is any exponent, so optimizers may share one.
 *
 * What changes from step to step lies in `scalars` and `state`, in the backend's memory; the call itself is the same each time. */
#pragma once

#include "core/backend.h"

enum { LAC_CLIP_GROUPS = 16, LAC_UPDATE_CHUNK = 8192 };

/* Elements [start, start + n) of the arenas that share their factors. */
typedef struct lac_update_range {
    int64_t start, n;
    int64_t skipped;            /* elements before it that m, v and ema do not hold: there it lies at start - skipped */
    int64_t first_chunk;        /* chunks of LAC_UPDATE_CHUNK elements in the ranges before this one */
    float lr;                   /* times the step's learning rate */
    float decay;
    float most;                 /* with `bounded`: what is above it after the step is it */
    int clip_group;
    bool bounded;
    bool idle;                  /* no gradient this time: stands still, EMA goes on */
    uint16_t *bf16;             /* the working value, n long; NULL: the master is the value */
} lac_update_range;

/* Written by the host before a step. */
typedef struct lac_update_scalars {
    float lr, step, root;
    float keep;                 /* of the EMA */
    float clip[LAC_CLIP_GROUPS];                /* largest norm of a group's gradient; 0: any */
} lac_update_scalars;

/* Written by the passes. */
typedef struct lac_update_state {
    double square[LAC_CLIP_GROUPS];             /* sum of squares of the gradient, by clip group */
    int64_t applied;                            /* steps that were not skipped */
} lac_update_state;

typedef enum {
    LAC_UPDATE_MEASURE = 1,     /* state->square from the gradient; *bad = 1 where it is not finite */
    LAC_UPDATE_APPLY = 2,       /* the step, unless *bad is set */
    LAC_UPDATE_JUDGE = 4,       /* before it: *bad = 1 where state->square, by now the sum over all ranks, is not finite */
} lac_update_pass;

typedef struct lac_update {
    unsigned pass;              /* a set of lac_update_pass: measure, judge, apply */
    int64_t n_ranges, n_chunks;
    const lac_update_range *range;
    float *master, *m, *v, *ema;                /* ema NULL: none */
    const float *grad;
    double beta1, beta2, eps;   /* double: 1 - b2 in f32 would be 5e-5 off */
    bool decoupled;             /* AdamW's decay */
    const lac_update_scalars *scalars;
    lac_update_state *state;
    double *partial;            /* n_chunks, scratch of the measure */
    uint32_t *bad;              /* sticky, shared by all optimizers of a run */
} lac_update;

/* The CPU's kernel, `update` of its backend. Same bits at any number of threads. */
lac_status lac_update_cpu(const lac_update *u);

/* Step t (from 1) of the two forms into step, root; lr is kept beside. */
void lac_update_scalars_set(lac_update_scalars *s, double lr, double beta1, double beta2, double t, bool tf_form);

/* Sets first_chunk of each range and returns the number of chunks. */
int64_t lac_update_lay_out(lac_update_range *range, int64_t n_ranges);
