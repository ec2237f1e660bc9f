/* cli/run_hooks.h -- what a run in train/ needs from outside: the terminal, signals, validation, config.lua. */
#pragma once

#include "train/run.h"

/* The hooks of this process (one run at a time); SIGINT, SIGTERM and SIGUSR1 end the step, save and stop from now on. `progress` every so often where stdout
 * is no terminal. */
lac_run_hooks lac_run_hooks_here(void);

/* Ends the progress line on a terminal, if one stands. */
void lac_progress_end(void);
