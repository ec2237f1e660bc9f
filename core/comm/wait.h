/* core/comm/wait.h -- for those who write communicators and lanes: how long a rank has waited for the others, and that one is lost. */
#pragma once

#include "core/comm/comm.h"

lac_wait lac_wait_begin(const lac_comm *c);         /* now, with the communicator's timeout as patience */
double lac_waited(const lac_wait *w);
void lac_wait_rest(const lac_wait *w);              /* sleeps a moment: longer, the longer it has waited */

/* c->lost is set, and what its lanes have begun is given up: a device would wait for it for ever. */
void lac_comm_give_up(lac_comm *c);

/* What a collective returns. One that fails for whatever reason ends the communicator: the others are told, and not left in the middle of it. */
lac_status lac_comm_ended(lac_comm *c, lac_status s);

/* After the roll was called: the ranks without an answer are named, to the others too. LAC_OK when there is none. */
lac_status lac_comm_name_silent(lac_comm *c, const bool *here, const lac_wait *w);
