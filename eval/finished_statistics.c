/* Statistics of a folder, for distances to it later. */
#include "eval/finished_internal.h"

#include "core/memory.h"
#include "eval/frechet.h"
#include "eval/metric_distributions.h"
#include "eval/moments.h"

#include <stdlib.h>

static int64_t first_distance(const lac_finished *f)
{
    for (int64_t k = 0; k < f->ask.n_metrics; k++)
        if (f->metric[k].def->of_set == lac_frechet_of_set && f->metric[k].def->unpaired)
            return k;
    return -1;
}

static lac_status save(const lac_samples *rows, const char *path)
{
    lac_moments m = { .n = rows->d };
    lac_status s = lac_malloc((void **)&m.mean, (size_t)rows->d * sizeof *m.mean);
    if (s == LAC_OK)
        s = lac_malloc((void **)&m.covariance, (size_t)(rows->d * rows->d) * sizeof *m.covariance);
    if (s == LAC_OK)
        s = lac_samples_moments(rows, 1, m.mean, m.covariance);
    if (s == LAC_OK)
        s = lac_moments_save(path, &m);
    lac_moments_free(&m);
    return s;
}

lac_status lac_finished_has_statistics(const lac_finished *f)
{
    if (first_distance(f) < 0)
        return LAC_FAIL(LAC_ERR_ARG, "statistics are of fid, fid-clean or fid-tf: --metrics names none of them");
    return f->cached && f->ask.reference != NULL ? LAC_FAIL(LAC_ERR_ARG, "'%s' is statistics already", f->ask.reference) : LAC_OK;
}

lac_status lac_finished_save_statistics(const lac_finished *f, const char *path)
{
    const int64_t k = first_distance(f);
    LAC_TRY(lac_finished_has_statistics(f));
    const int side = f->ask.reference == NULL ? LAC_IMAGES : LAC_REFERENCE;
    const float **row;
    LAC_TRY(lac_calloc((void **)&row, (size_t)f->n_entries, sizeof *row));
    lac_samples s = { .d = f->view[f->view_of[k]].net->n, .f32 = row };
    for (int64_t i = 0; i < f->n_entries; i++)
        if (f->row[i].feature[f->view_of[k]][side] != NULL)
            row[s.n++] = f->row[i].feature[f->view_of[k]][side];
    const lac_status status = lac_context(save(&s, path), "statistics '%s'", path);
    free(row);
    return status;
}
