#include "eval/gather.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* A row as bytes: id, background, object as text, with an end to each ("" for no object); three numbers; each value and, as text, why
 * it is undefined ("" where it is not); its features. */
typedef struct bytes { char *data; size_t n, capacity; } bytes;

static lac_status put(bytes *b, const void *data, size_t n)
{
    while (b->capacity - b->n < n) {
        const size_t capacity = 2 * b->capacity + 4096;
        LAC_TRY(lac_realloc((void **)&b->data, capacity));
        b->capacity = capacity;
    }
    if (n > 0)
        memcpy(b->data + b->n, data, n);
    b->n += n;
    return LAC_OK;
}

static lac_status put_text(bytes *b, const char *text) { return put(b, text, strlen(text) + 1); }

static lac_status put_row(bytes *b, const lac_score *s, const lac_score_row *row)
{
    const int64_t number[3] = { row->height, row->width, row->holes };
    LAC_TRY(put_text(b, row->id));
    LAC_TRY(put_text(b, s->backgrounds.name[row->background]));
    LAC_TRY(put_text(b, row->object >= 0 ? s->objects.name[row->object] : ""));
    LAC_TRY(put(b, number, sizeof number));
    for (int64_t i = 0; i < s->n_methods * s->n_metrics; i++) {
        LAC_TRY(put(b, &row->value[i].value, sizeof row->value[i].value));
        LAC_TRY(put_text(b, row->value[i].reason != NULL ? row->value[i].reason : ""));
    }
    return put(b, row->feature, (size_t)s->row_features * sizeof *row->feature);
}

/* What is left of the bytes of all ranks. */
typedef struct reader { const char *at, *end; } reader;

static lac_status take(reader *r, void *to, size_t n)
{
    if ((size_t)(r->end - r->at) < n)
        return LAC_FAIL(LAC_ERR_FORMAT, "the scores of another rank end in the middle of a row: do all ranks score the same?");
    if (n > 0)
        memcpy(to, r->at, n);
    r->at += n;
    return LAC_OK;
}

static lac_status take_text(reader *r, const char **text)
{
    const char *end = memchr(r->at, '\0', (size_t)(r->end - r->at));
    *text = r->at;
    if (end == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "the scores of another rank end in the middle of a word: do all ranks score the same?");
    r->at = end + 1;
    return LAC_OK;
}

static lac_status take_row(reader *r, lac_score *s, lac_value *value, float *feature)
{
    lac_eval_item item = { 0 };
    int64_t number[3];
    const char *reason;
    LAC_TRY(take_text(r, &item.id));
    LAC_TRY(take_text(r, &item.background));
    LAC_TRY(take_text(r, &item.object));
    LAC_TRY(take(r, number, sizeof number));
    item.object = item.object[0] != '\0' ? item.object : NULL;
    item.height = number[0];
    item.width = number[1];
    for (int64_t i = 0; i < s->n_methods * s->n_metrics; i++) {
        LAC_TRY(take(r, &value[i].value, sizeof value[i].value));
        LAC_TRY(take_text(r, &reason));
        value[i].reason = reason[0] != '\0' ? reason : NULL;
    }
    LAC_TRY(take(r, feature, (size_t)s->row_features * sizeof *feature));
    return lac_score_add_values(s, &item, number[2], value, feature);
}

static lac_status take_rows(lac_score *s, const char *data, size_t n)
{
    reader r = { data, data + n };
    lac_value *value;
    float *feature = NULL;
    lac_status status = lac_calloc((void **)&value, (size_t)(s->n_methods * s->n_metrics), sizeof *value);
    if (status == LAC_OK)
        status = lac_calloc((void **)&feature, (size_t)s->row_features, sizeof *feature);
    while (status == LAC_OK && r.at < r.end)
        status = take_row(&r, s, value, feature);
    free(feature);
    free(value);
    return status;
}

/* Bytes of every rank, as many of each as the longest has: all [size][most], length[size]. */
static lac_status exchange(lac_comm *comm, bytes *own, char **all, size_t *most, int64_t *length)
{
    const int64_t n = (int64_t)own->n;
    *most = 0;
    *all = NULL;
    LAC_TRY(comm->all_gather(comm, length, &n, sizeof n));
    for (int r = 0; r < comm->size; r++)
        *most = LAC_MAX(*most, (size_t)length[r]);
    LAC_TRY(lac_comm_agree(comm, lac_calloc((void **)all, (size_t)comm->size, *most)));
    if (own->n > 0)
        memcpy(*all + (size_t)comm->rank * *most, own->data, own->n);
    return comm->all_gather(comm, *all, *all + (size_t)comm->rank * *most, *most);
}

static lac_status replace_rows(lac_score *s, lac_comm *comm, bytes *own)
{
    int64_t *length;
    char *all = NULL;
    size_t most;
    LAC_TRY(lac_comm_agree(comm, lac_calloc((void **)&length, (size_t)comm->size, sizeof *length)));
    lac_status status = exchange(comm, own, &all, &most, length);
    if (status == LAC_OK) {
        lac_score_clear(s);
        for (int r = 0; status == LAC_OK && r < comm->size; r++)
            status = take_rows(s, all + (size_t)r * most, (size_t)length[r]);
        status = lac_comm_agree(comm, status);
    }
    free(all);
    free(length);
    return status;
}

lac_status lac_score_gather(lac_score *s, lac_comm *comm)
{
    bytes own = { NULL, 0, 0 };
    lac_status status = LAC_OK;
    if (comm->size == 1)
        return LAC_OK;
    for (int64_t i = 0; status == LAC_OK && i < s->n_rows; i++)
        status = put_row(&own, s, &s->row[i]);
    status = lac_comm_agree(comm, status);
    if (status == LAC_OK)
        status = replace_rows(s, comm, &own);
    free(own.data);
    return status;
}
