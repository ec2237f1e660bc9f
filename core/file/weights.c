#include "core/file/weights_internal.h"

#include "core/file/bytes.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static lac_status begin(lac_weights *w, const char *path)
{
    LAC_TRY(lac_strdup(&w->path, path));
    w->metadata = json_object();
    return w->metadata != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: weights");
}

static lac_status open_any(lac_weights *w, const char *path)
{
    struct stat st;
    LAC_TRY(begin(w, path));
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return lac_weights_add_folder(w, path);
    LAC_TRY(lac_weights_add_file(w, path));
    return lac_weights_sort(w);
}

lac_status lac_weights_open(lac_weights **w, const char *path)
{
    *w = NULL;
    lac_weights *fresh = NULL;
    LAC_TRY(lac_calloc((void **)&fresh, 1, sizeof *fresh));
    const lac_status s = open_any(fresh, path);
    if (s == LAC_OK)
        *w = fresh;
    else
        lac_weights_close(fresh);
    return lac_context(s, "opening weights '%s'", path);
}

static lac_status join(lac_weights *w, const char *const *path, int64_t n)
{
    LAC_TRY(begin(w, path[0]));
    for (int64_t i = 0; i < n; i++)
        LAC_TRY(lac_context(lac_weights_add_file(w, path[i]), "opening weights '%s'", path[i]));
    return lac_weights_sort(w);
}

lac_status lac_weights_open_joined(lac_weights **w, const char *const *path, int64_t n)
{
    *w = NULL;
    lac_weights *fresh = NULL;
    LAC_TRY(lac_calloc((void **)&fresh, 1, sizeof *fresh));
    const lac_status s = join(fresh, path, n);
    if (s == LAC_OK)
        *w = fresh;
    else
        lac_weights_close(fresh);
    return s;
}

void lac_weights_close(lac_weights *w)
{
    if (w == NULL)
        return;
    for (int64_t i = 0; i < w->n_parts; i++) {
        lac_zip_close(&w->part[i].zip);
        if (w->part[i].fd >= 0)
            close(w->part[i].fd);
        free(w->part[i].path);
    }
    free(w->part);
    lac_contents_free(&w->all);
    json_decref(w->metadata);
    free(w->path);
    free(w);
}

static int by_name(const void *a, const void *b) { return strcmp(((const lac_stored *)a)->name, ((const lac_stored *)b)->name); }

lac_status lac_weights_sort(lac_weights *w)
{
    lac_contents *c = &w->all;
    if (c->n > 1)
        qsort(c->entry, (size_t)c->n, sizeof *c->entry, by_name);
    for (int64_t i = 1; i < c->n; i++)
        if (strcmp(c->entry[i - 1].name, c->entry[i].name) == 0)
            return LAC_FAIL(LAC_ERR_FORMAT, "two tensors named '%s'", c->entry[i].name);
    return LAC_OK;
}

int64_t lac_weights_count(const lac_weights *w) { return w->all.n; }
const char *lac_weights_name(const lac_weights *w, int64_t i) { return w->all.entry[i].name; }
lac_dtype lac_weights_dtype(const lac_weights *w, int64_t i) { return w->all.entry[i].dtype; }
lac_shape lac_weights_shape(const lac_weights *w, int64_t i) { return w->all.entry[i].shape; }

int64_t lac_weights_find(const lac_weights *w, const char *name)
{
    const lac_stored wanted = { .name = (char *)name };
    const lac_stored *e = w->all.n > 0 ? bsearch(&wanted, w->all.entry, (size_t)w->all.n, sizeof *w->all.entry, by_name) : NULL;
    return e != NULL ? e - w->all.entry : -1;
}

const char *lac_weights_metadata(const lac_weights *w, const char *key)
{
    return json_string_value(json_object_get(w->metadata, key));
}

const char *lac_weights_why_absent(const lac_weights *w, const char *name)
{
    for (int64_t i = 0; i < w->all.n_absent; i++)
        if (strcmp(w->all.absent[i].name, name) == 0)
            return w->all.absent[i].why;
    return NULL;
}

/* ---- reading ---- */

/* Bytes from..from+size of what e lies in, counted from its first element. */
static lac_status read_range(const lac_weights *w, const lac_stored *e, uint64_t from, void *to, size_t size)
{
    const lac_weights_part *p = &w->part[e->part];
    const lac_status s = e->packed >= 0 ? lac_zip_read(&p->zip, e->packed, e->at + from, to, size) : lac_read_at(p->fd, e->at + from, to, size);
    return lac_context(s, "reading '%s' of '%s'", e->name, p->path);
}

/* The elements of a view, from all that lies between its first and its last, into the order of its shape. */
static void gather(char *to, const char *from, const lac_stored *e)
{
    const size_t width = lac_dtype_size(e->dtype);
    int64_t at[LAC_MAX_DIMS] = { 0 }, there = 0;
    const int64_t n = lac_shape_numel(&e->shape);
    for (int64_t k = 0; k < n; k++) {
        memcpy(to + (size_t)k * width, from + (size_t)there * width, width);
        for (int i = e->shape.ndim - 1; i >= 0; i--) {
            there += e->stride[i];
            if (++at[i] < e->shape.dim[i])
                break;
            there -= e->stride[i] * e->shape.dim[i];
            at[i] = 0;
        }
    }
}

static lac_status read_view(const lac_weights *w, const lac_stored *e, void *to)
{
    char *span;
    LAC_TRY(lac_malloc((void **)&span, e->size));
    const lac_status s = read_range(w, e, 0, span, e->size);
    if (s == LAC_OK)
        gather(to, span, e);
    free(span);
    return s;
}

static size_t bytes_of(const lac_stored *e) { return (size_t)lac_shape_numel(&e->shape) * lac_dtype_size(e->dtype); }

static lac_status read_whole(const lac_weights *w, const lac_stored *e, void *to)
{
    return e->strided ? read_view(w, e, to) : read_range(w, e, 0, to, e->size);
}

lac_status lac_weights_read(const lac_weights *w, int64_t i, void *to, size_t size)
{
    const lac_stored *e = &w->all.entry[i];
    if (size != bytes_of(e))
        return LAC_FAIL(LAC_ERR_ARG, "'%s' of '%s' has %zu bytes, %zu wanted", e->name, w->path, bytes_of(e), size);
    return read_whole(w, e, to);
}

lac_status lac_weights_read_rows(const lac_weights *w, int64_t i, int64_t from, int64_t n, void *to, size_t size)
{
    const lac_stored *e = &w->all.entry[i];
    const int64_t rows = e->shape.ndim > 0 ? e->shape.dim[0] : 0;
    const size_t each = rows > 0 ? bytes_of(e) / (size_t)rows : 0;
    if (from < 0 || n < 0 || from > rows - n || e->strided || e->packed >= 0)
        return LAC_FAIL(LAC_ERR_ARG, "'%s' of '%s' has no rows %lld to %lld", e->name, w->path, (long long)from, (long long)(from + n));
    if (size != (size_t)n * each)
        return LAC_FAIL(LAC_ERR_ARG, "%lld rows of '%s' of '%s' have %zu bytes, %zu wanted", (long long)n, e->name, w->path, (size_t)n * each, size);
    return read_range(w, e, (uint64_t)from * each, to, size);
}

/* Where pieces can be had only all at once. */
static lac_status convert_whole(const lac_weights *w, const lac_stored *e, float *to)
{
    void *bytes;
    LAC_TRY(lac_aligned_alloc(&bytes, bytes_of(e)));
    const lac_status s = read_whole(w, e, bytes);
    if (s == LAC_OK)
        lac_to_f32(to, bytes, e->dtype, lac_shape_numel(&e->shape));
    free(bytes);
    return s;
}

lac_status lac_weights_read_f32(const lac_weights *w, int64_t i, float *to)
{
    enum { PIECE = 64 * 1024 };
    const lac_stored *e = &w->all.entry[i];
    const size_t width = lac_dtype_size(e->dtype);
    char *piece;
    if (e->dtype == LAC_F32)
        return read_whole(w, e, to);
    if (e->strided || e->packed >= 0)
        return convert_whole(w, e, to);
    LAC_TRY(lac_aligned_alloc((void **)&piece, PIECE));
    lac_status s = LAC_OK;
    for (uint64_t at = 0; s == LAC_OK && at < e->size; at += PIECE) {
        const size_t n = (size_t)LAC_MIN((uint64_t)PIECE, e->size - at);
        s = read_range(w, e, at, piece, n);
        if (s == LAC_OK)
            lac_to_f32(to + at / width, piece, e->dtype, (int64_t)(n / width));
    }
    free(piece);
    return s;
}
