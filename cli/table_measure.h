/* cli/table_measure.h -- one measure of a table's rows (cli/table_file.h): every run scored by itself, and what a row's runs are together (eval/pooled.h).
 *
 * Journals stay in the table's folder: what is scored already is taken from there when the model, pictures, metrics and program are the same. */
#pragma once

#include "cli/table_file.h"
#include "core/comm/comm.h"
#include "eval/pictures.h"
#include "eval/weights.h"

/* The form of eval/summary.h, with
 *
 *     "methods": { ROW: { "runs" (of a row that is trained), "metrics": { METRIC: { ..., "spread", "each": [{ "run", "value", "low", "high", "n" }] } },
 *                         "model" (weights by run and role), "missing": [{ "run", "reason" }] } }
 *     "differences": the pairs that the table names
 *
 * out: the table's folder. Every rank calls it; *summary is a new reference on the first alone, NULL on others. A run that is not there, or failed, is "missing"; a row
 * without any has no values. *pictures, which is to be zero: of the rows' first runs, on the first rank, where the measure keeps some. */
lac_status lac_table_measure(const lac_table_file *f, const json_t *measure, const lac_eval_weights *weights, const char *out, lac_comm *comm, json_t **summary,
                             lac_pictures *pictures);
