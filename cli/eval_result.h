/* cli/eval_result.h -- a result of `lacuna eval` on what others finished, which is its "metrics" and what they depend on: on the terminal, and as a file. */
#pragma once

#include "core/status.h"

#include <jansson.h>

void lac_eval_result_print(const json_t *result);                           /* a line a metric */
lac_status lac_eval_result_write(const json_t *result, const char *path);
lac_status lac_eval_result_make_folder(const char *path);                   /* that the file is to lie in */
