#include "core/file/npz.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LOCAL = 30, CENTRAL = 46, END = 22, NAME = 128, TEXT = 128, MIDNIGHT = 0x21 };      /* the first day that a zip knows, at 0:00 */

/* An array on its way into the file. */
typedef struct entry { char name[NAME + 4]; char *bytes, *packed; size_t size, stored; uint32_t crc, at; bool deflated; } entry;

static void put(uint8_t **p, uint32_t x, int n)
{
    for (int i = 0; i < n; i++)
        *(*p)++ = (uint8_t)(x >> 8 * i);
}

/* Magic, length and dictionary, padded to a multiple of 64 as NumPy does. */
static size_t npy_header(char text[TEXT], const lac_tensor *x)
{
    char shape[64] = "";
    for (int i = 0; i < x->ndim; i++)
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%lld%s", i ? " " : "", (long long)x->dim[i], i + 1 < x->ndim || x->ndim == 1 ? "," : "");
    memcpy(text, "\x93NUMPY\x01\x00", 8);
    memset(text + 10, ' ', TEXT - 10);
    const int n = snprintf(text + 10, TEXT - 10, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", x->dtype == LAC_F64 ? "<f8" : "<f4", shape);
    text[10 + n] = ' ';
    text[8] = TEXT - 10;
    text[9] = 0;
    text[TEXT - 1] = '\n';
    return TEXT;
}

static lac_status deflate_entry(entry *e)
{
    z_stream z = { .zalloc = Z_NULL };
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return LAC_FAIL(LAC_ERR_LIBRARY, "zlib does not start");
    const size_t most = deflateBound(&z, e->size);
    lac_status s = lac_malloc((void **)&e->packed, most);
    if (s == LAC_OK) {
        z.next_in = (Bytef *)e->bytes;
        z.avail_in = (uInt)e->size;
        z.next_out = (Bytef *)e->packed;
        z.avail_out = (uInt)LAC_MIN(most, UINT32_MAX);
        s = deflate(&z, Z_FINISH) == Z_STREAM_END ? LAC_OK : LAC_FAIL(LAC_ERR_LIBRARY, "zlib could not pack %zu bytes", e->size);
        e->stored = z.total_out;
        e->deflated = true;
    }
    deflateEnd(&z);
    return s;
}

static lac_status make_entry(entry *e, const lac_npz_array *a, bool pack)
{
    char text[TEXT];
    const size_t head = npy_header(text, a->x), data = lac_bytes(a->x);
    if ((a->x->dtype != LAC_F32 && a->x->dtype != LAC_F64) || data >= (size_t)4 << 30 || snprintf(e->name, sizeof e->name, "%s.npy", a->name) >= NAME)
        return LAC_FAIL(LAC_ERR_ARG, "array '%.40s' is %s of %zu bytes: f32 or f64 of less than 4 GiB are written", a->name, lac_dtype_name(a->x->dtype), data);
    e->size = e->stored = head + data;
    LAC_TRY(lac_malloc((void **)&e->bytes, e->size));
    memcpy(e->bytes, text, head);
    memcpy(e->bytes + head, a->x->data, data);
    e->crc = (uint32_t)crc32(0, (const Bytef *)e->bytes, (uInt)e->size);
    return pack ? deflate_entry(e) : LAC_OK;
}

static void record(uint8_t **p, const entry *e)
{
    put(p, 20, 2);
    put(p, 0, 2);
    put(p, e->deflated ? 8 : 0, 2);
    put(p, 0, 2);
    put(p, MIDNIGHT, 2);
    put(p, e->crc, 4);
    put(p, (uint32_t)e->stored, 4);
    put(p, (uint32_t)e->size, 4);
    put(p, (uint32_t)strlen(e->name), 2);
    put(p, 0, 2);
}

static void write_local(FILE *f, const entry *e)
{
    uint8_t head[LOCAL], *p = head;
    put(&p, 0x04034b50, 4);
    record(&p, e);
    fwrite(head, 1, LOCAL, f);
    fputs(e->name, f);
    fwrite(e->deflated ? e->packed : e->bytes, 1, e->stored, f);
}

static void write_central(FILE *f, const entry *e)
{
    uint8_t head[CENTRAL] = { 0 }, *p = head;
    put(&p, 0x02014b50, 4);
    put(&p, 20, 2);
    record(&p, e);
    p = head + CENTRAL - 4;
    put(&p, e->at, 4);
    fwrite(head, 1, CENTRAL, f);
    fputs(e->name, f);
}

static void write_end(FILE *f, int n, uint32_t at, uint32_t size)
{
    uint8_t end[END] = { 0 }, *p = end;
    put(&p, 0x06054b50, 4);
    p += 4;
    put(&p, (uint32_t)n, 2);
    put(&p, (uint32_t)n, 2);
    put(&p, size, 4);
    put(&p, at, 4);
    fwrite(end, 1, END, f);
}

static lac_status write_all(lac_atomic *a, const lac_npz_array *array, int n, bool pack, entry *e)
{
    uint64_t at = 0, directory = 0;
    for (int i = 0; i < n; i++) {
        LAC_TRY(make_entry(&e[i], &array[i], pack));
        e[i].at = (uint32_t)at;
        at += LOCAL + strlen(e[i].name) + e[i].stored;
        directory += CENTRAL + strlen(e[i].name);
        if (at + directory > UINT32_MAX)
            return LAC_FAIL(LAC_ERR_ARG, "arrays of more than 4 GiB in one file");
        write_local(a->stream, &e[i]);
        free(e[i].bytes);
        free(e[i].packed);
        e[i].bytes = e[i].packed = NULL;
    }
    for (int i = 0; i < n; i++)
        write_central(a->stream, &e[i]);
    write_end(a->stream, n, (uint32_t)at, (uint32_t)directory);
    return lac_atomic_commit(a);
}

lac_status lac_npz_write(const char *path, const lac_npz_array *array, int n, bool deflate)
{
    lac_atomic a = { NULL };
    entry *e;
    LAC_TRY(lac_calloc((void **)&e, (size_t)n, sizeof *e));
    lac_status s = lac_atomic_open(&a, path);
    if (s == LAC_OK)
        s = write_all(&a, array, n, deflate, e);
    if (s != LAC_OK)
        lac_atomic_abandon(&a);
    for (int i = 0; i < n; i++) {
        free(e[i].bytes);
        free(e[i].packed);
    }
    free(e);
    return lac_context(s, "writing '%s'", path);
}
