#include "core/file/zip.h"

#include "core/file/bytes.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { END = 22, END64 = 56, LOCATOR = 20, LOCAL = 30, CENTRAL = 46, MAX_COMMENT = 65535, MAX_DIRECTORY = 256 << 20 };
enum { SIGN_LOCAL = 0x04034b50, SIGN_CENTRAL = 0x02014b50, SIGN_END = 0x06054b50, SIGN_END64 = 0x06064b50, SIGN_LOCATOR = 0x07064b50 };
enum { MOST_UNPACKED = 1032 };          /* bytes that deflate can make of one, at most (zlib's technical notes) */

static uint16_t u16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t u32(const uint8_t *p) { return u16(p) | (uint32_t)u16(p + 2) << 16; }
static uint64_t u64(const uint8_t *p) { return u32(p) | (uint64_t)u32(p + 4) << 32; }

typedef struct directory { uint64_t at, size, n; } directory;

/* ---- the end of the archive, where the directory is told ---- */

static lac_status find_end(int fd, uint64_t file_size, uint64_t *at, uint8_t end[END])
{
    const uint64_t size = LAC_MIN(file_size, (uint64_t)END + MAX_COMMENT);
    uint8_t *tail;
    bool found = false;
    LAC_TRY(lac_malloc((void **)&tail, size));
    const lac_status s = lac_read_at(fd, file_size - size, tail, size);
    for (uint64_t i = size >= END ? size - END + 1 : 0; s == LAC_OK && !found && i-- > 0;)
        if (u32(tail + i) == SIGN_END && i + END + u16(tail + i + 20) == size) {
            *at = file_size - size + i;
            memcpy(end, tail + i, END);
            found = true;
        }
    free(tail);
    return s != LAC_OK || found ? s : LAC_FAIL(LAC_ERR_FORMAT, "a zip archive without its directory at the end: it is cut off");
}

/* Where any field of the end is all ones, the record before it has them in 64 bits. */
static lac_status widen(int fd, uint64_t end_at, directory *d)
{
    uint8_t locator[LOCATOR] = { 0 }, end[END64] = { 0 };
    if (end_at < LOCATOR)
        return LAC_OK;
    LAC_TRY(lac_read_at(fd, end_at - LOCATOR, locator, LOCATOR));
    if (u32(locator) != SIGN_LOCATOR)
        return LAC_OK;
    const uint64_t at = u64(locator + 8);
    if (at > end_at || end_at - at < END64 + LOCATOR)
        return LAC_FAIL(LAC_ERR_FORMAT, "the zip archive's 64-bit directory lies outside of it");
    LAC_TRY(lac_read_at(fd, at, end, END64));
    if (u32(end) != SIGN_END64 || u32(end + 16) != 0 || u32(end + 20) != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "the zip archive's 64-bit directory is none, or one of several files");
    *d = (directory){ .n = u64(end + 32), .size = u64(end + 40), .at = u64(end + 48) };
    return LAC_OK;
}

static lac_status find_directory(int fd, uint64_t file_size, directory *d)
{
    uint8_t end[END] = { 0 };
    uint64_t at = 0;
    LAC_TRY(find_end(fd, file_size, &at, end));
    if (u16(end + 4) != 0 && u16(end + 4) != 0xffff)
        return LAC_FAIL(LAC_ERR_FORMAT, "a zip archive of several files");
    *d = (directory){ .n = u16(end + 10), .size = u32(end + 12), .at = u32(end + 16) };
    LAC_TRY(widen(fd, at, d));
    if (d->at > at || d->size > at - d->at || d->size > MAX_DIRECTORY || d->n > d->size / CENTRAL)
        return LAC_FAIL(LAC_ERR_FORMAT, "the zip archive's directory, %llu entries in %llu bytes at %llu, does not fit into a file of %llu bytes",
                        (unsigned long long)d->n, (unsigned long long)d->size, (unsigned long long)d->at, (unsigned long long)file_size);
    return LAC_OK;
}

/* ---- entries ---- */

/* Those of size, stored and header that are all ones stand, in this order, in the extra field 1. */
static void widen_entry(const uint8_t *extra, size_t n, lac_zip_entry *e)
{
    uint64_t *const wide[] = { &e->size, &e->stored, &e->header };
    for (size_t at = 0; at + 4 <= n; at += 4 + (size_t)u16(extra + at + 2)) {
        const size_t length = u16(extra + at + 2);
        if (u16(extra + at) != 1 || length > n - at - 4)
            continue;
        for (size_t k = 0, in = 0; k < LAC_COUNT(wide); k++)
            if (*wide[k] == 0xffffffff && in + 8 <= length) {
                *wide[k] = u64(extra + at + 4 + in);
                in += 8;
            }
    }
}

static lac_status check_entry(const lac_zip_entry *e, uint64_t end, uint16_t flags, uint16_t method)
{
    if (flags & 1)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' of the zip archive is encrypted", e->name);
    if (method != 0 && method != 8)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' of the zip archive is packed by method %d, neither stored nor deflated", e->name, method);
    if (e->header > end || end - e->header < LOCAL || e->stored > end - e->header - LOCAL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' of the zip archive lies outside of it", e->name);
    if (method == 0 ? e->size != e->stored : e->size / MOST_UNPACKED > e->stored)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' of the zip archive claims %llu bytes in %llu", e->name, (unsigned long long)e->size,
                        (unsigned long long)e->stored);
    return LAC_OK;
}

/* The entry at p, of `left` bytes; *length is what it takes. */
static lac_status read_entry(const uint8_t *p, size_t left, uint64_t end, lac_zip_entry *e, size_t *length)
{
    if (left < CENTRAL || u32(p) != SIGN_CENTRAL)
        return LAC_FAIL(LAC_ERR_FORMAT, "the zip archive's directory is damaged");
    const size_t name = u16(p + 28), extra = u16(p + 30);
    *length = CENTRAL + name + extra + u16(p + 32);
    if (*length > left || memchr(p + CENTRAL, 0, name) != NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "the zip archive's directory is damaged");
    *e = (lac_zip_entry){ .header = u32(p + 42), .stored = u32(p + 20), .size = u32(p + 24), .crc = u32(p + 16), .deflated = u16(p + 10) == 8 };
    LAC_TRY(lac_format(&e->name, "%.*s", (int)name, (const char *)p + CENTRAL));
    widen_entry(p + CENTRAL + name, extra, e);
    return check_entry(e, end, u16(p + 8), u16(p + 10));
}

static int by_name(const void *a, const void *b) { return strcmp(((const lac_zip_entry *)a)->name, ((const lac_zip_entry *)b)->name); }

static lac_status read_entries(lac_zip *z, const uint8_t *bytes, const directory *d)
{
    size_t at = 0, length = 0;
    for (uint64_t i = 0; i < d->n; i++, at += length) {
        const lac_status s = read_entry(bytes + at, d->size - at, d->at, &z->entry[i], &length);
        z->n += z->entry[i].name != NULL;
        LAC_TRY(s);
    }
    if (z->n > 1)
        qsort(z->entry, (size_t)z->n, sizeof *z->entry, by_name);
    for (int64_t i = 1; i < z->n; i++)
        if (by_name(&z->entry[i - 1], &z->entry[i]) == 0)
            return LAC_FAIL(LAC_ERR_FORMAT, "the zip archive has '%s' twice", z->entry[i].name);
    return LAC_OK;
}

lac_status lac_zip_open(lac_zip *z, int fd, uint64_t file_size)
{
    directory d = { 0 };
    uint8_t *bytes = NULL;
    *z = (lac_zip){ .fd = fd };
    LAC_TRY(find_directory(fd, file_size, &d));
    z->end = d.at;
    LAC_TRY(lac_malloc((void **)&bytes, d.size));
    lac_status s = lac_read_at(fd, d.at, bytes, d.size);
    if (s == LAC_OK)
        s = lac_calloc((void **)&z->entry, d.n, sizeof *z->entry);
    if (s == LAC_OK)
        s = read_entries(z, bytes, &d);
    free(bytes);
    if (s != LAC_OK)
        lac_zip_close(z);
    return s;
}

void lac_zip_close(lac_zip *z)
{
    for (int64_t i = 0; i < z->n; i++)
        free(z->entry[i].name);
    free(z->entry);
    *z = (lac_zip){ .fd = -1 };
}

int64_t lac_zip_find(const lac_zip *z, const char *name)
{
    const lac_zip_entry wanted = { .name = (char *)name };
    const lac_zip_entry *e = z->n > 0 ? bsearch(&wanted, z->entry, (size_t)z->n, sizeof *z->entry, by_name) : NULL;
    return e != NULL ? e - z->entry : -1;
}

/* ---- bytes ---- */

/* The local header repeats the name and has an extra field of its own length. */
lac_status lac_zip_place(const lac_zip *z, int64_t i, uint64_t *at)
{
    const lac_zip_entry *e = &z->entry[i];
    uint8_t local[LOCAL] = { 0 };
    LAC_TRY(lac_read_at(z->fd, e->header, local, LOCAL));
    *at = e->header + LOCAL + u16(local + 26) + u16(local + 28);
    if (u32(local) != SIGN_LOCAL || *at > z->end || e->stored > z->end - *at)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' of the zip archive is not where its directory says", e->name);
    return LAC_OK;
}

/* Hands zlib the next piece of the packed bytes when it has none. */
static lac_status refill(const lac_zip *z, z_stream *stream, uint8_t *piece, size_t capacity, uint64_t *at, uint64_t *left)
{
    const size_t n = (size_t)LAC_MIN((uint64_t)capacity, *left);
    if (stream->avail_in > 0 || n == 0)
        return LAC_OK;
    LAC_TRY(lac_read_at(z->fd, *at, piece, n));
    stream->next_in = piece;
    stream->avail_in = (uInt)n;
    *at += n;
    *left -= n;
    return LAC_OK;
}

/* Unpacks from the entry's begin; what comes before `from` is thrown away piece by piece. */
static lac_status unpack(const lac_zip *z, const lac_zip_entry *e, z_stream *stream, uint64_t at, uint64_t from, uint8_t *to, size_t size)
{
    enum { PIECE = 32 * 1024 };
    uint8_t packed[PIECE], skipped[PIECE];
    uint64_t left = e->stored, skip = from;
    while (skip > 0 || size > 0) {
        const size_t n = skip > 0 ? (size_t)LAC_MIN(skip, (uint64_t)PIECE) : LAC_MIN(size, (size_t)1 << 30);
        LAC_TRY(refill(z, stream, packed, PIECE, &at, &left));
        stream->next_out = skip > 0 ? skipped : to;
        stream->avail_out = (uInt)n;
        const int said = inflate(stream, Z_NO_FLUSH);
        const size_t got = n - stream->avail_out;
        if ((said != Z_OK && said != Z_STREAM_END) || (got == 0 && (said == Z_STREAM_END || (stream->avail_in == 0 && left == 0))))
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s' of the zip archive cannot be unpacked: %s", e->name, stream->msg != NULL ? stream->msg : "it is cut off");
        if (skip > 0)
            skip -= got;
        else
            to += got, size -= got;
    }
    return LAC_OK;
}

lac_status lac_zip_read(const lac_zip *z, int64_t i, uint64_t from, void *to, size_t size)
{
    const lac_zip_entry *e = &z->entry[i];
    z_stream stream = { .next_in = NULL };
    uint64_t at;
    if (from > e->size || size > e->size - from)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' of the zip archive has %llu bytes, %zu at %llu wanted", e->name, (unsigned long long)e->size, size,
                        (unsigned long long)from);
    LAC_TRY(lac_zip_place(z, i, &at));
    if (!e->deflated)
        return lac_read_at(z->fd, at + from, to, size);
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: unpacking '%s'", e->name);
    const lac_status s = unpack(z, e, &stream, at, from, to, size);
    inflateEnd(&stream);
    return s;
}

lac_status lac_zip_read_whole(const lac_zip *z, int64_t i, uint64_t limit, char **bytes, size_t *size)
{
    const lac_zip_entry *e = &z->entry[i];
    if (e->size > limit)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' of the zip archive has %llu bytes, at most %llu are read", e->name, (unsigned long long)e->size,
                        (unsigned long long)limit);
    LAC_TRY(lac_malloc((void **)bytes, e->size + 1));
    lac_status s = lac_zip_read(z, i, 0, *bytes, e->size);
    if (s == LAC_OK && crc32(0, (const Bytef *)*bytes, (uInt)e->size) != e->crc)
        s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' of the zip archive is damaged: its checksum differs", e->name);
    *size = e->size;
    if (s != LAC_OK)
        free(*bytes);
    return s;
}
