#include "core/file/weights.h"

#include "core/file/atomic.h"
#include "core/file/safetensors.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct lac_weights {
    char *path;
    int fd;
    lac_stored *entry;
    int64_t n;
    json_t *metadata;
};

static lac_status open_checked(lac_weights *w)
{
    struct stat st;
    w->fd = open(w->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);       /* a pipe must not hold us here */
    if (w->fd < 0)
        return LAC_FAIL(LAC_ERR_IO, "%s", strerror(errno));
    if (fstat(w->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return LAC_FAIL(LAC_ERR_IO, "not a regular file");
    return lac_safetensors_read(w->fd, (uint64_t)st.st_size, &w->entry, &w->n, &w->metadata);
}

lac_status lac_weights_open(lac_weights **w, const char *path)
{
    *w = NULL;
    lac_weights *fresh = NULL;
    LAC_TRY(lac_calloc((void **)&fresh, 1, sizeof *fresh));
    fresh->fd = -1;
    lac_status s = lac_strdup(&fresh->path, path);
    if (s == LAC_OK)
        s = open_checked(fresh);
    if (s != LAC_OK) {
        lac_weights_close(fresh);
        return lac_context(s, "opening weights '%s'", path);
    }
    *w = fresh;
    return LAC_OK;
}

void lac_weights_close(lac_weights *w)
{
    if (w == NULL)
        return;
    if (w->fd >= 0)
        close(w->fd);
    lac_stored_free(w->entry, w->n);
    json_decref(w->metadata);
    free(w->path);
    free(w);
}

int64_t lac_weights_count(const lac_weights *w) { return w->n; }
const char *lac_weights_name(const lac_weights *w, int64_t i) { return w->entry[i].name; }
lac_dtype lac_weights_dtype(const lac_weights *w, int64_t i) { return w->entry[i].dtype; }
lac_shape lac_weights_shape(const lac_weights *w, int64_t i) { return w->entry[i].shape; }

int64_t lac_weights_find(const lac_weights *w, const char *name)
{
    int64_t low = 0, high = w->n;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const int order = strcmp(name, w->entry[middle].name);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

const char *lac_weights_metadata(const lac_weights *w, const char *key)
{
    return json_string_value(json_object_get(w->metadata, key));
}

static lac_status read_range(const lac_weights *w, int64_t i, uint64_t from, void *to, size_t size)
{
    const lac_stored *e = &w->entry[i];
    for (size_t n = 0; n < size;) {
        const ssize_t got = pread(w->fd, (char *)to + n, size - n, (off_t)(e->at + from + n));
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return LAC_FAIL(LAC_ERR_IO, "reading '%s' of '%s': %s", e->name, w->path, got ? strerror(errno) : "the file became shorter");
        n += got > 0 ? (size_t)got : 0;
    }
    return LAC_OK;
}

lac_status lac_weights_read(const lac_weights *w, int64_t i, void *to, size_t size)
{
    if (size != w->entry[i].size)
        return LAC_FAIL(LAC_ERR_ARG, "'%s' of '%s' has %llu bytes, %zu wanted", w->entry[i].name, w->path,
                        (unsigned long long)w->entry[i].size, size);
    return read_range(w, i, 0, to, size);
}

lac_status lac_weights_read_f32(const lac_weights *w, int64_t i, float *to)
{
    enum { PIECE = 64 * 1024 };
    const lac_stored *e = &w->entry[i];
    const size_t width = lac_dtype_size(e->dtype);
    if (e->dtype == LAC_F32)
        return read_range(w, i, 0, to, e->size);
    char *piece;
    lac_status s = lac_aligned_alloc((void **)&piece, PIECE);
    LAC_TRY(s);
    for (uint64_t at = 0; s == LAC_OK && at < e->size; at += PIECE) {
        const size_t n = (size_t)LAC_MIN((uint64_t)PIECE, e->size - at);
        s = read_range(w, i, at, piece, n);
        if (s == LAC_OK)
            lac_to_f32(to + at / width, piece, e->dtype, (int64_t)(n / width));
    }
    free(piece);
    return s;
}
