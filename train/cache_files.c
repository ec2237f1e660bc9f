#include "train/cache_files.h"

#include "core/clock.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

static void narrow(uint16_t *to, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = lac_f32_to_bf16(x[i]);
}

void lac_cache_put_rows(const lac_tensor *made, lac_dtype d, char *to, int64_t first, int64_t by)
{
    const int64_t rows = made->dim[0], n = lac_numel(made) / LAC_MAX(rows, 1);
    const size_t bytes = (size_t)n * lac_dtype_size(d);
    for (int64_t i = 0; i < rows; i++) {
        const float *x = (const float *)made->data + i * n;
        char *row = to + (size_t)(first + i * by) * bytes;
        if (d == LAC_BF16)
            narrow((uint16_t *)row, x, n);
        else
            memcpy(row, x, bytes);
    }
}

/* ---- files, a batch at a time ---- */

/* What one rank makes: its files among those that are missing, one after the other, each view by view. */
typedef struct work {
    const lac_cache_maker *m;
    const int64_t *file;                    /* those missing */
    int64_t n_files, next, stride;          /* its own are file[next], file[next + stride], ... */
    int64_t view, at;                       /* in the file under way: what comes next */
    char *rows[LAC_LATENT_KINDS], *whole;
} work;

static int64_t batches_of(const lac_cache_maker *m, int64_t file)
{
    int64_t from, n;
    lac_latent_cache_range(m->cache, file, &from, &n);
    return m->layout->views * ((n + m->batch - 1) / m->batch);
}

static size_t row_bytes(const lac_latent_layout *l) { return (size_t)lac_shape_numel(&l->one) * lac_dtype_size(l->dtype); }

static lac_status begin_file(work *w, int64_t n)
{
    const lac_latent_layout *l = w->m->layout;
    for (int k = 0; k < LAC_LATENT_KINDS; k++)
        if (l->kept[k])
            LAC_TRY(lac_malloc((void **)&w->rows[k], (size_t)(n * l->views) * row_bytes(l)));
    return lac_malloc((void **)&w->whole, row_bytes(l));
}

static void drop_file(work *w)
{
    free(w->rows[0]), free(w->rows[1]), free(w->whole);
    w->rows[0] = w->rows[1] = w->whole = NULL;
}

static lac_status end_file(work *w)
{
    const lac_cache_maker *m = w->m;
    const int64_t file = w->file[w->next];
    const bool whole = m->layout->kept[LAC_LATENT_AROUND] && file == 0;
    LAC_TRY(whole ? m->whole(m->context, w->whole) : LAC_OK);
    LAC_TRY(lac_latent_cache_put(m->cache, file, (const void *const[]){ w->rows[0], w->rows[1] }, w->whole));
    drop_file(w);
    w->next += w->stride;
    w->view = w->at = 0;
    return LAC_OK;
}

/* The next batch of this rank's, if it has one. */
static lac_status do_some(work *w)
{
    const lac_cache_maker *m = w->m;
    const int64_t views = m->layout->views;
    int64_t from, n;
    if (w->next >= w->n_files)
        return LAC_OK;
    lac_latent_cache_range(m->cache, w->file[w->next], &from, &n);
    if (w->whole == NULL)
        LAC_TRY(begin_file(w, n));
    LAC_TRY(m->make(m->context, w->view, from + w->at, LAC_MIN(m->batch, n - w->at), w->rows, w->at * views + w->view, views));
    w->at += m->batch;
    if (w->at >= n) {
        w->at = 0;
        w->view++;
    }
    return w->view == views ? end_file(w) : LAC_OK;
}

static void report(const lac_cache_maker *m, int64_t done, int64_t all, double since)
{
    const double seconds = lac_seconds() - since;
    const lac_progress p = { .what = m->what, .step = LAC_MIN(done, all), .steps = all, .loss = NAN, .images_per_second = seconds > 0 ? (double)done / seconds : 0,
                             .seconds_per_step = seconds / (double)LAC_MAX(done, 1) };
    if (m->watch.progress != NULL && m->comm->rank == 0)
        m->watch.progress(m->watch.context, &p);
}

/* Every rank the same number of rounds. */
static lac_status work_off(work *w, int64_t rounds, int64_t records)
{
    const lac_cache_maker *m = w->m;
    const double since = lac_seconds();
    for (int64_t i = 0; i < rounds; i++) {
        lac_status s = do_some(w);
        if (s == LAC_OK && m->watch.stop != NULL && m->watch.stop(m->watch.context))
            s = LAC_FAIL(LAC_ERR_STOPPED, "stopped while %.*s were made; the same command goes on behind the files in '%s'",
                         (int)strcspn(m->what, " "), m->what, lac_latent_cache_folder(m->cache));
        LAC_TRY(lac_comm_agree(m->comm, s));
        report(m, (i + 1) * m->batch * m->comm->size, records, since);
    }
    return LAC_OK;
}

/* The first rank's view of what is missing is everybody's. */
static lac_status list_missing(const lac_cache_maker *m, int64_t **file, int64_t *n)
{
    const int64_t all = lac_latent_cache_files(m->cache);
    uint8_t *has;
    *n = 0;
    LAC_TRY(lac_malloc((void **)file, (size_t)all * sizeof **file));
    LAC_TRY(lac_malloc((void **)&has, (size_t)all));
    for (int64_t i = 0; i < all; i++)
        has[i] = lac_latent_cache_has(m->cache, i);
    const lac_status status = m->comm->broadcast(m->comm, has, (size_t)all, 0);
    for (int64_t i = 0; i < all; i++)
        if (!has[i])
            (*file)[(*n)++] = i;
    free(has);
    return status;
}

static int64_t missing_records(const lac_cache_maker *m, const int64_t *file, int64_t n_files)
{
    int64_t records = 0, from, n;
    for (int64_t i = 0; i < n_files; i++) {
        lac_latent_cache_range(m->cache, file[i], &from, &n);
        records += n * m->layout->views;
    }
    return records;
}

static int64_t rounds_of(const lac_cache_maker *m, const int64_t *file, int64_t n_files)
{
    const int size = m->comm->size;
    int64_t most = 0;
    for (int rank = 0; rank < size; rank++) {
        int64_t sum = 0;
        for (int64_t i = rank; i < n_files; i += size)
            sum += batches_of(m, file[i]);
        most = LAC_MAX(most, sum);
    }
    return most;
}

lac_status lac_cache_make(const lac_cache_maker *m)
{
    int64_t *file = NULL, n;
    lac_status status = list_missing(m, &file, &n);
    if (status == LAC_OK && n > 0) {
        work w = { .m = m, .file = file, .n_files = n, .next = m->comm->rank, .stride = m->comm->size };
        status = work_off(&w, rounds_of(m, file, n), missing_records(m, file, n));
        drop_file(&w);
    }
    free(file);
    return status == LAC_OK ? lac_comm_agree(m->comm, lac_latent_cache_complete(m->cache)) : status;
}

/* ---- what it costs ---- */

static lac_status plan_on(lac_tape *t, lac_cache_row *row, lac_tensor *(*make)(lac_tape *t, void *context), void *context)
{
    lac_plan_stats stats;
    LAC_TRY(lac_tape_begin(t, "row", true));
    const lac_tensor *made = make(t, context);
    const lac_status s = lac_tape_status(t);
    if (s == LAC_OK) {
        *row = (lac_cache_row){ .one = { .ndim = made->ndim - 1 }, .dtype = made->dtype };
        memcpy(row->one.dim, made->dim + 1, (size_t)row->one.ndim * sizeof *made->dim);
    }
    const lac_status end = lac_tape_end(t);
    LAC_TRY(s != LAC_OK ? s : end);
    LAC_TRY(lac_tape_plan_stats(t, "row", &stats));
    row->flops = stats.flops;
    return LAC_OK;
}

lac_status lac_cache_plan(lac_cache_row *row, const lac_backend *b, lac_tensor *(*make)(lac_tape *t, void *context), void *context)
{
    lac_tape *t;
    LAC_TRY(lac_tape_new(&t, b));
    const lac_status s = plan_on(t, row, make, context);
    lac_tape_free(t);
    return s;
}

void lac_cache_add_cost(lac_cache_cost *cost, const lac_latent_cache *cache, int64_t each)
{
    cost->records += lac_latent_cache_records(cache) * each;
    cost->bytes += lac_latent_cache_bytes(cache);
    for (int64_t i = 0, from, n; i < lac_latent_cache_files(cache); i++) {
        lac_latent_cache_range(cache, i, &from, &n);
        cost->missing += lac_latent_cache_has(cache, i) ? 0 : n * each;
    }
    if (cost->folder[0] == '\0')
        snprintf(cost->folder, sizeof cost->folder, "%s", lac_latent_cache_folder(cache));
}
