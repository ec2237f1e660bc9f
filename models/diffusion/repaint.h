/* models/diffusion/repaint.h -- in which order RePaint (Lugmayr et al. 2022, figures 9 and 10) visits the timesteps: a sampler's steps go down, and from
 * every `jump_length`-th timestep it goes up again by as many, jump_n_sample - 1 times. */
#pragma once

#include "core/config.h"

typedef struct lac_repaint { int64_t steps, jump_length, jump_n_sample; } lac_repaint;

/* Keys of a config. */
#define LAC_REPAINT_JUMP_KEYS                                                                                                   \
    { "jump_length", LAC_KEY_INT, "10", .min = 1, .max = 1000000, .help = "how far a jump goes up, in steps" },                 \
    { "jump_n_sample", LAC_KEY_INT, "10", .min = 1, .max = 1000000, .help = "how often each stretch is sampled" }

/* *at: positions 0 .. steps - 1 as they are visited, the first is steps - 1, the last 0; each differs from the one before by 1. free() it. LAC_ERR_CONFIG
 * where there are more than 2^24. */
lac_status lac_repaint_positions(int64_t **at, int64_t *n, const lac_repaint *r);
