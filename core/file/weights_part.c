/* One file of weights: which container it is, and what is in it. */
#include "core/file/weights_internal.h"

#include "core/file/bytes.h"
#include "core/file/safetensors.h"
#include "core/file/torch.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static lac_status open_regular(lac_weights_part *p, uint64_t *size)
{
    struct stat st;
    p->fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);       /* a pipe must not hold us here */
    if (p->fd < 0)
        return LAC_FAIL(LAC_ERR_IO, "%s", strerror(errno));
    if (fstat(p->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return LAC_FAIL(LAC_ERR_IO, "not a regular file");
    *size = (uint64_t)st.st_size;
    return LAC_OK;
}

static lac_status read_contents(lac_weights_part *p, uint64_t size, lac_contents *c, json_t **metadata)
{
    char head[16] = { 0 };
    const size_t n = (size_t)LAC_MIN(size, (uint64_t)sizeof head);
    LAC_TRY(lac_read_at(p->fd, 0, head, n));
    if (n >= 4 && memcmp(head, "PK\3\4", 4) == 0) {
        LAC_TRY(lac_zip_open(&p->zip, p->fd, size));
        return lac_torch_read_archive(&p->zip, c);
    }
    if (lac_torch_is_pickle(head, n))
        return lac_torch_read_pickles(p->fd, size, c);
    return lac_safetensors_read(p->fd, size, c, metadata);
}

static lac_status add_contents(lac_weights *w, int64_t part)
{
    lac_contents c = { 0 };
    json_t *metadata = NULL;
    uint64_t size = 0;
    lac_status s = open_regular(&w->part[part], &size);
    if (s == LAC_OK)
        s = read_contents(&w->part[part], size, &c, &metadata);
    for (int64_t i = 0; i < c.n; i++)
        c.entry[i].part = part;
    if (s == LAC_OK)
        s = lac_contents_join(&w->all, &c);
    if (s == LAC_OK && metadata != NULL && json_object_update_missing(w->metadata, metadata) != 0)
        s = LAC_FAIL(LAC_ERR_MEM, "out of memory: metadata");
    json_decref(metadata);
    lac_contents_free(&c);
    return s;
}

lac_status lac_weights_add_file(lac_weights *w, const char *path)
{
    LAC_TRY(lac_grow((void **)&w->part, w->n_parts, &w->capacity, sizeof *w->part));
    w->part[w->n_parts] = (lac_weights_part){ .fd = -1 };
    LAC_TRY(lac_strdup(&w->part[w->n_parts].path, path));
    const lac_status s = add_contents(w, w->n_parts++);
    return strcmp(path, w->path) == 0 ? s : lac_context(s, "'%s'", path);
}
