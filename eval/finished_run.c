/* The entries shared out over ranks, a few at a time. */
#include "eval/finished_internal.h"

#include "core/memory.h"

#include <stdlib.h>

typedef struct share { int64_t each, from, n; } share;

static share share_of(int64_t n, const lac_comm *comm)
{
    const int64_t each = (n + comm->size - 1) / comm->size, from = LAC_MIN(comm->rank * each, n);
    return (share){ each, from, LAC_MIN(each, n - from) };
}

typedef struct course {
    lac_finished *f;
    share share;
    lac_journal *journal;               /* NULL: none */
    int64_t *at;                        /* [batch] */
    int64_t measured;                   /* by this run */
    lac_finished_tell *tell;
    void *context;
} course;

static lac_status note(course *c, int64_t i)
{
    lac_blob b = { NULL, 0, 0 };
    lac_status s = lac_finished_put_row(c->f, i, &b);
    if (s == LAC_OK)
        s = lac_journal_note(c->journal, &b);
    free(b.data);
    return s;
}

static lac_status take_record(void *c, lac_blob_reader *record) { return lac_finished_take_row(((course *)c)->f, record); }

/* Entries [from, from + n) of the share that are not done yet. */
static lac_status step(course *c, int64_t from, int64_t n)
{
    int64_t left = 0;
    for (int64_t i = 0; i < n; i++)
        if (!c->f->row[c->share.from + from + i].done)
            c->at[left++] = c->share.from + from + i;
    if (left > 0)
        LAC_TRY(lac_finished_measure(c->f, c->at, left));
    for (int64_t i = 0; c->journal != NULL && i < left; i++)
        LAC_TRY(note(c, c->at[i]));
    c->measured += left;
    if (c->tell != NULL)
        c->tell(c->context, from + n, c->measured, c->share.n);
    return LAC_OK;
}

static lac_status steps(course *c, int64_t batch, lac_comm *comm)
{
    for (int64_t at = 0; at < c->share.each; at += batch) {
        const int64_t n = LAC_MAX(LAC_MIN(batch, c->share.n - at), 0);
        LAC_TRY(lac_comm_agree(comm, n > 0 ? step(c, at, n) : LAC_OK));
    }
    return LAC_OK;
}

/* This rank's rows that an earlier run has found. */
static lac_status note_again(void *context)
{
    course *c = context;
    for (int64_t i = c->share.from; i < c->share.from + c->share.n; i++)
        if (c->f->row[i].done)
            LAC_TRY(note(c, i));
    return LAC_OK;
}

static lac_status take_all(lac_finished *f, const char *bytes, int64_t n)
{
    lac_blob_reader from = { bytes, bytes + n };
    while (from.at < from.end)
        LAC_TRY(lac_finished_take_row(f, &from));
    return LAC_OK;
}

/* Every rank's rows to all. */
static lac_status gather(lac_finished *f, const share *own, lac_comm *comm)
{
    lac_blob mine = { NULL, 0, 0 };
    char *all = NULL;
    int64_t *length = NULL;
    size_t most;
    lac_status s = lac_calloc((void **)&length, (size_t)comm->size, sizeof *length);
    for (int64_t i = 0; s == LAC_OK && i < own->n; i++)
        s = lac_finished_put_row(f, own->from + i, &mine);
    s = lac_comm_agree(comm, s);
    if (s == LAC_OK)
        s = lac_blob_exchange(comm, &mine, &all, &most, length);
    for (int r = 0; s == LAC_OK && r < comm->size; r++)
        s = r != comm->rank ? take_all(f, all + (size_t)r * most, length[r]) : LAC_OK;
    free(all);
    free(length);
    free(mine.data);
    return lac_comm_agree(comm, s);
}

lac_status lac_finished_run(lac_finished *f, const char *journal, lac_finished_tell *tell, void *context, lac_comm *comm)
{
    course c = { .f = f, .share = share_of(f->n_entries, comm), .tell = tell, .context = context };
    lac_status s = lac_comm_agree(comm, lac_calloc((void **)&c.at, (size_t)f->ask.batch, sizeof *c.at));
    if (s == LAC_OK && journal != NULL)
        s = lac_journal_take_up(&c.journal, journal, f->question, take_record, note_again, &c, comm);
    if (s == LAC_OK)
        s = steps(&c, f->ask.batch, comm);
    lac_journal_close(c.journal);
    free(c.at);
    return s == LAC_OK && comm->size > 1 ? gather(f, &c.share, comm) : s;
}
