/* What was found of an entry, as bytes: for a journal, and for other ranks. */
#include "eval/finished_internal.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

void lac_finished_free_row(lac_finished_row *row)
{
    for (int folder = 0; folder < LAC_FOLDERS; folder++)
        free(row->broken[folder]);
    free(row->value);
    *row = (lac_finished_row){ .done = false };
}

lac_status lac_finished_reason(lac_finished *f, const char *words, const char **reason)
{
    for (int64_t i = 0; i < f->n_reasons; i++)
        if (strcmp(f->reason[i], words) == 0)
            return *reason = f->reason[i], LAC_OK;
    LAC_TRY(lac_grow((void **)&f->reason, f->n_reasons, &f->reason_capacity, sizeof *f->reason));
    LAC_TRY(lac_strdup(&f->reason[f->n_reasons], words));
    *reason = f->reason[f->n_reasons++];
    return LAC_OK;
}

lac_status lac_finished_put_row(const lac_finished *f, int64_t i, lac_blob *to)
{
    const lac_finished_row *row = &f->row[i];
    uint64_t seen = 0;
    for (int64_t v = 0; v < 2 * f->n_views; v++)
        seen |= (uint64_t)(row->feature[v / 2][v % 2] != NULL) << v;
    LAC_TRY(lac_blob_put(to, &i, sizeof i));
    const int64_t size[] = { row->height, row->width, row->holes };
    LAC_TRY(lac_blob_put(to, &row->pair, sizeof row->pair));
    LAC_TRY(lac_blob_put(to, size, sizeof size));
    LAC_TRY(lac_blob_put(to, row->digest, sizeof row->digest));
    for (int folder = 0; folder < LAC_FOLDERS; folder++)
        LAC_TRY(lac_blob_put_text(to, row->broken[folder]));
    for (int64_t k = 0; row->pair && k < f->ask.n_metrics; k++) {
        LAC_TRY(lac_blob_put(to, &row->value[k].value, sizeof row->value[k].value));
        LAC_TRY(lac_blob_put(to, &row->value[k].share, sizeof row->value[k].share));
        LAC_TRY(lac_blob_put_text(to, row->value[k].reason));
    }
    LAC_TRY(lac_blob_put(to, &seen, sizeof seen));
    for (int64_t v = 0; v < 2 * f->n_views; v++)
        if (seen >> v & 1)
            LAC_TRY(lac_blob_put(to, row->feature[v / 2][v % 2], (size_t)f->view[v / 2].net->n * sizeof(float)));
    return LAC_OK;
}

static lac_status take_values(lac_finished *f, lac_finished_row *row, lac_blob_reader *from)
{
    const char *words;
    LAC_TRY(lac_calloc((void **)&row->value, (size_t)f->ask.n_metrics, sizeof *row->value));
    for (int64_t k = 0; k < f->ask.n_metrics; k++) {
        LAC_TRY(lac_blob_take(from, &row->value[k].value, sizeof row->value[k].value));
        LAC_TRY(lac_blob_take(from, &row->value[k].share, sizeof row->value[k].share));
        LAC_TRY(lac_blob_take_text(from, &words));
        if (words[0] != '\0')
            LAC_TRY(lac_finished_reason(f, words, &row->value[k].reason));
    }
    return LAC_OK;
}

static lac_status take_features(lac_finished *f, lac_finished_row *row, lac_blob_reader *from)
{
    uint64_t seen;
    LAC_TRY(lac_blob_take(from, &seen, sizeof seen));
    for (int64_t v = 0; v < 2 * f->n_views; v++) {
        const size_t size = (size_t)f->view[v / 2].net->n * sizeof(float);
        float **to = &row->feature[v / 2][v % 2];
        if (!(seen >> v & 1))
            continue;
        LAC_TRY(lac_spool_take(f->spool, f->view[v / 2].net->n, to));
        LAC_TRY(lac_blob_take(from, *to, size));
    }
    return LAC_OK;
}

static lac_status take(lac_finished *f, lac_finished_row *row, lac_blob_reader *from)
{
    const char *words;
    int64_t size[3];
    LAC_TRY(lac_blob_take(from, &row->pair, sizeof row->pair));
    LAC_TRY(lac_blob_take(from, size, sizeof size));
    row->height = size[0];
    row->width = size[1];
    row->holes = size[2];
    LAC_TRY(lac_blob_take(from, row->digest, sizeof row->digest));
    for (int folder = 0; folder < LAC_FOLDERS; folder++) {
        LAC_TRY(lac_blob_take_text(from, &words));
        if (words[0] != '\0')
            LAC_TRY(lac_strdup(&row->broken[folder], words));
    }
    if (row->pair)
        LAC_TRY(take_values(f, row, from));
    return take_features(f, row, from);
}

lac_status lac_finished_take_row(lac_finished *f, lac_blob_reader *from)
{
    lac_finished_row row = { .done = true };
    int64_t i;
    LAC_TRY(lac_blob_take(from, &i, sizeof i));
    if (i < 0 || i >= f->n_entries)
        return LAC_FAIL(LAC_ERR_FORMAT, "a row of a picture that is not there");
    const lac_status s = take(f, &row, from);
    if (s == LAC_OK) {
        lac_finished_free_row(&f->row[i]);
        f->row[i] = row;
    } else
        lac_finished_free_row(&row);
    return s;
}
