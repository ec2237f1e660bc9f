/* Values by size of the hole, of finished pictures with masks. */
#include "core/memory.h"
#include "eval/bins.h"
#include "eval/finished_internal.h"

#include <math.h>
#include <stdlib.h>

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* Pairs with a mask: their rows, and the bin of each. */
typedef struct masked { int64_t *row, n; int *bin; double *value; } masked;

static void free_masked(masked *m)
{
    free(m->row);
    free(m->bin);
    free(m->value);
}

static lac_status find_masked(const lac_finished *f, masked *m)
{
    LAC_TRY(lac_calloc((void **)&m->row, (size_t)f->n_entries, sizeof *m->row));
    LAC_TRY(lac_calloc((void **)&m->bin, (size_t)f->n_entries, sizeof *m->bin));
    LAC_TRY(lac_calloc((void **)&m->value, (size_t)f->n_entries, sizeof *m->value));
    for (int64_t i = 0; i < f->n_entries; i++)
        if (f->row[i].pair && f->row[i].holes >= 0) {
            m->bin[m->n] = lac_bin_of(f->row[i].holes, f->row[i].height * f->row[i].width);
            m->row[m->n++] = i;
        }
    return LAC_OK;
}

static json_t *bin_json(const masked *m, int b)
{
    int64_t n = 0;
    for (int64_t i = 0; i < m->n; i++)
        n += m->bin[i] == b;
    return n > 0 ? json_pack("{s:f, s:f, s:I, s:{}}", "from", b / 10.0, "to", (b + 1) / 10.0, "images", (json_int_t)n, "metrics") : NULL;
}

static void add_metric(const lac_finished *f, int64_t k, masked *m, json_t *const list[LAC_BINS])
{
    lac_bin bin[LAC_BINS];
    for (int64_t i = 0; i < m->n; i++)
        m->value[i] = f->row[m->row[i]].value[k].reason == NULL ? f->row[m->row[i]].value[k].value : NAN;
    lac_bin_values(bin, m->value, m->bin, m->n);
    for (int b = 0; b < LAC_BINS; b++)
        if (list[b] != NULL && bin[b].n > 0)
            json_object_set_new(json_object_get(list[b], "metrics"), f->ask.metric[k],
                                json_pack("{s:o, s:o, s:I}", "mean", number(bin[b].mean), "std", number(bin[b].std), "n", (json_int_t)bin[b].n));
}

lac_status lac_finished_bins(const lac_finished *f, json_t **bins)
{
    masked m = { NULL };
    json_t *bin[LAC_BINS];
    const lac_status s = find_masked(f, &m);
    *bins = json_array();
    for (int b = 0; s == LAC_OK && b < LAC_BINS; b++)
        bin[b] = bin_json(&m, b);
    for (int64_t k = 0; s == LAC_OK && k < f->ask.n_metrics; k++)
        if (lac_metric_of_pictures(f->metric[k].def) && f->metric[k].def->of_set == NULL)
            add_metric(f, k, &m, bin);
    for (int b = 0; s == LAC_OK && b < LAC_BINS; b++)
        if (bin[b] != NULL)
            json_array_append_new(*bins, bin[b]);
    free_masked(&m);
    return s;
}
