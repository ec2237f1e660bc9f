#include "core/file/hdf5_internal.h"

#include "core/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TEXT = 1 << 24 };

static lac_status damaged(const lac_hdf5 *f, const char *name, const char *what)
{
    H5Eclear2(H5E_DEFAULT);
    return LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' %s", f->path, name, what);
}

static bool find_type(hid_t type, lac_hdf5_entry *e, size_t *width)
{
    e->text = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
    *width = H5Tget_size(type);
    if (e->text) {
        e->dtype = LAC_U8;
        return *width > 0 && *width <= MAX_TEXT;
    }
    for (int d = 0; d < LAC_N_DTYPES; d++) {
        const hid_t ours = lac_hdf5_type((lac_dtype)d);
        const bool same = H5Tequal(type, ours) > 0;
        H5Tclose(ours);
        if (same) {
            e->dtype = (lac_dtype)d;
            return true;
        }
    }
    return false;
}

static bool find_shape(hid_t space, lac_hdf5_entry *e)
{
    hsize_t size[H5S_MAX_RANK];
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    const int ndim = kind == H5S_SCALAR ? 0 : kind == H5S_SIMPLE ? H5Sget_simple_extent_dims(space, size, NULL) : -1;
    if (ndim < 0 || ndim + e->text > LAC_MAX_DIMS)
        return false;
    e->shape.ndim = ndim;
    for (int i = 0; i < ndim; i++)
        e->shape.dim[i] = size[i] > INT64_MAX ? -1 : (int64_t)size[i];
    return true;
}

static bool is_contiguous(hid_t set)
{
    const hid_t p = H5Dget_create_plist(set);
    const bool yes = p >= 0 && H5Pget_layout(p) == H5D_CONTIGUOUS && H5Pget_external_count(p) == 0;
    if (p >= 0)
        H5Pclose(p);
    return yes;
}

static lac_status find_place(const lac_hdf5 *f, const char *name, hid_t set, size_t width, lac_hdf5_entry *e)
{
    int64_t numel;
    if (e->text)
        e->shape.dim[e->shape.ndim++] = (int64_t)width;
    if (lac_numel_checked(e->shape.ndim, e->shape.dim, &numel) != LAC_OK || numel > INT64_MAX / 8)
        return damaged(f, name, "has a shape beyond all sizes");
    e->bytes = numel * (int64_t)lac_dtype_size(e->dtype);
    e->offset = 0;
    if (e->bytes == 0)
        return LAC_OK;
    const haddr_t at = H5Dget_offset(set);
    if (!is_contiguous(set) || at == HADDR_UNDEF)
        return damaged(f, name, "is not one contiguous block");
    if (e->bytes > f->size || at > (haddr_t)(f->size - e->bytes))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' wants %lld bytes at %llu, the file has %lld", f->path, name,
                        (long long)e->bytes, (unsigned long long)at, (long long)f->size);
    e->offset = (int64_t)at;
    return LAC_OK;
}

static lac_status describe(const lac_hdf5 *f, const char *name, hid_t set, lac_hdf5_entry *e)
{
    *e = (lac_hdf5_entry){ 0 };
    size_t width = 0;
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    lac_status s = LAC_OK;
    if (type < 0 || space < 0)
        s = damaged(f, name, "cannot be read");
    else if (!find_type(type, e, &width))
        s = damaged(f, name, "has a type other than f32, bf16, f16, f64, i32, i64, u8 and text of fixed length");
    else if (!find_shape(space, e))
        s = damaged(f, name, "has more than six dims");
    else
        s = find_place(f, name, set, width, e);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return s;
}

lac_status lac_hdf5_info(const lac_hdf5 *f, const char *name, lac_hdf5_entry *e)
{
    LAC_TRY(lac_hdf5_check_name(f, name));
    if (f->writing)
        return LAC_FAIL(LAC_ERR_STATE, "'%s' is being written", f->path);
    if (!lac_hdf5_has(f, name))
        return LAC_FAIL(LAC_ERR_KEY, "'%s' has no '%s'", f->path, name);
    const hid_t set = H5Dopen2(f->file, name, H5P_DEFAULT);
    if (set < 0)
        return damaged(f, name, "is no dataset, or a damaged one");
    const lac_status s = describe(f, name, set, e);
    H5Dclose(set);
    return s;
}

/* By pread on our own descriptor: the library parses the file's structure and never touches the data. */
static lac_status read_bytes(const lac_hdf5 *f, const char *name, const lac_hdf5_entry *e, void *to)
{
    int64_t done = 0;
    while (done < e->bytes) {
        const ssize_t got = pread(f->fd, (char *)to + done, (size_t)(e->bytes - done), e->offset + done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return LAC_FAIL(LAC_ERR_IO, "cannot read '%s' of '%s': %s", name, f->path, got < 0 ? strerror(errno) : "the file ends");
        done += got;
    }
    return LAC_OK;
}

static lac_status expect(const lac_hdf5 *f, const char *name, const lac_hdf5_entry *e, lac_dtype d, int ndim, const int64_t *dim)
{
    bool same = !e->text && e->dtype == d && e->shape.ndim == ndim;
    for (int i = 0; same && i < ndim; i++)
        same = dim[i] < 0 || dim[i] == e->shape.dim[i];
    if (same)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' is %s %s, expected %s %s", f->path, name, e->text ? "text" : lac_dtype_name(e->dtype),
                    lac_dims_str(e->shape.ndim, e->shape.dim), lac_dtype_name(d), lac_dims_str(ndim, dim));
}

lac_status lac_hdf5_read(const lac_hdf5 *f, const char *name, lac_dtype d, int ndim, const int64_t *dim, void *data)
{
    lac_hdf5_entry e;
    LAC_TRY(lac_hdf5_info(f, name, &e));
    LAC_TRY(expect(f, name, &e, d, ndim, dim));
    for (int i = 0; i < ndim; i++)
        if (dim[i] < 0)
            return LAC_FAIL(LAC_ERR_ARG, "reading '%s': a size is open", name);
    return read_bytes(f, name, &e, data);
}

lac_status lac_hdf5_read_new(const lac_hdf5 *f, const char *name, lac_dtype d, int ndim, int64_t *dim, void **data)
{
    lac_hdf5_entry e;
    LAC_TRY(lac_hdf5_info(f, name, &e));
    LAC_TRY(expect(f, name, &e, d, ndim, dim));
    void *p;
    LAC_TRY(lac_malloc(&p, (size_t)e.bytes));
    const lac_status s = read_bytes(f, name, &e, p);
    if (s != LAC_OK) {
        free(p);
        return s;
    }
    memcpy(dim, e.shape.dim, (size_t)ndim * sizeof *dim);
    *data = p;
    return LAC_OK;
}

lac_status lac_hdf5_read_tensor(const lac_hdf5 *f, const char *name, lac_tensor **x)
{
    lac_hdf5_entry e;
    LAC_TRY(lac_hdf5_info(f, name, &e));
    if (e.text)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' is text, expected numbers", f->path, name);
    LAC_TRY(lac_tensor_new(x, e.dtype, e.shape.ndim, e.shape.dim));
    const lac_status s = read_bytes(f, name, &e, (*x)->data);
    if (s != LAC_OK) {
        lac_tensor_free(*x);
        *x = NULL;
    }
    return s;
}

/* Each string gets a terminating zero of its own: rows of width + 1. */
static lac_status spread(lac_hdf5_strings *s, int64_t n, size_t width)
{
    lac_status status = lac_calloc((void **)&s->item, (size_t)n + 1, sizeof *s->item);
    char *wide = NULL;
    if (status == LAC_OK)
        status = lac_calloc((void **)&wide, (size_t)n + 1, width + 1);
    if (status != LAC_OK)
        return status;
    for (int64_t i = 0; i < n; i++)
        s->item[i] = memcpy(wide + (size_t)i * (width + 1), s->block + (size_t)i * width, width);
    free(s->block);
    s->block = wide;
    s->n = n;
    return LAC_OK;
}

lac_status lac_hdf5_read_strings(const lac_hdf5 *f, const char *name, lac_hdf5_strings *s)
{
    lac_hdf5_entry e;
    *s = (lac_hdf5_strings){ 0 };
    LAC_TRY(lac_hdf5_info(f, name, &e));
    if (!e.text || e.shape.ndim != 2)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' is not a column of text", f->path, name);
    LAC_TRY(lac_malloc((void **)&s->block, (size_t)e.bytes));
    lac_status status = read_bytes(f, name, &e, s->block);
    if (status == LAC_OK)
        status = spread(s, e.shape.dim[0], (size_t)e.shape.dim[1]);
    if (status != LAC_OK)
        lac_hdf5_strings_free(s);
    return status;
}

lac_status lac_hdf5_read_string(const lac_hdf5 *f, const char *name, char **text)
{
    lac_hdf5_strings s;
    LAC_TRY(lac_hdf5_read_strings(f, name, &s));
    const lac_status status = s.n == 1 ? lac_strdup(text, s.item[0])
                                       : LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' is %lld strings, expected one", f->path, name, (long long)s.n);
    lac_hdf5_strings_free(&s);
    return status;
}

static lac_status read_text(const lac_hdf5 *f, const char *key, hid_t a, char **value)
{
    const hid_t type = H5Aget_type(a), space = H5Aget_space(a);
    const size_t width = type >= 0 ? H5Tget_size(type) : 0;
    lac_status s = LAC_OK;
    if (type < 0 || space < 0 || H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 ||
        H5Sget_simple_extent_type(space) != H5S_SCALAR || width == 0 || width > MAX_TEXT)
        s = damaged(f, key, "is not a text attribute");
    if (s == LAC_OK)
        s = lac_calloc((void **)value, 1, width + 1);
    if (s == LAC_OK && H5Aread(a, type, *value) < 0) {
        free(*value);
        *value = NULL;
        s = damaged(f, key, "cannot be read");
    }
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return s;
}

lac_status lac_hdf5_read_attribute(const lac_hdf5 *f, const char *object, const char *key, char **value)
{
    const bool root = strcmp(object, "/") == 0;
    if ((!root && !lac_hdf5_has(f, object)) || H5Aexists_by_name(f->file, object, key, H5P_DEFAULT) <= 0) {
        H5Eclear2(H5E_DEFAULT);
        return LAC_FAIL(LAC_ERR_KEY, "'%s' has no attribute '%s' at '%s'", f->path, key, object);
    }
    const hid_t a = H5Aopen_by_name(f->file, object, key, H5P_DEFAULT, H5P_DEFAULT);
    if (a < 0)
        return damaged(f, key, "is a damaged attribute");
    const lac_status s = read_text(f, key, a, value);
    H5Aclose(a);
    return s;
}

/* ---- listing ---- */

typedef struct names { char **item; int64_t n, capacity; lac_status status; } names;

static herr_t collect(hid_t object, const char *name, const H5O_info_t *info, void *context)
{
    names *list = context;
    (void)object;
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    list->status = lac_grow((void **)&list->item, list->n, &list->capacity, sizeof *list->item);
    if (list->status == LAC_OK)
        list->status = lac_strdup(&list->item[list->n], name);
    if (list->status == LAC_OK)
        list->n++;
    return list->status == LAC_OK ? 0 : -1;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* One block for all, with the group's name put before. */
static lac_status join(const names *list, const char *group, lac_hdf5_strings *out)
{
    const size_t prefix = strlen(group);
    size_t total = 1;
    for (int64_t i = 0; i < list->n; i++)
        total += prefix + strlen(list->item[i]) + 2;
    LAC_TRY(lac_malloc((void **)&out->block, total));
    LAC_TRY(lac_calloc((void **)&out->item, (size_t)list->n + 1, sizeof *out->item));
    char *at = out->block;
    for (int64_t i = 0; i < list->n; i++) {
        out->item[i] = at;
        at += sprintf(at, "%s%s%s", group, prefix ? "/" : "", list->item[i]) + 1;
    }
    out->n = list->n;
    return LAC_OK;
}

lac_status lac_hdf5_list(const lac_hdf5 *f, const char *group, lac_hdf5_strings *out)
{
    names list = { 0 };
    *out = (lac_hdf5_strings){ 0 };
    const bool root = strcmp(group, "/") == 0;
    if (!root && !lac_hdf5_has(f, group))
        return LAC_FAIL(LAC_ERR_KEY, "'%s' has no '%s'", f->path, group);
    const herr_t walked = H5Ovisit_by_name1(f->file, group, H5_INDEX_NAME, H5_ITER_NATIVE, collect, &list, H5P_DEFAULT);
    lac_status s = list.status;
    if (s == LAC_OK && walked < 0)
        s = damaged(f, group, "cannot be listed");
    if (s == LAC_OK && list.n > 0)
        qsort(list.item, (size_t)list.n, sizeof *list.item, by_bytes);
    if (s == LAC_OK)
        s = join(&list, root ? "" : group, out);
    for (int64_t i = 0; i < list.n; i++)
        free(list.item[i]);
    free(list.item);
    if (s != LAC_OK)
        lac_hdf5_strings_free(out);
    return s;
}
