/* tests/harness/run.h -- whole runs within a test, stopped and watched, and what they have learnt. */
#pragma once

#include "train/run.h"

/* Counted while a run goes on: batches that went into a cache, and steps. stop_*: somebody asks to stop after so many of them; 0: nobody does. */
typedef struct lac_test_watch { int made, steps, stop_made, stop_steps; } lac_test_watch;

/* A rank alone on the CPU; set names are paths. config, of any number of stages, is taken over. */
lac_status lac_test_run(json_t *config, const char *folder, lac_test_watch *w);

/* All parameters of all networks: "unet/conv_in.weight". */
enum { LAC_TEST_PARAMS = 512 };
typedef struct lac_test_snapshot { int n; char *name[LAC_TEST_PARAMS]; float *x[LAC_TEST_PARAMS]; int64_t numel[LAC_TEST_PARAMS]; } lac_test_snapshot;
lac_param *lac_test_param_at(const lac_recipe *r, int k);           /* NULL behind the last */
void lac_test_snap(lac_test_snapshot *s, const lac_recipe *r);
void lac_test_learnt(lac_test_snapshot *s, const char *folder);     /* of the run's newest checkpoint */
void lac_test_drop(lac_test_snapshot *s);

/* Over the parameters of both whose names begin so, of which there must be one: whether they are the same to the bit; the largest difference. */
bool lac_test_same(const lac_test_snapshot *a, const lac_test_snapshot *b, const char *begin);
double lac_test_farthest(const lac_test_snapshot *a, const lac_test_snapshot *b, const char *begin);
