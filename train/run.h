/* train/run.h -- a run from its first step to its last: stages, batches, checkpoints, logs, samples, validation, stopping and going on.
 *
 * A run lives in a folder: ckpt/, log.jsonl, events.*, samples/. Called again with the same config it goes on from its newest checkpoint,
 * to the same bits. What needs a terminal, Lua or the evaluation suite comes in through hooks. */
#pragma once

#include "train/latents.h"
#include "train/stages.h"
#include "train/step.h"

typedef struct lac_run_hooks {
    void *context;
    void (*say)(void *context, const char *line);                           /* something worth a line */
    void (*progress)(void *context, const lac_progress *p);                 /* after every step */
    bool (*stop)(void *context);                                            /* asked to end after this step */
    /* Where a packed set or mask file named in a config lies; *path is fresh. */
    lac_status (*locate)(void *context, const char *name, char **path);
    /* Scores the inpainter on data.eval, each rank its share of the pictures; on every rank *values: {"l1-pm1@hole": 0.21, ...},
     * *score: the first metric, lower is better (negated where not). */
    lac_status (*validate)(void *context, const lac_inpainter *ip, lac_tape *t, const json_t *config, lac_comm *comm, json_t **values, double *score);
    lac_status (*begun)(void *context, const char *folder, const lac_stages *stages);   /* there is a folder, and nothing amiss: write the config down */
    const char *code;                                                       /* version, for checkpoints */
} lac_run_hooks;

/* Over several ranks all call it with the same config; the first alone prints and writes. What one rank fails at, all return.
 * lac_status LAC_ERR_STOPPED: asked to stop, saved. A config that differs from the run's own in more than may change is LAC_ERR_CONFIG with
 * the list. */
lac_status lac_run(const lac_stages *stages, const char *folder, lac_comm *comm, const lac_run_hooks *hooks);

/* What a stage costs beside its steps. */
typedef struct lac_run_costs {
    lac_cache_cost latents[LAC_LATENT_SORTS], held_out_latents[LAC_LATENT_SORTS];       /* of data.train and of data.eval, where they are kept (train/latents.h); else zero */
    lac_cache_cost texts;                           /* of both, where texts' states are kept (train/texts.h); else zero */
    bool known;                                     /* their `missing` says what is not there yet; else nothing of it is known before the run, as the encoders' weights are not there */
    int64_t held_out, held_out_flops;               /* pictures that the loss is validated on, and what one costs, drawn once (train/held_out.h); 0: it is not */
} lac_run_costs;

/* Of stage k; t, its trainer, fresh, gets the stage's `init`, unless its backend is blank. */
lac_status lac_run_cost(const lac_stages *stages, int64_t k, lac_trainer *t, const lac_run_hooks *hooks, lac_run_costs *cost);

/* The device and precision a stage's config means here. LAC_ERR_CONFIG for bf16 on a CPU without it, naming the CPU. */
lac_status lac_run_device(const json_t *config, const lac_backend **b, lac_dtype *d);

/* A trained run opened for use: the networks of its newest checkpoint (EMA where there is one), in f32 on the CPU. Ends with lac_loaded_close. */
typedef struct lac_loaded {
    lac_stages stages;
    const lac_stage *stage;
    lac_trainer trainer;
    lac_comm *comm;
    int64_t step;
} lac_loaded;

lac_status lac_run_load(lac_loaded *r, const char *folder, const char *checkpoint);     /* checkpoint NULL: the newest */
void lac_loaded_close(lac_loaded *r);
