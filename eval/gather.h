/* eval/gather.h -- a score that was shared out over ranks, each of which scored pictures of its own, put together again. */
#pragma once

#include "eval/blob.h"
#include "eval/score.h"

/* Every rank's rows follow one another in the order of the ranks, on every rank: what one rank would have found that had scored all of
 * them, to the bit. All ranks call it, with scores of the same metrics and methods. LAC_ERR_FORMAT when they are not. */
lac_status lac_score_gather(lac_score *s, lac_comm *comm);

/* A row as bytes, and rows of such bytes behind those of a score of the same metrics and methods. */
lac_status lac_score_put_row(lac_blob *b, const lac_score *s, const lac_score_row *row);
lac_status lac_score_take_rows(lac_score *s, const char *data, size_t n);
