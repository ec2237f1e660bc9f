#include "cli/eval_notes.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* A record: the picture's number, then its row. */
static lac_status take_record(void *context, lac_blob_reader *record)
{
    lac_eval_notes *notes = context;
    int64_t i;
    LAC_TRY(lac_blob_take(record, &i, sizeof i));
    if (i < 0 || i >= notes->n)
        return LAC_FAIL(LAC_ERR_FORMAT, "a row of a picture that is not there");
    notes->row[i].n = 0;
    return lac_blob_put(&notes->row[i], record->at, (size_t)(record->end - record->at));
}

static lac_status note(lac_eval_notes *notes, int64_t i, const lac_blob *row)
{
    lac_blob b = { NULL, 0, 0 };
    lac_status s = lac_blob_put(&b, &i, sizeof i);
    if (s == LAC_OK)
        s = lac_blob_put(&b, row->data, row->n);
    if (s == LAC_OK)
        s = lac_journal_note(notes->journal, &b);
    free(b.data);
    return s;
}

/* This rank's rows that an earlier run has found. */
static lac_status note_again(void *context)
{
    lac_eval_notes *notes = context;
    for (int64_t i = notes->from; i < notes->from + notes->own; i++)
        if (notes->row[i].n > 0)
            LAC_TRY(note(notes, i, &notes->row[i]));
    return LAC_OK;
}

lac_status lac_eval_notes_open(lac_eval_notes *notes, const char *stem, const char question[LAC_SHA256_HEX], int64_t n, int64_t from, int64_t own, lac_comm *comm)
{
    *notes = (lac_eval_notes){ .n = n, .from = from, .own = own };
    lac_status s = lac_comm_agree(comm, lac_calloc((void **)&notes->row, (size_t)n, sizeof *notes->row));
    if (s == LAC_OK)
        s = lac_journal_take_up(&notes->journal, stem, question, take_record, note_again, notes, comm);
    if (s != LAC_OK)
        lac_eval_notes_close(notes);
    return s;
}

void lac_eval_notes_close(lac_eval_notes *notes)
{
    for (int64_t i = 0; notes->row != NULL && i < notes->n; i++)
        free(notes->row[i].data);
    free(notes->row);
    lac_journal_close(notes->journal);
    *notes = (lac_eval_notes){ NULL };
}

bool lac_eval_notes_have(const lac_eval_notes *notes, int64_t from, int64_t n)
{
    bool all = notes->row != NULL && from >= notes->afresh;
    for (int64_t i = from; all && i < from + n; i++)
        all = notes->row[i].n > 0;
    return all;
}

lac_status lac_eval_notes_take(const lac_eval_notes *notes, int64_t from, int64_t n, lac_score *score)
{
    for (int64_t i = from; i < from + n; i++)
        LAC_TRY(lac_score_take_rows(score, notes->row[i].data, notes->row[i].n));
    return LAC_OK;
}

lac_status lac_eval_notes_add(lac_eval_notes *notes, int64_t from, const lac_score *score, int64_t row)
{
    for (int64_t i = row; notes->journal != NULL && i < score->n_rows; i++) {
        lac_blob b = { NULL, 0, 0 };
        lac_status s = lac_score_put_row(&b, score, &score->row[i]);
        if (s == LAC_OK)
            s = note(notes, from + i - row, &b);
        free(b.data);
        LAC_TRY(s);
    }
    return LAC_OK;
}
