/* train/log.h -- log.jsonl: a JSON object a line, each with its "step" (steps done when it was written).
 *
 * A line is flushed as it is written; one torn by a kill is dropped when the log is opened again. */
#pragma once

#include "core/status.h"

#include <jansson.h>

typedef struct lac_log_file lac_log_file;

/* Appends to path. When a run goes on from `step`, lines of later steps (and torn ones) are taken out first. */
lac_status lac_log_open(lac_log_file **l, const char *path, int64_t step);
lac_status lac_log_write(lac_log_file *l, const json_t *line);       /* an object with an integer "step"; borrowed */
lac_status lac_log_close(lac_log_file *l);                           /* NULL is fine */

/* Sets line[key]; what is not finite becomes null, for JSON knows no NaN. */
lac_status lac_log_number(json_t *line, const char *key, double x);
