/* cli/weights_arg.h -- --weights NAME=FILE|RUN: files of weights for metrics (eval/weights.h); of a run its model, as `lacuna export RUN` writes it, in a file that ends with the command. */
#pragma once

#include "cli/options.h"
#include "core/file/pictures.h"
#include "eval/weights.h"

typedef struct lac_weights_arg { lac_eval_weights weights; lac_paths made; } lac_weights_arg;

/* lac_weights_arg_close ends it, after a failure too; safe on zeroes. */
lac_status lac_weights_arg_open(lac_weights_arg *a, const lac_words *words);
void lac_weights_arg_close(lac_weights_arg *a);
