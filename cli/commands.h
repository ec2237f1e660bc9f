/* cli/commands.h -- the subcommands, and what they share. */
#pragma once

#include "cli/options.h"

#define LAC_COMMAND(name, about) int lac_cmd_##name(int argc, char **argv);
#include "cli/commands.def"
#undef LAC_COMMAND

/* "0.1.0" and the commit it was built from. */
const char *lac_code_version(void);
const char *lac_code_revision(void);

/* Prints the message of a failed status as one line on stderr; returns the exit code: 0, 1, 2 (usage), 75 (stopped), 76 (timeout). */
int lac_finish(lac_status s);
