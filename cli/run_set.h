/* cli/run_set.h -- the runs that a config means, in the order in which they are trained: those that it begins from (first = { CONFIG, ... }), and its own, one or those of its sweep.
 *
 *     first = { require "ldm.mini-vae", require "clip.mini" },      init = { { from = "runs/mini-vae", network = "vae" } },
 *
 * What `first` names may have a `first` of its own. A run is known by its name: one that several want is there once. */
#pragma once

#include "cli/sweep.h"

typedef struct lac_run_set { lac_sweep_run *run; int64_t n, capacity; } lac_run_set;

/* Puts the runs of a config as given behind those that are there; its preset is applied, which changes it. place: where it stands in the file, "" for the file itself. *at [*n], fresh: its own
 * runs. LAC_ERR_CONFIG for a `first` that is no list of configs, and for two configs under one name. */
lac_status lac_run_set_add(lac_run_set *s, json_t *config, const char *place, int64_t **at, int64_t *n);
void lac_run_set_free(lac_run_set *s);          /* safe on zeroes */
