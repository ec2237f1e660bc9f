/* cli/train_cost.h -- what trainings would be and cost, on stdout: `--dry-run` of a config, its sweep, or a table. No kernel runs, and networks of any size take no memory, unless their weights
 * tell where caches lie. */
#pragma once

#include "cli/train_list.h"
#include "cli/wants.h"

/* A run's resolved config. */
void lac_train_config_print(const lac_stages *stages);

/* Runs that are done, begun or to come; parameters, FLOP and memory of each stage, samples, what is made before the first step; all together. Adds to wants what they want; what depends
 * on data that is not there is left out. The first rank alone. */
lac_status lac_train_cost(const lac_train_list *w, lac_wants *wants, lac_comm *comm);
