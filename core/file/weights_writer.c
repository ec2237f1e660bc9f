#include "core/file/atomic.h"
#include "core/file/safetensors.h"
#include "core/file/weights.h"
#include "core/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct pending {
    lac_stored stored;
    const void *data;
    lac_weights_fill *fill;             /* instead of data: how it is made, of `of` */
    const void *of;
} pending;

struct lac_weights_writer {
    pending *tensor;
    int64_t n, capacity;
    json_t *metadata;
};

lac_status lac_weights_writer_new(lac_weights_writer **w)
{
    *w = NULL;
    lac_weights_writer *fresh = NULL;
    LAC_TRY(lac_calloc((void **)&fresh, 1, sizeof *fresh));
    fresh->metadata = json_object();
    *w = fresh;
    return LAC_OK;
}

void lac_weights_writer_free(lac_weights_writer *w)
{
    if (w == NULL)
        return;
    for (int64_t i = 0; i < w->n; i++)
        free(w->tensor[i].stored.name);
    free(w->tensor);
    json_decref(w->metadata);
    free(w);
}

/* A name is a key of the header's JSON: UTF-8, and not the one that is taken. */
static lac_status check_name(const char *name)
{
    json_t *text = json_string(name);
    const bool good = text != NULL && strcmp(name, "__metadata__") != 0;
    json_decref(text);
    return good ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "'%s' cannot name a tensor in a file", name);
}

static lac_status add(lac_weights_writer *w, const char *name, lac_dtype d, int ndim, const int64_t *dim, pending **added)
{
    int64_t numel;
    LAC_TRY(check_name(name));
    LAC_TRY(lac_context(lac_numel_checked(ndim, dim, &numel), "writing '%s'", name));
    LAC_TRY(lac_grow((void **)&w->tensor, w->n, &w->capacity, sizeof *w->tensor));
    pending *p = &w->tensor[w->n];
    *p = (pending){ .stored = { .dtype = d, .shape.ndim = ndim, .size = (uint64_t)numel * lac_dtype_size(d) } };
    for (int i = 0; i < ndim; i++)
        p->stored.shape.dim[i] = dim[i];
    LAC_TRY(lac_strdup(&p->stored.name, name));
    w->n++;
    *added = p;
    return LAC_OK;
}

lac_status lac_weights_writer_add(lac_weights_writer *w, const char *name, lac_dtype d, int ndim, const int64_t *dim, const void *data)
{
    pending *p;
    LAC_TRY(add(w, name, d, ndim, dim, &p));
    p->data = data;
    return LAC_OK;
}

lac_status lac_weights_writer_add_later(lac_weights_writer *w, const char *name, lac_dtype d, int ndim, const int64_t *dim, lac_weights_fill *fill,
                                        const void *of)
{
    pending *p;
    LAC_TRY(add(w, name, d, ndim, dim, &p));
    p->fill = fill;
    p->of = of;
    return LAC_OK;
}

lac_status lac_weights_writer_metadata(lac_weights_writer *w, const char *key, const char *value)
{
    if (json_object_set_new(w->metadata, key, json_string(value)) == 0)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_ARG, "metadata '%s' is not UTF-8 text", key);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const pending *)a)->stored.name, ((const pending *)b)->stored.name);
}

static int by_place(const void *a, const void *b)
{
    const lac_stored *x = &((const pending *)a)->stored, *y = &((const pending *)b)->stored;
    return x->at != y->at ? (x->at < y->at ? -1 : 1) : (x->size > y->size) - (x->size < y->size);
}

static int by_key(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The same strings in order of their keys: the order in which they were given must not show in the file. */
static lac_status sorted_metadata(json_t *metadata, json_t **sorted)
{
    const size_t n = json_object_size(metadata);
    const char **key = NULL, *k;
    json_t *value;
    LAC_TRY(lac_calloc((void **)&key, n, sizeof *key));
    size_t i = 0;
    json_object_foreach(metadata, k, value)
        key[i++] = k;
    qsort(key, n, sizeof *key, by_key);
    *sorted = json_object();
    for (i = 0; i < n; i++)
        json_object_set(*sorted, key[i], json_object_get(metadata, key[i]));
    free(key);
    return LAC_OK;
}

/* Places the tensors; *bytes is the header. w->tensor ends in the order of the file. */
static lac_status lay_out(lac_weights_writer *w, char **bytes, size_t *size)
{
    lac_stored *stored = NULL;
    json_t *metadata = NULL;
    qsort(w->tensor, (size_t)w->n, sizeof *w->tensor, by_name);
    for (int64_t i = 1; i < w->n; i++)
        if (by_name(&w->tensor[i - 1], &w->tensor[i]) == 0)
            return LAC_FAIL(LAC_ERR_ARG, "two tensors named '%s'", w->tensor[i].stored.name);
    LAC_TRY(lac_calloc((void **)&stored, (size_t)w->n, sizeof *stored));
    for (int64_t i = 0; i < w->n; i++)
        stored[i] = w->tensor[i].stored;
    lac_status s = sorted_metadata(w->metadata, &metadata);
    if (s == LAC_OK)
        s = lac_safetensors_header(stored, w->n, metadata, bytes, size);
    for (int64_t i = 0; s == LAC_OK && i < w->n; i++)
        w->tensor[i].stored.at = stored[i].at;
    json_decref(metadata);
    free(stored);
    if (s == LAC_OK)
        qsort(w->tensor, (size_t)w->n, sizeof *w->tensor, by_place);
    return s;
}

static lac_status write_bytes(FILE *to, const void *bytes, size_t size)
{
    return size == 0 || fwrite(bytes, size, 1, to) == 1 ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot write: %s", strerror(errno));
}

static lac_status write_one(FILE *to, const pending *p)
{
    void *made;
    if (p->fill == NULL)
        return write_bytes(to, p->data, p->stored.size);
    LAC_TRY(lac_malloc(&made, p->stored.size));
    lac_status s = lac_context(p->fill(p->of, made), "'%s'", p->stored.name);
    if (s == LAC_OK)
        s = write_bytes(to, made, p->stored.size);
    free(made);
    return s;
}

lac_status lac_weights_writer_finish(lac_weights_writer *w, const char *path)
{
    char *header = NULL;
    size_t size = 0;
    lac_atomic a = { 0 };
    LAC_TRY(lac_context(lay_out(w, &header, &size), "writing weights '%s'", path));
    lac_status s = lac_atomic_open(&a, path);
    if (s == LAC_OK) {
        s = write_bytes(a.stream, header, size);
        for (int64_t i = 0; s == LAC_OK && i < w->n; i++)
            s = write_one(a.stream, &w->tensor[i]);
        s = lac_context(s, "writing weights '%s'", path);
    }
    if (s == LAC_OK)
        s = lac_atomic_commit(&a);
    lac_atomic_abandon(&a);
    free(header);
    return s;
}
