/* train/run_internal.h -- folder-local: the state of a run under way, shared by run.c, run_data.c, run_output.c, run_resume.c. */
#pragma once

#include "data/order.h"
#include "train/checkpoint.h"
#include "train/held_out.h"
#include "train/latents.h"
#include "train/log.h"
#include "train/run.h"
#include "train/tensorboard.h"
#include "train/texts.h"
#include "train/trace.h"

typedef struct run {
    const lac_stages *stages;
    const lac_stage *stage;
    const json_t *config;           /* of the stage */
    const char *folder;
    lac_comm *comm;
    const lac_run_hooks *hooks;
    lac_trainer trainer;
    lac_tape *painter;              /* for grids and validation */
    /* data */
    lac_set *set[LAC_MIX_MAX];
    int n_sets;
    lac_latents latents;
    lac_texts texts;                /* of all sources */
    lac_set *held_out_set;          /* of data.eval, where the loss is validated on it */
    lac_source held_out_source;
    lac_latents held_out_latents;
    lac_held_out *held_out;
    lac_loader *loader[LAC_MAX_PHASES];     /* one per distinct batch of a step; [0] always */
    /* output */
    lac_log_file *log;
    lac_tensorboard *board;
    lac_trace *trace;
    double best;
    int64_t best_step;
    /* clock */
    int64_t first_step;             /* of the stage, in the run's count */
    int64_t begun;                  /* where this call took the run up */
    int64_t step;                   /* done, in the run's count */
    double started, last_log, waited, peak_seconds, seconds_per_step;
    int64_t flops, last_log_step;
} run;

bool run_speaks(const run *r);      /* the first rank: it alone prints and writes */
void run_say(const run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t run_end(const lac_stages *stages, int64_t stage);       /* step at which a stage ends, in the run's count */

lac_status run_open_data(run *r);
void run_close_data(run *r);
lac_status run_next_batches(run *r, const lac_batch **batch);

lac_status run_open_output(run *r);
lac_status run_close_output(run *r);
lac_status run_write_log(run *r);
lac_status run_write_samples(run *r);
lac_status run_validate(run *r);
lac_status run_validate_loss(run *r);
lac_status run_save(run *r);
lac_status run_write_plans(const run *r);       /* the backend's choices, into the run's plans.json; nothing where it makes none */

lac_status run_open_trainer(lac_trainer *t, const lac_stage *stage, lac_comm *comm);
/* The trainer of stages->stage[k], fresh, as the checkpoint has it. */
lac_status run_restore(lac_trainer *t, const lac_stages *stages, int64_t k, const char *path);
lac_status run_init_weights(run *r);
