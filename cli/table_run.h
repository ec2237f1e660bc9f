/* cli/table_run.h -- a table of a paper from its file (cli/table_file.h): train, score, print. Called again it does what is left to do. */
#pragma once

#include "cli/table_file.h"
#include "core/comm/comm.h"

/* Trains the runs in order, scores every row by every measure, prints the table as Markdown and writes it to the folder: table.md, table.json, report.html, and for each measure
 * MEASURE.json, .csv, .tex and MEASURE-differences.csv, .tex. A run that failed is told, leaves its row with fewer, and is the status at the end. */
lac_status lac_table_run(lac_table_file *f, lac_comm *comm);

/* What that would do and cost, on stdout: runs that are done, begun or to come, what they cost, and what of data and weights is not there. */
lac_status lac_table_cost(const lac_table_file *f, lac_comm *comm);
