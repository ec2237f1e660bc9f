/* Memory that shows what should not happen to it: NaN until it is written, and a line behind each allocation that nobody may write. */
#include "autograd/tape_internal.h"

#include <string.h>

enum { PIECE = 4096 };

static lac_status fill(const lac_backend *b, uint8_t *to, size_t size)
{
    uint8_t nan[PIECE];
    if (b->host)
        return memset(to, 0xff, size), LAC_OK;
    memset(nan, 0xff, sizeof nan);
    for (size_t i = 0; i < size; i += PIECE)
        LAC_TRY(b->copy(to + i, nan, LAC_MIN(size - i, (size_t)PIECE)));
    return LAC_OK;
}

lac_status tape_poison(lac_tape *t, const lac_slot *s) { return fill(t->backend, t->block + s->offset, s->size); }

/* The line is what the slot has beyond the bytes that were asked for: at least LAC_PLAN_ALIGN, at most twice that. */
static lac_status check_guard(const lac_tape *t, int64_t i)
{
    const lac_slot *s = &t->plan->slot[i];
    uint8_t copy[2 * LAC_PLAN_ALIGN];
    const uint8_t *line = t->block + s->offset + s->bytes;
    const size_t size = s->size - s->bytes;
    if (!t->backend->host) {
        LAC_TRY(t->backend->copy(copy, line, size));
        line = copy;
    }
    for (size_t k = 0; k < size; k++)
        if (line[k] != 0xff)
            return LAC_FAIL(LAC_ERR_STATE, "its kernel wrote past the end of the %zu bytes of allocation %lld, which %s asked for", s->bytes, (long long)i, s->op);
    return LAC_OK;
}

/* The kernel ran at the tick before this one: whatever was alive then still lies where it was. */
lac_status tape_check_guards(lac_tape *t)
{
    const lac_slot *s = t->plan->slot;
    for (int64_t i = 0; i < t->next_slot; i++)
        if (s[i].birth < t->clock && s[i].death >= t->clock - 1)
            LAC_TRY(check_guard(t, i));
    return LAC_OK;
}
