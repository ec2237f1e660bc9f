#include "eval/blob.h"

#include "core/memory.h"

#include <string.h>

lac_status lac_blob_put(lac_blob *b, const void *data, size_t n)
{
    while (b->capacity - b->n < n) {
        const size_t capacity = 2 * b->capacity + 4096;
        LAC_TRY(lac_realloc((void **)&b->data, capacity));
        b->capacity = capacity;
    }
    if (n > 0)
        memcpy(b->data + b->n, data, n);
    b->n += n;
    return LAC_OK;
}

lac_status lac_blob_put_text(lac_blob *b, const char *text) { return lac_blob_put(b, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 1); }

lac_status lac_blob_take(lac_blob_reader *r, void *to, size_t n)
{
    if ((size_t)(r->end - r->at) < n)
        return LAC_FAIL(LAC_ERR_FORMAT, "the scores of another rank end in the middle of a row: do all ranks score the same?");
    if (n > 0)
        memcpy(to, r->at, n);
    r->at += n;
    return LAC_OK;
}

lac_status lac_blob_take_text(lac_blob_reader *r, const char **text)
{
    const char *end = memchr(r->at, '\0', (size_t)(r->end - r->at));
    *text = r->at;
    if (end == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "the scores of another rank end in the middle of a word: do all ranks score the same?");
    r->at = end + 1;
    return LAC_OK;
}

lac_status lac_blob_exchange(lac_comm *comm, const lac_blob *own, char **all, size_t *most, int64_t *length)
{
    const int64_t n = (int64_t)own->n;
    *most = 0;
    *all = NULL;
    LAC_TRY(comm->all_gather(comm, length, &n, sizeof n));
    for (int r = 0; r < comm->size; r++)
        *most = LAC_MAX(*most, (size_t)length[r]);
    LAC_TRY(lac_comm_agree(comm, lac_calloc((void **)all, (size_t)comm->size, *most)));
    if (own->n > 0)
        memcpy(*all + (size_t)comm->rank * *most, own->data, own->n);
    return comm->all_gather(comm, *all, *all + (size_t)comm->rank * *most, *most);
}
