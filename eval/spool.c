#include "eval/spool.h"

#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SMALLEST = 1 << 20, LARGEST = 1 << 26, ALIGNED = 64 };          /* bytes of a piece of the file: the first, and at most but for larger rows */

typedef struct piece { char *at; size_t size; } piece;

struct lac_spool {
    int file;
    size_t length, used;                /* of the file; of the last piece */
    piece *piece;
    int64_t n, capacity;
};

static const char *folder(void)
{
    const char *named = getenv("TMPDIR");
    return named != NULL && named[0] != '\0' ? named : "/var/tmp";
}

static lac_status failed(int error) { return LAC_FAIL(LAC_ERR_IO, "cannot keep features in '%s' ($TMPDIR, else /var/tmp): %s", folder(), strerror(error)); }

lac_status lac_spool_new(lac_spool **s)
{
    LAC_TRY(lac_calloc((void **)s, 1, sizeof **s));
    (*s)->file = -1;
    return LAC_OK;
}

void lac_spool_free(lac_spool *s)
{
    if (s == NULL)
        return;
    for (int64_t i = 0; i < s->n; i++)
        munmap(s->piece[i].at, s->piece[i].size);
    if (s->file >= 0)
        close(s->file);
    free(s->piece);
    free(s);
}

static lac_status open_file(lac_spool *s)
{
    char *path;
    LAC_TRY(lac_format(&path, "%s/lacuna-XXXXXX", folder()));
    s->file = mkostemp(path, O_CLOEXEC);
    const lac_status status = s->file >= 0 && unlink(path) == 0 ? LAC_OK : failed(errno);
    free(path);
    return status;
}

/* Room for `size` bytes at least. What the last piece holds need not stay in memory. */
static lac_status add_piece(lac_spool *s, size_t size)
{
    const size_t usual = s->n > 0 ? LAC_MIN(2 * s->piece[s->n - 1].size, (size_t)LARGEST) : SMALLEST, page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t wanted = (LAC_MAX(size, usual) + page - 1) / page * page;
    if (s->file < 0)
        LAC_TRY(open_file(s));
    LAC_TRY(lac_grow((void **)&s->piece, s->n, &s->capacity, sizeof *s->piece));
    const int error = posix_fallocate(s->file, (off_t)s->length, (off_t)wanted);
    if (error != 0)
        return failed(error);
    char *at = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_SHARED, s->file, (off_t)s->length);
    if (at == MAP_FAILED)
        return failed(errno);
    if (s->n > 0)
        madvise(s->piece[s->n - 1].at, s->piece[s->n - 1].size, MADV_DONTNEED);
    s->piece[s->n++] = (piece){ at, wanted };
    s->length += wanted;
    s->used = 0;
    return LAC_OK;
}

lac_status lac_spool_take(lac_spool *s, int64_t n, float **x)
{
    const size_t size = ((size_t)n * sizeof **x + ALIGNED - 1) / ALIGNED * ALIGNED;
    if (s->n == 0 || s->piece[s->n - 1].size - s->used < size)
        LAC_TRY(add_piece(s, size));
    *x = (float *)(s->piece[s->n - 1].at + s->used);
    s->used += size;
    return LAC_OK;
}
