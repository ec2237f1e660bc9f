#include "eval/feature_store.h"

#include "core/crc32c.h"
#include "core/file/atomic.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[] = "lacuna features 1\n";
enum { MAGIC = sizeof magic - 1, HEAD = MAGIC + LAC_SHA256_HEX };       /* a hash in hex and a line's end are LAC_SHA256_HEX bytes */

typedef struct place { lac_memo_key key; int64_t at; } place;           /* at 0: free */

struct lac_feature_store {
    int fd;
    char *path;
    int64_t n, record, used, size;      /* floats; bytes; places */
    place *places;                      /* a table by the key's first bytes, at most half full */
    char *buffer;                       /* [record] */
};

/* ---- which records there are ---- */

static place *find(const place *places, int64_t size, const lac_memo_key *key)
{
    uint64_t first;
    memcpy(&first, key->digest, sizeof first);
    int64_t i = (int64_t)(first & (uint64_t)(size - 1));
    while (places[i].at != 0 && memcmp(&places[i].key, key, sizeof *key) != 0)
        i = (i + 1) & (size - 1);
    return (place *)&places[i];
}

static lac_status enlarge(lac_feature_store *s)
{
    const int64_t size = LAC_MAX(2 * s->size, 1024);
    place *places;
    LAC_TRY(lac_calloc((void **)&places, (size_t)size, sizeof *places));
    for (int64_t i = 0; i < s->size; i++)
        if (s->places[i].at != 0)
            *find(places, size, &s->places[i].key) = s->places[i];
    free(s->places);
    s->places = places;
    s->size = size;
    return LAC_OK;
}

/* A later record of one key stands for it. */
static lac_status enter(lac_feature_store *s, const lac_memo_key *key, int64_t at)
{
    if (2 * (s->used + 1) > s->size)
        LAC_TRY(enlarge(s));
    place *p = find(s->places, s->size, key);
    s->used += p->at == 0;
    *p = (place){ *key, at };
    return LAC_OK;
}

/* ---- opening ---- */

static lac_status failed(const lac_feature_store *s, const char *what) { return LAC_FAIL(LAC_ERR_IO, "features '%s': cannot %s: %s", s->path, what, strerror(errno)); }

static lac_status size_of(const lac_feature_store *s, int64_t *size)
{
    struct stat st;
    if (fstat(s->fd, &st) != 0)
        return failed(s, "look at it");
    return *size = st.st_size, LAC_OK;
}

/* Under the lock: a new file's head is written, an old one's read. */
static lac_status take_head(lac_feature_store *s, const char *hash)
{
    char head[HEAD + 1], found[HEAD];
    int64_t size = 0;
    LAC_TRY(size_of(s, &size));
    memcpy(head, magic, MAGIC);
    memcpy(head + MAGIC, hash, LAC_SHA256_HEX - 1);
    head[HEAD - 1] = '\n';
    if (size < HEAD)
        return ftruncate(s->fd, 0) == 0 && pwrite(s->fd, head, HEAD, 0) == HEAD ? LAC_OK : failed(s, "write it");
    if (pread(s->fd, found, HEAD, 0) != HEAD)
        return failed(s, "read it");
    return memcmp(head, found, HEAD) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s' does not begin as a store of these features does", s->path);
}

static lac_status take_records(lac_feature_store *s)
{
    int64_t size = 0;
    LAC_TRY(size_of(s, &size));
    for (int64_t at = HEAD; at + s->record <= size; at += s->record) {
        lac_memo_key key;
        if (pread(s->fd, &key, sizeof key, at) != (ssize_t)sizeof key)
            return failed(s, "read it");
        LAC_TRY(enter(s, &key, at));
    }
    return LAC_OK;
}

static lac_status open_file(lac_feature_store *s, const char *folder, const char *about)
{
    uint8_t digest[LAC_SHA256_SIZE];
    char hash[LAC_SHA256_HEX];
    lac_sha256_of(about, strlen(about), digest);
    lac_sha256_hex(digest, hash);
    LAC_TRY(lac_make_folders(folder));
    LAC_TRY(lac_format(&s->path, "%s/%.16s.features", folder, hash));
    LAC_TRY(lac_malloc((void **)&s->buffer, (size_t)s->record));
    LAC_TRY(enlarge(s));
    s->fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->fd < 0 || flock(s->fd, LOCK_EX) != 0)
        return failed(s, "open it");
    lac_status status = take_head(s, hash);
    if (status == LAC_OK)
        status = take_records(s);
    flock(s->fd, LOCK_UN);
    return status;
}

lac_status lac_feature_store_open(lac_feature_store **s, const char *folder, const char *about, int64_t n)
{
    lac_feature_store *fresh;
    *s = NULL;
    LAC_TRY(lac_calloc((void **)&fresh, 1, sizeof *fresh));
    fresh->fd = -1;
    fresh->n = n;
    fresh->record = (int64_t)(sizeof(lac_memo_key) + (size_t)n * sizeof(float) + 2 * sizeof(uint32_t));
    const lac_status status = open_file(fresh, folder, about);
    if (status == LAC_OK)
        *s = fresh;
    else
        lac_feature_store_close(fresh);
    return status;
}

void lac_feature_store_close(lac_feature_store *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s->path);
    free(s->places);
    free(s->buffer);
    free(s);
}

/* ---- records ---- */

static uint32_t sum_of(const lac_feature_store *s) { return lac_crc32c(0, s->buffer, (size_t)s->record - 2 * sizeof(uint32_t)); }

bool lac_feature_store_get(const lac_feature_store *s, const lac_memo_key *key, float *value)
{
    const place *p = find(s->places, s->size, key);
    uint32_t sum;
    if (p->at == 0 || pread(s->fd, s->buffer, (size_t)s->record, p->at) != s->record)
        return false;
    memcpy(&sum, s->buffer + s->record - 2 * (int64_t)sizeof sum, sizeof sum);
    if (sum != sum_of(s) || memcmp(s->buffer, key, sizeof *key) != 0)
        return false;
    memcpy(value, s->buffer + sizeof *key, (size_t)s->n * sizeof *value);
    return true;
}

/* Behind the last whole record. */
static lac_status append(lac_feature_store *s, int64_t *at)
{
    int64_t size = 0;
    LAC_TRY(size_of(s, &size));
    *at = HEAD + (size - HEAD) / s->record * s->record;
    return pwrite(s->fd, s->buffer, (size_t)s->record, *at) == s->record ? LAC_OK : failed(s, "write it");
}

lac_status lac_feature_store_put(lac_feature_store *s, const lac_memo_key *key, const float *value)
{
    int64_t at = 0;
    memcpy(s->buffer, key, sizeof *key);
    memcpy(s->buffer + sizeof *key, value, (size_t)s->n * sizeof *value);
    const uint32_t end[2] = { sum_of(s), 0 };
    memcpy(s->buffer + s->record - (int64_t)sizeof end, end, sizeof end);
    if (flock(s->fd, LOCK_EX) != 0)
        return failed(s, "lock it");
    const lac_status status = append(s, &at);
    flock(s->fd, LOCK_UN);
    return status == LAC_OK ? enter(s, key, at) : status;
}
