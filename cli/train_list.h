/* cli/train_list.h -- runs trained one after another: one, those of a sweep, those of a table. What is finished is skipped, what was stopped goes on. */
#pragma once

#include "cli/lua_host.h"
#include "cli/sweep.h"
#include "cli/sweep_table.h"
#include "train/run.h"

typedef struct lac_train_list {
    lac_sweep_run *run;
    lac_stages *stages;
    lac_sweep_row *row;         /* where each is, and whether it failed */
    int64_t n, failed;
    lac_status first;           /* what the first failure was */
    char why[4096];
} lac_train_list;

/* Every run's config is checked before the first one trains; messages name places in the file. runs are the list's own from here on, also after a failure. */
lac_status lac_train_list_open(lac_train_list *w, lac_sweep_run *runs, int64_t n, lac_experiment *e);
void lac_train_list_close(lac_train_list *w);           /* safe on zeroes */

/* Run i, whose report is written when it is done or stopped. */
lac_status lac_train_list_one(const lac_train_list *w, int64_t i, lac_comm *comm);
/* All of them. One that fails leaves the others their turn (among several ranks only where all of them fail alike) and is noted, which is no failure of this function: LAC_ERR_STOPPED is. */
lac_status lac_train_list_all(lac_train_list *w, lac_comm *comm);
/* LAC_OK, or the first failure with how many there were. */
lac_status lac_train_list_verdict(const lac_train_list *w);
