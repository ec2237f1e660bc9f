/* tests/harness/training.h -- the smallest training of a recipe there is, on any device, fed with pictures of its own. */
#pragma once

#include "train/run.h"

enum { LAC_TEST_SIDE = 16, LAC_TEST_BATCH = 2, LAC_TEST_LOSSES = LAC_MAX_PHASES * (LAC_MAX_LOSSES + LAC_MAX_SHOWN) };

typedef struct lac_test_training {
    json_t *config;
    lac_stages stages;
    lac_comm *comm, *own;
    lac_trainer trainer;
} lac_test_training;

/* Any recipe by name, the tests' own (harness/program.h) included. config: its tables, `model`, `loss`, `optim` and whatever else is to be
 * otherwise than two pictures of 16 x 16 in micro-batches of one; taken over. comm NULL is a rank alone, else borrowed. */
void lac_test_begin(lac_test_training *t, const char *recipe, json_t *config, const lac_backend *b, lac_dtype d, lac_comm *comm);
/* DeepFill v2, with a learning rate that warms up and an EMA; `debug` is the config's table of that name, taken over. */
void lac_test_begin_deepfill(lac_test_training *t, const lac_backend *b, lac_dtype d, json_t *debug, lac_comm *comm);
void lac_test_end(lac_test_training *t);

/* Other pictures for each step, of the first n of a batch this rank's share. */
lac_status lac_test_step(lac_test_training *t, int64_t at, int64_t n);
/* Losses and shown numbers of the step before, looked at: phase by phase, then zeros. */
void lac_test_losses(lac_test_training *t, double loss[LAC_TEST_LOSSES]);

/* All that a checkpoint holds; _load ends as a training that goes on. */
void lac_test_save(lac_test_training *t, const char *path);
void lac_test_load(lac_test_training *t, const char *path);
/* The first picture with the averaged weights, as a sample grid does it. */
void lac_test_paint(lac_test_training *t, lac_image *made);
