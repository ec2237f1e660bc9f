/* cli/table_time.h -- a table's measure of time: what a picture costs with each row, which take turns (cli/bench_inpaint.h). */
#pragma once

#include "cli/table_file.h"

/* In the form of lac_table_measure's summary: metrics "seconds", "ratio" to the first row's, and "s in NETWORK". A row's first run paints; baselines do not. One rank calls it. */
lac_status lac_table_time(const lac_table_file *f, const json_t *measure, json_t **summary);
