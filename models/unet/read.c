#include "models/unet/read.h"

#include "core/memory.h"

#include <stdlib.h>

enum { EACH = 4, ALIGNED = 256 };

static size_t room(const lac_tensor *x) { return (lac_bytes(x) + ALIGNED - 1) / ALIGNED * ALIGNED; }

static void shape(const lac_unet_read *r, lac_tensor *x, int64_t tokens, const lac_attention_layer *l)
{
    const lac_params *ps = r->unet->params;
    lac_tensor_shape(x, ps->dtype, 3, (int64_t[]){ r->n, tokens, l->k.weight->value->dim[0] });
    x->backend = ps->backend;
}

/* Shapes, and how many bytes they want. */
static void lay_out(lac_unet_read *r)
{
    const lac_spatial_transformer *s;
    int at = 0, b = 0;
    while ((s = lac_unet_next_transformer(r->unet, &at)) != NULL)
        for (int64_t i = 0; i < s->depth; i++, b++) {
            lac_tensor *x = &r->tensor[EACH * b];
            for (int k = 0; k < 2; k++) {
                shape(r, &x[k], r->context, &s->block[i].attn2);
                if (r->fusion > 0)
                    shape(r, &x[2 + k], r->fusion, &s->block[i].attn3);
            }
            r->block[b] = (lac_block_read){ { &x[0], &x[1] }, { r->fusion > 0 ? &x[2] : NULL, r->fusion > 0 ? &x[3] : NULL } };
        }
    for (int i = 0; i < EACH * r->n_blocks; i++)
        r->bytes += r->tensor[i].backend != NULL ? room(&r->tensor[i]) : 0;
}

static lac_status give_memory(lac_unet_read *r)
{
    size_t at = 0;
    LAC_TRY(r->bytes > 0 ? r->unet->params->backend->alloc(&r->memory, r->bytes) : LAC_OK);
    for (int i = 0; i < EACH * r->n_blocks; i++)
        if (r->tensor[i].backend != NULL && lac_numel(&r->tensor[i]) > 0) {
            r->tensor[i].data = (uint8_t *)r->memory + at;
            at += room(&r->tensor[i]);
        }
    return LAC_OK;
}

lac_status lac_unet_read_new(lac_unet_read **r, const lac_unet *u, int64_t n, int64_t context, int64_t fusion)
{
    const lac_spatial_transformer *s;
    int at = 0;
    LAC_TRY(lac_calloc((void **)r, 1, sizeof **r));
    **r = (lac_unet_read){ .unet = u, .n = n, .context = context, .fusion = fusion };
    while ((s = lac_unet_next_transformer(u, &at)) != NULL)
        (*r)->n_blocks += (int)s->depth;
    lac_status status = lac_calloc((void **)&(*r)->block, (size_t)(*r)->n_blocks, sizeof *(*r)->block);
    if (status == LAC_OK)
        status = lac_calloc((void **)&(*r)->tensor, (size_t)(EACH * (*r)->n_blocks), sizeof *(*r)->tensor);
    if (status == LAC_OK) {
        lay_out(*r);
        status = give_memory(*r);
    }
    if (status != LAC_OK) {
        lac_unet_read_free(*r);
        *r = NULL;
    }
    return status;
}

void lac_unet_read_free(lac_unet_read *r)
{
    if (r == NULL)
        return;
    if (r->memory != NULL)
        r->unet->params->backend->free(r->memory, r->bytes);
    free(r->tensor);
    free(r->block);
    free(r);
}

static void store(lac_tape *t, const lac_attention_read *made, const lac_attention_read *to)
{
    lac_tape_store(t, made->k, to->k);
    lac_tape_store(t, made->v, to->v);
}

lac_status lac_unet_read_fill(lac_tape *t, lac_unet_read *r, lac_tensor *context, lac_tensor *fusion)
{
    const lac_spatial_transformer *s;
    int at = 0, b = 0;
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(lac_unet_check_prompts(r->unet, r->n, context, fusion));
    lac_tape_enter(t, r->unet->params->name);
    while ((s = lac_unet_next_transformer(r->unet, &at)) != NULL)
        for (int64_t i = 0; i < s->depth; i++, b++) {
            const lac_block_read made = lac_transformer_block_read(t, &s->block[i], &(lac_transformer_in){ context, fusion, NULL });
            store(t, &made.context, &r->block[b].context);
            if (fusion != NULL)
                store(t, &made.fusion, &r->block[b].fusion);
        }
    lac_tape_leave(t);
    return lac_tape_status(t);
}
