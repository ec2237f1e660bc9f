/* eval/gather.h -- a score that was shared out over ranks, each of which scored pictures of its own, put together again. */
#pragma once

#include "core/comm/comm.h"
#include "eval/score.h"

/* Every rank's rows follow one another in the order of the ranks, on every rank: what one rank would have found that had scored all of
 * them, to the bit. All ranks call it, with scores of the same metrics and methods. LAC_ERR_FORMAT when they are not. */
lac_status lac_score_gather(lac_score *s, lac_comm *comm);
