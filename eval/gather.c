#include "eval/gather.h"

#include "core/memory.h"

#include <stdlib.h>

/* Id, background, object, label, prompt as text, with an end to each ("" for none); three numbers; each value and, as text, why
 * it is undefined ("" where it is not); its features. */
lac_status lac_score_put_row(lac_blob *b, const lac_score *s, const lac_score_row *row)
{
    const int64_t number[3] = { row->height, row->width, row->holes };
    LAC_TRY(lac_blob_put_text(b, row->id));
    LAC_TRY(lac_blob_put_text(b, s->backgrounds.name[row->background]));
    LAC_TRY(lac_blob_put_text(b, row->object >= 0 ? s->objects.name[row->object] : ""));
    LAC_TRY(lac_blob_put_text(b, row->label));
    LAC_TRY(lac_blob_put_text(b, row->prompt));
    LAC_TRY(lac_blob_put(b, number, sizeof number));
    for (int64_t i = 0; i < s->n_methods * s->n_metrics; i++) {
        LAC_TRY(lac_blob_put(b, &row->value[i].value, sizeof row->value[i].value));
        LAC_TRY(lac_blob_put_text(b, row->value[i].reason));
    }
    return lac_blob_put(b, row->feature, (size_t)s->row_features * sizeof *row->feature);
}

/* NULL for "". */
static lac_status take_word(lac_blob_reader *r, const char **word)
{
    LAC_TRY(lac_blob_take_text(r, word));
    *word = (*word)[0] != '\0' ? *word : NULL;
    return LAC_OK;
}

static lac_status take_row(lac_blob_reader *r, lac_score *s, lac_value *value, float *feature)
{
    lac_eval_item item = { 0 };
    int64_t number[3];
    const char *reason;
    LAC_TRY(lac_blob_take_text(r, &item.id));
    LAC_TRY(lac_blob_take_text(r, &item.background));
    LAC_TRY(take_word(r, &item.object));
    LAC_TRY(take_word(r, &item.label));
    LAC_TRY(take_word(r, &item.prompt));
    LAC_TRY(lac_blob_take(r, number, sizeof number));
    item.height = number[0];
    item.width = number[1];
    for (int64_t i = 0; i < s->n_methods * s->n_metrics; i++) {
        LAC_TRY(lac_blob_take(r, &value[i].value, sizeof value[i].value));
        LAC_TRY(lac_blob_take_text(r, &reason));
        value[i].reason = reason[0] != '\0' ? reason : NULL;
    }
    LAC_TRY(lac_blob_take(r, feature, (size_t)s->row_features * sizeof *feature));
    return lac_score_add_values(s, &item, number[2], value, feature);
}

lac_status lac_score_take_rows(lac_score *s, const char *data, size_t n)
{
    lac_blob_reader r = { data, data + n };
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

static lac_status replace_rows(lac_score *s, lac_comm *comm, lac_blob *own)
{
    int64_t *length;
    char *all = NULL;
    size_t most;
    LAC_TRY(lac_comm_agree(comm, lac_calloc((void **)&length, (size_t)comm->size, sizeof *length)));
    lac_status status = lac_blob_exchange(comm, own, &all, &most, length);
    if (status == LAC_OK) {
        lac_score_clear(s);
        for (int r = 0; status == LAC_OK && r < comm->size; r++)
            status = lac_score_take_rows(s, all + (size_t)r * most, (size_t)length[r]);
        status = lac_comm_agree(comm, status);
    }
    free(all);
    free(length);
    return status;
}

lac_status lac_score_gather(lac_score *s, lac_comm *comm)
{
    lac_blob own = { NULL, 0, 0 };
    lac_status status = LAC_OK;
    if (comm->size == 1)
        return LAC_OK;
    for (int64_t i = 0; status == LAC_OK && i < s->n_rows; i++)
        status = lac_score_put_row(&own, s, &s->row[i]);
    status = lac_comm_agree(comm, status);
    if (status == LAC_OK)
        status = replace_rows(s, comm, &own);
    free(own.data);
    return status;
}
