/* cli/eval_notes.h -- what an evaluation over a set has found so far, in journals (eval/journal.h): started again with the same question it scores what is missing. */
#pragma once

#include "eval/gather.h"
#include "eval/journal.h"

typedef struct lac_eval_notes {
    lac_journal *journal;           /* NULL: nothing is noted */
    lac_blob *row;                  /* [n] of the set's pictures, as eval/gather.h writes them; empty: not found yet */
    int64_t n, from, own;           /* of the set; of this rank, [from, from + own) */
    int64_t afresh;                 /* pictures below `afresh` are scored again all the same */
} lac_eval_notes;

/* Takes what every rank noted of n pictures, and begins this rank's journal, with what of it is in [from, from + own). Zeroes are notes of nothing. Every rank calls it. On
 * failure *notes is empty. */
lac_status lac_eval_notes_open(lac_eval_notes *notes, const char *stem, const char question[LAC_SHA256_HEX], int64_t n, int64_t from, int64_t own, lac_comm *comm);
void lac_eval_notes_close(lac_eval_notes *notes);

bool lac_eval_notes_have(const lac_eval_notes *notes, int64_t from, int64_t n);         /* all of these pictures */
lac_status lac_eval_notes_take(const lac_eval_notes *notes, int64_t from, int64_t n, lac_score *score);
/* The score's rows from `row` on, which are those of picture `from` and the next. */
lac_status lac_eval_notes_add(lac_eval_notes *notes, int64_t from, const lac_score *score, int64_t row);
