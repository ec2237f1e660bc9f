/* cli/sweep.h -- a grid over dotted keys: sweep = { ["loss.l1"] = { 0.5, 1.0 }, ["seed"] = { 1, 2, 3 } }.
 *
 * Instead of a list there may be a table whose keys name its values: model = { wide = { generator = { cnum = 64 } }, ... }; those come in
 * order of their names. A value that is a table is laid over the config's.
 *
 * The runs come in order of the sorted keys, the last one turning fastest, each key's values as listed. A run is named
 * "NAME/loss.l1=0.5,seed=1"; characters that a folder should not have become '_', and a name of more than 200 bytes ends in a hash. */
#pragma once

#include "core/status.h"

#include <jansson.h>

/* place: where in the file the config stands ("table.rows.1.config"), "": it is the file's own. */
typedef struct lac_sweep_run { char *name; json_t *config; char place[96]; } lac_sweep_run;

/* From a config as given: its `sweep` is gone from each run's config, `name` and the swept keys are set. Without a sweep, or with an
 * empty one, it is one run under the config's own name. *runs is the caller's to lac_sweep_free. LAC_ERR_CONFIG for a sweep that
 * is no table of lists, a path through something that is no table, two runs of one name, more than 10000 runs. */
lac_status lac_sweep_expand(const json_t *given, lac_sweep_run **runs, int64_t *n);
void lac_sweep_free(lac_sweep_run *runs, int64_t n);
