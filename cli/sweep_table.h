/* cli/sweep_table.h -- what a sweep ends with: a row of Markdown for each run, with its last validation, or its last losses where no
 * run was validated. */
#pragma once

#include "core/status.h"

#include <stdio.h>

typedef struct lac_sweep_row { char *folder; bool failed; } lac_sweep_row;

/* From each folder's log.jsonl; what a run never logged is "-". */
lac_status lac_sweep_table(FILE *to, const lac_sweep_row *row, int64_t n);
