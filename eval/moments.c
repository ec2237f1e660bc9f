#include "eval/moments.h"

#include "core/file/zip.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SIDE = 1 << 14 };

/* A .npy: "\x93NUMPY", two bytes of version, the header's length in 2 bytes (4 from version 2 on), the header, the numbers. */
typedef struct npy { const char *data; size_t size; int width; int64_t dim[2]; int n_dims; } npy;

/* What stands behind 'key': in the header, or NULL. */
static const char *behind(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    at = at != NULL ? strchr(at + strlen(key), ':') : NULL;
    return at != NULL ? at + 1 + strspn(at + 1, " ") : NULL;
}

static lac_status read_shape(npy *a, const char *text)
{
    char *end;
    if (*text != '(')
        return LAC_FAIL(LAC_ERR_FORMAT, "its shape is no list");
    for (const char *at = text + 1; (at += strspn(at, " ,"), *at != ')'); at = end) {
        const long long n = strtoll(at, &end, 10);
        if (end == at || n < 0 || n > MAX_SIDE || a->n_dims == 2)
            return LAC_FAIL(LAC_ERR_FORMAT, "its shape is not of one or two numbers up to %d", MAX_SIDE);
        a->dim[a->n_dims++] = n;
    }
    return LAC_OK;
}

static lac_status read_header(npy *a, const char *header)
{
    const char *descr = behind(header, "'descr'"), *shape = behind(header, "'shape'");
    if (descr == NULL || shape == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "its header says no shape");
    if (strncmp(descr, "'<f8'", 5) != 0 && strncmp(descr, "'<f4'", 5) != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "its numbers are %.8s, expected '<f8' or '<f4'", descr);
    a->width = descr[3] - '0';
    LAC_TRY(read_shape(a, shape));
    const int64_t n = a->n_dims == 0 ? 1 : a->n_dims == 1 ? a->dim[0] : a->dim[0] * a->dim[1];
    return (size_t)(n * a->width) == a->size ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "it has %zu bytes of numbers, its shape wants %" PRId64, a->size, n * a->width);
}

static lac_status open_npy(npy *a, const char *bytes, size_t size)
{
    const unsigned char *b = (const unsigned char *)bytes;
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0 || b[6] < 1 || b[6] > 3)
        return LAC_FAIL(LAC_ERR_FORMAT, "it is no array of NumPy's");
    const size_t head = b[6] == 1 ? 10 : 12;
    const size_t n = b[6] == 1 ? (size_t)(b[8] | b[9] << 8) : (size_t)b[8] | (size_t)b[9] << 8 | (size_t)b[10] << 16 | (size_t)b[11] << 24;
    char *header;
    if (n > size - head)
        return LAC_FAIL(LAC_ERR_FORMAT, "its header ends early");
    LAC_TRY(lac_format(&header, "%.*s", (int)n, bytes + head));
    *a = (npy){ .data = bytes + head + n, .size = size - head - n };
    const lac_status s = read_header(a, header);
    free(header);
    return s;
}

static lac_status numbers(const npy *a, double *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float x;
        if (a->width == 8)
            memcpy(&to[i], a->data + 8 * i, 8);
        else {
            memcpy(&x, a->data + 4 * i, 4);
            to[i] = x;
        }
        if (!isfinite(to[i]))
            return LAC_FAIL(LAC_ERR_NONFINITE, "number %" PRId64 " is %g", i, to[i]);
    }
    return LAC_OK;
}

/* Array `name`, of `dims` sides that are all m->n (set here where it is 0), into fresh *to; NULL where there is none. */
static lac_status take(lac_moments *m, const lac_zip *z, const char *name, int dims, double **to)
{
    const int64_t entry = lac_zip_find(z, name);
    char *bytes;
    size_t size;
    npy a = { .data = NULL };
    if (entry < 0)
        return LAC_OK;
    LAC_TRY(lac_zip_read_whole(z, entry, (uint64_t)MAX_SIDE * MAX_SIDE * 8 + 4096, &bytes, &size));
    lac_status s = open_npy(&a, bytes, size);
    const int64_t n = m->n > 0 ? m->n : a.dim[0];
    if (s == LAC_OK && (a.n_dims != dims || a.dim[0] != n || n < 1 || (dims == 2 && a.dim[1] != n)))
        s = LAC_FAIL(LAC_ERR_FORMAT, "it is [%" PRId64 ",%" PRId64 "], expected [n] of mu and [n, n] of sigma", a.dim[0], a.dim[1]);
    if (s == LAC_OK)
        s = lac_calloc((void **)to, (size_t)(dims == 2 ? n * n : n), sizeof **to);
    if (s == LAC_OK)
        s = numbers(&a, *to, dims == 2 ? n * n : n);
    m->n = n;
    free(bytes);
    return lac_context(s, "array '%s'", name);
}

static lac_status read_archive(lac_moments *m, int fd)
{
    lac_zip z = { .n = 0 };
    struct stat st;
    if (fstat(fd, &st) != 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot look at it: %s", strerror(errno));
    lac_status s = lac_zip_open(&z, fd, (uint64_t)st.st_size);
    if (s == LAC_OK)
        s = take(m, &z, "mu.npy", 1, &m->mean);
    if (s == LAC_OK && m->mean != NULL)
        s = take(m, &z, "sigma.npy", 2, &m->covariance);
    lac_zip_close(&z);
    return s;
}

lac_status lac_moments_load(lac_moments *m, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    *m = (lac_moments){ .n = 0 };
    if (fd < 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    const lac_status s = lac_context(read_archive(m, fd), "statistics '%s'", path);
    close(fd);
    if (s != LAC_OK || m->covariance == NULL)
        lac_moments_free(m);
    return s;
}

void lac_moments_free(lac_moments *m)
{
    free(m->mean);
    free(m->covariance);
    *m = (lac_moments){ .n = 0 };
}
