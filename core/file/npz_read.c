#include "core/file/npz.h"

#include "core/file/zip.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct lac_npz { int fd; lac_zip zip; char *path; };

typedef struct header { lac_dtype dtype; bool columns_first; int ndim; int64_t dim[LAC_MAX_DIMS], count; size_t at; } header;

static lac_status open_zip(lac_npz *z)
{
    struct stat st;
    z->fd = open(z->path, O_RDONLY | O_CLOEXEC);
    if (z->fd < 0 || fstat(z->fd, &st) != 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot open it: %s", strerror(errno));
    return lac_zip_open(&z->zip, z->fd, (uint64_t)st.st_size);
}

lac_status lac_npz_open(lac_npz **z, const char *path)
{
    lac_npz *made;
    LAC_TRY(lac_calloc((void **)&made, 1, sizeof *made));
    made->fd = -1;
    lac_status s = lac_strdup(&made->path, path);
    if (s == LAC_OK)
        s = lac_context(open_zip(made), "'%s'", path);
    if (s != LAC_OK) {
        lac_npz_close(made);
        made = NULL;
    }
    *z = made;
    return s;
}

void lac_npz_close(lac_npz *z)
{
    if (z == NULL)
        return;
    lac_zip_close(&z->zip);
    if (z->fd >= 0)
        close(z->fd);
    free(z->path);
    free(z);
}

static int64_t find(const lac_npz *z, const char *name)
{
    char file[256];
    return snprintf(file, sizeof file, "%s.npy", name) < (int)sizeof file ? lac_zip_find(&z->zip, file) : -1;
}

bool lac_npz_has(const lac_npz *z, const char *name) { return find(z, name) >= 0; }

/* ---- a .npy's header: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } ---- */

/* What stands behind 'key': in the dictionary; NULL when it is not there. */
static const char *value_of(const char *text, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(text, quoted);
    return at == NULL ? NULL : at + strlen(quoted) + strspn(at + strlen(quoted), " ");
}

static bool read_shape(const char *at, header *h)
{
    if (at == NULL || *at++ != '(')
        return false;
    for (h->count = 1; *(at += strspn(at, " ")) != ')'; at += *at == ',') {
        char *end;
        const long long n = strtoll(at, &end, 10);
        if (end == at || n < 0 || h->ndim == LAC_MAX_DIMS || (*end != ',' && *end != ')') || __builtin_mul_overflow(h->count, n, &h->count))
            return false;
        h->dim[h->ndim++] = n;
        at = end;
    }
    return true;
}

static lac_status read_text(const char *text, header *h)
{
    const char *descr = value_of(text, "descr"), *order = value_of(text, "fortran_order");
    if (descr == NULL || order == NULL || !read_shape(value_of(text, "shape"), h))
        return LAC_FAIL(LAC_ERR_FORMAT, "its header does not say dtype, order and shape: %.80s", text);
    h->columns_first = strncmp(order, "True", 4) == 0;
    if (strncmp(descr, "'<f8'", 5) == 0)
        h->dtype = LAC_F64;
    else if (strncmp(descr, "'<f4'", 5) == 0)
        h->dtype = LAC_F32;
    else if (strncmp(descr, "'<f2'", 5) == 0)
        h->dtype = LAC_F16;
    else
        return LAC_FAIL(LAC_ERR_FORMAT, "its dtype is %.12s, expected '<f8', '<f4' or '<f2'", descr);
    return LAC_OK;
}

static lac_status read_header(const char *bytes, size_t size, header *h)
{
    const uint8_t *p = (const uint8_t *)bytes;
    if (size < 12 || memcmp(p, "\x93NUMPY", 6) != 0 || p[6] < 1 || p[6] > 3)
        return LAC_FAIL(LAC_ERR_FORMAT, "it is no .npy of version 1 to 3");
    const bool wide = p[6] > 1;
    const size_t from = wide ? 12 : 10, n = p[8] | (size_t)p[9] << 8 | (wide ? (size_t)p[10] << 16 | (size_t)p[11] << 24 : 0);
    char text[512];
    if (n > size - from || n >= 1 << 16)
        return LAC_FAIL(LAC_ERR_FORMAT, "its header of %zu bytes does not fit into %zu", n, size);
    snprintf(text, sizeof text, "%.*s", (int)n, bytes + from);
    h->at = from + n;
    return read_text(text, h);
}

/* Element i as it lies. */
static double element(const char *data, lac_dtype d, int64_t i)
{
    double wide;
    float single;
    uint16_t half;
    switch (d) {
    case LAC_F64: memcpy(&wide, data + 8 * i, 8); return wide;
    case LAC_F32: memcpy(&single, data + 4 * i, 4); return single;
    default: memcpy(&half, data + 2 * i, 2); return lac_f16_to_f32(half);
    }
}

static lac_status convert(const header *h, const char *data, lac_dtype as, lac_tensor **x)
{
    const bool turn = h->columns_first && h->ndim == 2;
    if (h->columns_first && h->ndim > 2)
        return LAC_FAIL(LAC_ERR_FORMAT, "it has %d dims with the first varying fastest: 2 at most are read", h->ndim);
    LAC_TRY(lac_tensor_new(x, as, h->ndim, h->dim));
    for (int64_t i = 0; i < h->count; i++) {
        const int64_t from = turn ? i % h->dim[1] * h->dim[0] + i / h->dim[1] : i;
        if (as == LAC_F64)
            ((double *)(*x)->data)[i] = element(data, h->dtype, from);
        else
            ((float *)(*x)->data)[i] = (float)element(data, h->dtype, from);
    }
    return LAC_OK;
}

static lac_status read_array(const lac_npz *z, int64_t i, lac_dtype as, lac_tensor **x)
{
    header h = { .ndim = 0 };
    char *bytes;
    size_t size;
    LAC_TRY(lac_zip_read_whole(&z->zip, i, (uint64_t)1 << 33, &bytes, &size));
    lac_status s = read_header(bytes, size, &h);
    int64_t wanted;
    if (s == LAC_OK && (__builtin_mul_overflow(h.count, (int64_t)lac_dtype_size(h.dtype), &wanted) || (uint64_t)wanted != size - h.at))
        s = LAC_FAIL(LAC_ERR_FORMAT, "%s wants other than the %zu bytes that are there", lac_dims_str(h.ndim, h.dim), size - h.at);
    if (s == LAC_OK)
        s = convert(&h, bytes + h.at, as, x);
    free(bytes);
    return s;
}

lac_status lac_npz_read(const lac_npz *z, const char *name, lac_dtype as, lac_tensor **x)
{
    const int64_t i = find(z, name);
    if (i < 0)
        return LAC_FAIL(LAC_ERR_KEY, "'%s' has no array '%s'", z->path, name);
    return lac_context(read_array(z, i, as, x), "'%s': array '%s'", z->path, name);
}
