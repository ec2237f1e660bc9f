#include "train/staging.h"

#include "core/memory.h"
#include "data/field.h"

#include <string.h>

enum { ALIGN = 256 };

static size_t rounded(size_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }

static size_t out_bytes(const lac_staging *s)
{
    return sizeof(lac_step_out) + (size_t)(s->n_phases * s->n_micros) * sizeof s->out->micro[0];
}

static lac_status pin_slot(const lac_staging *s, lac_step_slot *slot)
{
    LAC_TRY(s->backend->queue->pin((void **)&slot->in, sizeof *slot->in));
    return s->backend->queue->pin((void **)&slot->out, out_bytes(s));
}

/* in | out | bad, in one block. */
lac_status lac_staging_open(lac_staging *s, const lac_backend *b, int n_phases, int64_t n_micros)
{
    const size_t in = rounded(sizeof(lac_step_in));
    *s = (lac_staging){ .backend = b, .n_phases = n_phases, .n_micros = n_micros, .n_slots = b->queue != NULL ? 2 : 1 };
    s->block_bytes = in + rounded(out_bytes(s)) + sizeof *s->bad;
    LAC_TRY(b->alloc(&s->block, s->block_bytes));
    LAC_TRY(b->fill_zero(s->block, s->block_bytes));
    s->in = s->block;
    s->out = (lac_step_out *)((char *)s->block + in);
    s->bad = (uint32_t *)((char *)s->block + in + rounded(out_bytes(s)));
    for (int i = 0; b->queue != NULL && i < s->n_slots; i++)
        LAC_TRY(pin_slot(s, &s->slot[i]));
    if (b->queue == NULL) {
        s->slot[0].in = s->in;
        s->slot[0].out = s->out;
    }
    return LAC_OK;
}

static void free_pictures(lac_staging *s)
{
    uint8_t **places[] = { &s->arriving, &s->pictures };
    for (int i = 0; i < 2; i++) {
        if (*places[i] != NULL)
            s->backend->free(*places[i], s->pictures_bytes);
        *places[i] = NULL;
        s->backend->queue->unpin(s->slot[i].pictures, s->pictures_bytes);
        s->slot[i].pictures = NULL;
    }
    s->pictures_bytes = 0;
}

void lac_staging_finish(lac_staging *s)
{
    if (s->backend != NULL && s->backend->queue != NULL)
        s->backend->queue->finish();
}

void lac_staging_close(lac_staging *s)
{
    const lac_queue *q = s->backend != NULL ? s->backend->queue : NULL;
    lac_staging_finish(s);
    if (q != NULL)
        free_pictures(s);
    for (int i = 0; q != NULL && i < s->n_slots; i++) {
        q->unpin(s->slot[i].in, sizeof(lac_step_in));
        q->unpin(s->slot[i].out, out_bytes(s));
        q->unmark(s->slot[i].done);
    }
    if (s->block != NULL)
        s->backend->free(s->block, s->block_bytes);
    *s = (lac_staging){ 0 };
}

static lac_status alloc_pictures(lac_staging *s, size_t bytes, uint8_t *const pinned[2])
{
    s->pictures_bytes = bytes;
    for (int i = 0; i < 2; i++)
        s->slot[i].pictures = pinned[i];
    LAC_TRY(lac_context(s->backend->alloc((void **)&s->arriving, bytes), "pictures of a step"));
    return lac_context(s->backend->alloc((void **)&s->pictures, bytes), "pictures of a step");
}

static lac_status pin_copies(const lac_staging *s, size_t bytes, uint8_t *pinned[2])
{
    const lac_queue *q = s->backend->queue;
    LAC_TRY(q->pin((void **)&pinned[0], bytes));
    const lac_status status = q->pin((void **)&pinned[1], bytes);
    if (status != LAC_OK)
        q->unpin(pinned[0], bytes);
    for (int i = 0; status == LAC_OK && i < 2 && s->pictures_bytes > 0; i++)
        memcpy(pinned[i], s->slot[i].pictures, s->pictures_bytes);
    return status;
}

/* A larger batch than ever before: everything moves. The other slot keeps what its step was given. */
static lac_status make_room(lac_staging *s, size_t bytes)
{
    uint8_t *pinned[2], *before = s->pictures;
    lac_step_slot *other = &s->slot[1 - s->now];
    if (bytes <= s->pictures_bytes)
        return LAC_OK;
    LAC_TRY(s->backend->queue->finish());
    LAC_TRY(pin_copies(s, bytes, pinned));
    free_pictures(s);
    s->moves++;
    LAC_TRY(alloc_pictures(s, bytes, pinned));
    for (int p = 0; p < s->n_phases; p++)
        for (int i = 0; i < other->batch[p].n_fields; i++)
            other->batch[p].field[i].tensor.data = s->pictures + ((uint8_t *)other->batch[p].field[i].tensor.data - before);
    return LAC_OK;
}

lac_step_slot *lac_staging_next(lac_staging *s)
{
    s->now = (s->now + 1) % s->n_slots;
    return &s->slot[s->now];
}

/* A batch's place after `at` bytes; its fields' data are offsets for now. */
static size_t lay_out(lac_batch *to, const lac_batch *batch, size_t at)
{
    *to = *batch;
    for (int i = 0; i < to->n_fields; i++) {
        lac_field *f = &to->field[i];
        f->tensor.data = (void *)(uintptr_t)at;
        at += rounded(lac_bytes(&f->tensor));
    }
    return at;
}

static void fill(lac_staging *s, lac_step_slot *slot, lac_batch *to, const lac_batch *from)
{
    for (int i = 0; i < to->n_fields; i++) {
        const lac_tensor *x = &from->field[i].tensor;
        const uintptr_t at = (uintptr_t)to->field[i].tensor.data;
        memcpy(slot->pictures + at, x->data, lac_bytes(x));
        to->field[i].tensor.data = s->pictures + at;
    }
}

static int first_use(const lac_batch *const *batch, int p)
{
    int first = 0;
    while (batch[first] != batch[p])
        first++;
    return first;
}

static lac_status gather(lac_staging *s, lac_step_slot *slot, const lac_batch *const *batch)
{
    size_t bytes = 0;
    for (int p = 0; p < s->n_phases; p++)
        if (first_use(batch, p) == p)
            bytes = lay_out(&slot->batch[p], batch[p], bytes);
    LAC_TRY(make_room(s, bytes));
    for (int p = 0; p < s->n_phases; p++)
        if (first_use(batch, p) == p)
            fill(s, slot, &slot->batch[p], batch[p]);
        else
            slot->batch[p] = slot->batch[first_use(batch, p)];
    return LAC_OK;
}

lac_status lac_staging_send(lac_staging *s, lac_step_slot *slot, const lac_batch *const *batch)
{
    if (s->backend->queue != NULL) {
        LAC_TRY(gather(s, slot, batch));
        return lac_staging_send_again(s, slot);
    }
    for (int p = 0; p < s->n_phases; p++)
        slot->batch[p] = *batch[p];
    return LAC_OK;
}

int64_t lac_staging_offset(const lac_staging *s, const lac_batch *batch)
{
    return s->backend->queue != NULL && batch->n_fields > 0 ? (uint8_t *)batch->field[0].tensor.data - s->pictures : 0;
}

lac_status lac_staging_send_again(lac_staging *s, const lac_step_slot *slot)
{
    const lac_queue *q = s->backend->queue;
    if (q == NULL)
        return LAC_OK;
    LAC_TRY(q->upload(s->arriving, slot->pictures, s->pictures_bytes));
    LAC_TRY(q->take(s->pictures, s->arriving, s->pictures_bytes));
    return s->backend->copy(s->in, slot->in, sizeof *s->in);
}

lac_status lac_staging_return(lac_staging *s, lac_step_slot *slot)
{
    slot->under_way = true;
    LAC_TRY(s->backend->copy(slot->out, s->out, out_bytes(s)));
    return s->backend->queue->mark(&slot->done);
}

lac_status lac_staging_receive(lac_staging *s, const lac_step_slot *slot) { return s->backend->queue->wait(slot->done); }
