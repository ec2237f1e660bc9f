/* cli/bench_inpaint.h -- `lacuna bench inpaint`: what a picture costs with each of several inpainters, which take turns.
 *
 * In each round every model paints the same picture once, so that what the machine does meanwhile meets all of them; a ratio is that of two times of one round. */
#pragma once

#include "cli/model_arg.h"

#include <stdio.h>

enum { LAC_BENCH_MODELS = 8, LAC_BENCH_ROUNDS = 64 };

typedef struct lac_bench_inpaint_options {
    lac_model_how how;
    int64_t size, batch, rounds;        /* pictures of size x size, `batch` at once */
    const char *prompt, *out;           /* out: a JSON file, or NULL */
    bool paced;                         /* a line of stdin before the kernels are timed and before each round */
} lac_bench_inpaint_options;

typedef struct lac_bench_model { const char *word; const lac_model_how *how; } lac_bench_model;

/* *found is a new reference: { "size", "batch", "rounds", "models": [{ "name", "inpainter", "precision", "device", "config", "seconds": { "median", "min", "max" } a picture, "rounds",
 * "ratio" (to the first's of the same round), "parts": { NETWORK: seconds in its kernels } }] }. `how` of the options is not looked at. */
lac_status lac_bench_inpaint_race(const lac_bench_model *models, int n, const lac_bench_inpaint_options *o, json_t **found);

/* Words are models (cli/model_arg.h), or JSON files that describe one, { "inpainter", "networks", "config", "tokenizer": FOLDER }, as lac_inpainter_open takes them: its
 * weights are drawn, which costs what trained ones cost. Prints a table. */
lac_status lac_bench_inpaint(const lac_words *models, const lac_bench_inpaint_options *o, FILE *to);
