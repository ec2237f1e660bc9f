/* eval/table_internal.h -- what the ways to write a lac_table share. */
#pragma once

#include "eval/table.h"

/* NULL: none. */
const lac_cell *lac_table_cell_at(const lac_table *t, int64_t row, int64_t column);
/* Whether its rows are what others printed. */
bool lac_table_is_published(const lac_table *t);
/* Whether a row is the mean of runs. */
bool lac_table_has_runs(const lac_table *t);
/* "inception=HASH+HASH lpips-alex=HASH", "" without weights; fresh. */
lac_status lac_table_weights_text(const lac_table_column *c, char **text);
