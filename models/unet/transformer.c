#include "models/unet/transformer.h"

#include "autograd/ops/attention/attention.h"
#include "autograd/ops/geglu/geglu.h"
#include "core/memory.h"
#include "models/layers/initial.h"

#include <stdlib.h>

lac_status lac_attention_layer_init(lac_attention_layer *l, lac_params *ps, const char *name, int64_t width, int64_t of, int64_t inner)
{
    l->q.no_bias = l->k.no_bias = l->v.no_bias = true;
    LAC_TRY(lac_params_enter(ps, "%s", name));
    LAC_TRY(lac_linear_layer_init(&l->q, ps, "to_q", width, inner));
    LAC_TRY(lac_linear_layer_init(&l->k, ps, "to_k", of, inner));
    LAC_TRY(lac_linear_layer_init(&l->v, ps, "to_v", of, inner));
    LAC_TRY(lac_linear_layer_init(&l->out, ps, "to_out.0", inner, width));
    lac_params_leave(ps);
    return LAC_OK;
}

lac_attention_read lac_attention_layer_read(lac_tape *t, const lac_attention_layer *l, lac_tensor *from)
{
    lac_tensor *k = lac_linear_layer_forward(t, &l->k, from);
    return (lac_attention_read){ k, lac_linear_layer_forward(t, &l->v, from) };
}

lac_tensor *lac_attention_layer_forward(lac_tape *t, const lac_attention_layer *l, lac_tensor *x, lac_tensor *from, const lac_attention_read *read, lac_tensor *residual)
{
    lac_tensor *q = lac_linear_layer_forward(t, &l->q, x);
    const lac_attention_read r = read != NULL ? *read : lac_attention_layer_read(t, l, from);
    lac_tape_enter(t, l->q.name);
    lac_tensor *y = lac_attention(t, q, r.k, r.v, &(lac_attention_attr){ .heads = l->heads });
    lac_tape_leave(t);
    return lac_linear_layer_sum(t, &l->out, y, NULL, residual);
}

lac_status lac_transformer_block_init(lac_transformer_block *b, lac_params *ps, const lac_transformer_widths *w)
{
    b->norm1.eps = b->norm2.eps = b->norm3.eps = b->norm4.eps = 1e-5f;
    b->attn1.heads = b->attn2.heads = b->attn3.heads = w->heads;
    LAC_TRY(lac_layer_norm_layer_init(&b->norm1, ps, "norm1", w->tokens));
    LAC_TRY(lac_attention_layer_init(&b->attn1, ps, "attn1", w->tokens, w->tokens, w->inner));
    LAC_TRY(lac_layer_norm_layer_init(&b->norm2, ps, "norm2", w->tokens));
    LAC_TRY(lac_attention_layer_init(&b->attn2, ps, "attn2", w->tokens, w->context, w->inner));
    LAC_TRY(lac_layer_norm_layer_init(&b->norm3, ps, "norm3", w->tokens));
    LAC_TRY(lac_linear_layer_init(&b->ff_in, ps, "ff.net.0.proj", w->tokens, 8 * w->tokens));
    LAC_TRY(lac_linear_layer_init(&b->ff_out, ps, "ff.net.2", 4 * w->tokens, w->tokens));
    if (w->fusion == 0)
        return LAC_OK;
    LAC_TRY(lac_layer_norm_layer_init(&b->norm4, ps, "norm4", w->tokens));
    return lac_attention_layer_init(&b->attn3, ps, "attn3", w->tokens, w->fusion, w->inner);
}

lac_status lac_spatial_transformer_init(lac_spatial_transformer *s, lac_params *ps, int64_t channels)
{
    const lac_transformer_widths w = { channels, channels, s->heads, s->context, s->fusion };
    s->norm = (lac_group_norm_layer){ .groups = s->groups, .eps = 1e-6f };
    s->proj_in.kind = s->proj_out.kind = s->linear ? LAC_LINEAR_MATRIX : LAC_LINEAR_CONV2D;
    LAC_TRY(lac_calloc((void **)&s->block, (size_t)s->depth, sizeof *s->block));
    LAC_TRY(lac_group_norm_layer_init(&s->norm, ps, "norm", channels));
    LAC_TRY(lac_linear_layer_init(&s->proj_in, ps, "proj_in", channels, channels));
    for (int64_t i = 0; i < s->depth; i++) {
        LAC_TRY(lac_params_enter(ps, "transformer_blocks.%lld", (long long)i));
        LAC_TRY(lac_transformer_block_init(&s->block[i], ps, &w));
        lac_params_leave(ps);
    }
    LAC_TRY(lac_linear_layer_init(&s->proj_out, ps, "proj_out", channels, channels));
    lac_initial_zero(s->proj_out.weight, s->proj_out.bias);
    return LAC_OK;
}

void lac_spatial_transformer_close(lac_spatial_transformer *s)
{
    free(s->block);
    s->block = NULL;
}

static lac_tensor *norm(lac_tape *t, const lac_layer_norm_layer *l, lac_tensor *x) { return lac_layer_norm_layer_forward(t, l, x, NULL, NULL); }

lac_block_read lac_transformer_block_read(lac_tape *t, const lac_transformer_block *b, const lac_transformer_in *in)
{
    lac_block_read r = { .context = lac_attention_layer_read(t, &b->attn2, in->context) };
    if (in->fusion != NULL)
        r.fusion = lac_attention_layer_read(t, &b->attn3, in->fusion);
    return r;
}

lac_tensor *lac_transformer_block_forward(lac_tape *t, const lac_transformer_block *b, lac_tensor *h, const lac_transformer_in *in)
{
    const lac_block_read *read = in->read;
    lac_tensor *n = norm(t, &b->norm1, h);
    h = lac_attention_layer_forward(t, &b->attn1, n, n, NULL, h);
    if (in->fusion != NULL || (read != NULL && read->fusion.k != NULL))
        h = lac_attention_layer_forward(t, &b->attn3, norm(t, &b->norm4, h), in->fusion, read != NULL ? &read->fusion : NULL, h);
    h = lac_attention_layer_forward(t, &b->attn2, norm(t, &b->norm2, h), in->context, read != NULL ? &read->context : NULL, h);
    n = lac_linear_layer_forward(t, &b->ff_in, norm(t, &b->norm3, h));
    return lac_linear_layer_sum(t, &b->ff_out, lac_geglu(t, n), NULL, h);
}

lac_tensor *lac_spatial_transformer_forward(lac_tape *t, const lac_spatial_transformer *s, lac_tensor *x, const lac_transformer_in *in)
{
    lac_tensor *h = lac_group_norm_layer_forward(t, &s->norm, x, NULL, NULL, NULL, LAC_ACT_NONE);
    h = lac_linear_layer_forward(t, &s->proj_in, h);
    for (int64_t i = 0; i < s->depth; i++)
        h = lac_transformer_block_forward(t, &s->block[i], h, &(lac_transformer_in){ in->context, in->fusion, in->read != NULL ? in->read + i : NULL });
    return lac_linear_layer_sum(t, &s->proj_out, h, NULL, x);
}
