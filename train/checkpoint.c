#include "train/checkpoint.h"

#include "core/backend.h"
#include "core/crc32c.h"
#include "core/file/atomic.h"
#include "core/file/hdf5.h"
#include "core/memory.h"
#include "core/threads.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "lacuna checkpoint 1"

/* ---- writing ---- */

static lac_status write_about(lac_hdf5 *f, const lac_checkpoint *about)
{
    LAC_TRY(lac_hdf5_write_string(f, "about/format", FORMAT));
    LAC_TRY(lac_hdf5_write(f, "about/step", LAC_I64, 0, NULL, &about->step));
    LAC_TRY(lac_hdf5_write_string(f, "about/stage", about->stage));
    LAC_TRY(lac_hdf5_write_string(f, "about/model", about->model));
    LAC_TRY(lac_hdf5_write_string(f, "about/config", about->config));
    LAC_TRY(lac_hdf5_write_string(f, "about/numbers", about->numbers));
    return lac_hdf5_write_string(f, "about/code", about->code);
}

/* Sums are listed in the order of the arrays, and are what was written. */
static lac_status write_sums(lac_hdf5 *f, const lac_state *s, const int64_t *crc)
{
    const char **names = NULL;
    LAC_TRY(lac_calloc((void **)&names, (size_t)s->n, sizeof names[0]));
    for (int64_t i = 0; i < s->n; i++)
        names[i] = s->array[i].name;
    lac_status status = lac_hdf5_write_strings(f, "names", s->n, names);
    if (status == LAC_OK)
        status = lac_hdf5_write(f, "crc", LAC_I64, 1, &s->n, crc);
    free(names);
    return status;
}

static lac_status write_array(lac_hdf5 *f, const lac_state_array *a, int64_t *crc)
{
    char name[600];
    const void *bytes;
    void *copy;
    snprintf(name, sizeof name, "state/%s", a->name);
    LAC_TRY(lac_state_bytes(a, &bytes, &copy));
    *crc = lac_crc32c(0, bytes, lac_state_size(a));
    const lac_status s = lac_hdf5_write(f, name, a->dtype, a->shape.ndim, a->shape.dim, bytes);
    free(copy);
    return s;
}

static lac_status write_all(lac_hdf5 *f, const lac_checkpoint *about, const lac_state *s, int64_t *crc)
{
    LAC_TRY(write_about(f, about));
    for (int64_t i = 0; i < s->n; i++)
        LAC_TRY(write_array(f, &s->array[i], &crc[i]));
    return write_sums(f, s, crc);
}

lac_status lac_checkpoint_write(const char *path, const lac_checkpoint *about, lac_state *s)
{
    lac_hdf5 *f = NULL;
    int64_t *crc;
    LAC_TRY(lac_state_sort(s));
    LAC_TRY(lac_calloc((void **)&crc, (size_t)s->n, sizeof crc[0]));
    lac_status status = lac_hdf5_create(&f, path);
    if (status == LAC_OK)
        status = write_all(f, about, s, crc);
    if (status == LAC_OK)
        status = lac_hdf5_commit(f);
    else if (f != NULL)
        lac_hdf5_close(f);
    free(crc);
    return lac_context(status, "saving the checkpoint");
}

/* ---- reading ---- */

static lac_status read_about(const lac_hdf5 *f, lac_checkpoint *about)
{
    char *format = NULL;
    LAC_TRY(lac_hdf5_read_string(f, "about/format", &format));
    const bool ours = strcmp(format, FORMAT) == 0;
    free(format);
    if (!ours)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is no checkpoint of this version (%s)", lac_hdf5_path(f), FORMAT);
    LAC_TRY(lac_hdf5_read(f, "about/step", LAC_I64, 0, NULL, &about->step));
    LAC_TRY(lac_hdf5_read_string(f, "about/stage", &about->stage));
    LAC_TRY(lac_hdf5_read_string(f, "about/model", &about->model));
    LAC_TRY(lac_hdf5_read_string(f, "about/config", &about->config));
    LAC_TRY(lac_hdf5_read_string(f, "about/numbers", &about->numbers));
    return lac_hdf5_read_string(f, "about/code", &about->code);
}

void lac_checkpoint_clear(lac_checkpoint *about)
{
    free(about->stage);
    free(about->model);
    free(about->config);
    free(about->numbers);
    free(about->code);
    *about = (lac_checkpoint){ 0 };
}

lac_status lac_checkpoint_about(lac_checkpoint *about, const char *path)
{
    lac_hdf5 *f = NULL;
    *about = (lac_checkpoint){ 0 };
    LAC_TRY(lac_hdf5_open(&f, path));
    const lac_status s = read_about(f, about);
    lac_hdf5_close(f);
    if (s != LAC_OK)
        lac_checkpoint_clear(about);
    return s;
}

/* What a file says it holds. */
typedef struct contents { lac_hdf5_strings names; lac_hdf5_entry *entry; int64_t *crc; } contents;

static void clear_contents(contents *c)
{
    lac_hdf5_strings_free(&c->names);
    free(c->entry);
    free(c->crc);
}

static lac_status read_contents(const lac_hdf5 *f, contents *c)
{
    *c = (contents){ 0 };
    LAC_TRY(lac_hdf5_read_strings(f, "names", &c->names));
    LAC_TRY(lac_calloc((void **)&c->entry, (size_t)c->names.n, sizeof c->entry[0]));
    LAC_TRY(lac_hdf5_read_new(f, "crc", LAC_I64, 1, &c->names.n, (void **)&c->crc));
    for (int64_t i = 0; i < c->names.n; i++) {
        char name[600];
        if (strlen(c->names.item[i]) > 512)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s' has an array whose name is longer than 512 characters", lac_hdf5_path(f));
        snprintf(name, sizeof name, "state/%s", c->names.item[i]);
        LAC_TRY(lac_hdf5_info(f, name, &c->entry[i]));
    }
    return LAC_OK;
}

/* The CRC of n bytes at an offset, or one that fits nothing where they cannot be read. */
static int64_t sum_of_file(int fd, int64_t offset, int64_t n)
{
    char block[1 << 16];
    uint32_t crc = 0;
    while (n > 0) {
        const ssize_t got = pread(fd, block, (size_t)LAC_MIN(n, (int64_t)sizeof block), offset);
        if (got <= 0)
            return -1;
        crc = lac_crc32c(crc, block, (size_t)got);
        offset += got;
        n -= got;
    }
    return crc;
}

static lac_status check_sums(const lac_hdf5 *f, const contents *c)
{
    int64_t *found;
    LAC_TRY(lac_calloc((void **)&found, (size_t)c->names.n, sizeof found[0]));
    LAC_PARALLEL_FOR(i, c->names.n)
        found[i] = sum_of_file(lac_hdf5_fd(f), c->entry[i].offset, c->entry[i].bytes);
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < c->names.n; i++)
        if (found[i] != c->crc[i])
            s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' is damaged: the bytes of '%s' do not give its checksum", lac_hdf5_path(f), c->names.item[i]);
    free(found);
    return s;
}

/* ---- loading ---- */

/* What does not fit, the first twenty in words. */
typedef struct misfits { char text[2600]; size_t length; int64_t n; } misfits;

static void add_misfit(misfits *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_misfit(misfits *m, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (m->n < 20 && m->length < sizeof m->text) {
        m->length += (size_t)snprintf(m->text + m->length, sizeof m->text - m->length, m->n > 0 ? "; " : "");
        const int n = vsnprintf(m->text + m->length, sizeof m->text - m->length, format, list);
        m->length = LAC_MIN(m->length + (size_t)n, sizeof m->text - 1);
    }
    m->n++;
    va_end(list);
}

static void compare_array(misfits *m, const lac_state_array *a, const lac_hdf5_entry *e)
{
    bool same = a->dtype == e->dtype && a->shape.ndim == e->shape.ndim && !e->text;
    for (int i = 0; same && i < a->shape.ndim; i++)
        same = a->shape.dim[i] == e->shape.dim[i];
    if (!same)
        add_misfit(m, "'%s' is %s %s in the file, %s %s here", a->name, lac_dtype_name(e->dtype), lac_dims_str(e->shape.ndim, e->shape.dim),
                   lac_dtype_name(a->dtype), lac_dims_str(a->shape.ndim, a->shape.dim));
}

/* Both lists are in name order. */
static lac_status compare(const lac_state *s, const contents *c)
{
    misfits m = { .n = 0 };
    int64_t i = 0, j = 0;
    while (i < s->n || j < c->names.n) {
        const int order = i == s->n ? 1 : j == c->names.n ? -1 : strcmp(s->array[i].name, c->names.item[j]);
        if (order < 0)
            add_misfit(&m, "'%s' is missing", s->array[i].name);
        else if (order > 0)
            add_misfit(&m, "'%s' is surplus", c->names.item[j]);
        else
            compare_array(&m, &s->array[i], &c->entry[j]);
        i += order <= 0;
        j += order >= 0;
    }
    if (m.n == 0)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_KEY, "%lld array%s not fit: %s%s", (long long)m.n, m.n > 1 ? "s do" : " does", m.text, m.n > 20 ? "; ..." : "");
}

static lac_status check_model(const lac_hdf5 *f, const char *model)
{
    lac_checkpoint about = { 0 };
    lac_status s = read_about(f, &about);
    if (s == LAC_OK && strcmp(about.model, model) != 0)
        s = LAC_FAIL(LAC_ERR_KEY, "it holds the model '%s', not '%s'", about.model, model);
    lac_checkpoint_clear(&about);
    return s;
}

static lac_status load_array(const lac_hdf5 *f, const lac_state_array *a)
{
    char name[600];
    void *own;
    snprintf(name, sizeof name, "state/%s", a->name);
    if (a->backend == NULL || a->backend->host)
        return lac_hdf5_read(f, name, a->dtype, a->shape.ndim, a->shape.dim, a->data);
    LAC_TRY(lac_malloc(&own, lac_state_size(a)));
    lac_status s = lac_hdf5_read(f, name, a->dtype, a->shape.ndim, a->shape.dim, own);
    if (s == LAC_OK)
        s = a->backend->copy(a->data, own, lac_state_size(a));
    free(own);
    return s;
}

static lac_status load_all(const lac_hdf5 *f, const char *model, const lac_state *s, contents *c)
{
    LAC_TRY(check_model(f, model));
    LAC_TRY(read_contents(f, c));
    LAC_TRY(compare(s, c));
    LAC_TRY(check_sums(f, c));
    for (int64_t i = 0; i < s->n; i++)
        LAC_TRY(load_array(f, &s->array[i]));
    return LAC_OK;
}

lac_status lac_checkpoint_load(const char *path, const char *model, lac_state *s)
{
    lac_hdf5 *f = NULL;
    contents c = { 0 };
    lac_status status = lac_state_sort(s);
    if (status == LAC_OK)
        status = lac_hdf5_open(&f, path);
    if (status == LAC_OK)
        status = load_all(f, model, s, &c);
    clear_contents(&c);
    lac_hdf5_close(f);
    return lac_context(status, "loading checkpoint '%s'", path);
}

lac_status lac_checkpoint_holds(const char *path, const char *name, bool *holds)
{
    lac_hdf5 *f = NULL;
    lac_hdf5_strings names = { 0 };
    *holds = false;
    LAC_TRY(lac_hdf5_open(&f, path));
    const lac_status s = lac_hdf5_read_strings(f, "names", &names);
    for (int64_t i = 0; s == LAC_OK && i < names.n; i++)
        *holds |= strcmp(names.item[i], name) == 0;
    lac_hdf5_strings_free(&names);
    lac_hdf5_close(f);
    return s;
}

lac_status lac_checkpoint_check(const char *path)
{
    lac_hdf5 *f = NULL;
    contents c = { 0 };
    lac_checkpoint about = { 0 };
    LAC_TRY(lac_hdf5_open(&f, path));
    lac_status s = read_about(f, &about);
    if (s == LAC_OK)
        s = read_contents(f, &c);
    if (s == LAC_OK)
        s = check_sums(f, &c);
    lac_checkpoint_clear(&about);
    clear_contents(&c);
    lac_hdf5_close(f);
    return s;
}
