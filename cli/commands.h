/* cli/commands.h -- the subcommands, and what they share. */
#pragma once

#include "cli/options.h"
#include "core/comm/comm.h"

#define LAC_COMMAND(name, about) int lac_cmd_##name(int argc, char **argv);
#include "cli/commands.def"
#undef LAC_COMMAND

/* "0.1.0" and the commit it was built from. */
const char *lac_code_version(void);
const char *lac_code_revision(void);

/* 0, 1, 2 (usage), 75 (stopped), 76 (a rank was lost). */
int lac_exit_code(lac_status s);
/* Prints the message of a failed status as one line on stderr; returns its exit code. What
 * stdout did not take is a failure too. */
int lac_finish(lac_status s);
/* The same for one of several ranks (comm may be NULL): it tells the others what ended it, unless all end alike. Of what all fail at the
 * first alone prints; of a rank that was lost each one that noticed. agreed: a failure of one is one of all (lac_comm_agree). */
int lac_finish_rank(lac_status s, lac_comm *comm, bool agreed);
