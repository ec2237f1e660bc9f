/* models/unet/transformer.h -- the spatial transformer of latent diffusion (arXiv:2112.10752, sec. 3.3), on maps: a map's pixels are the tokens as they lie.
 *
 *     h = proj_in(GN(x)),   each block:  h += attn1(LN(h)),  h += attn2(LN(h), context),  h += ff(LN(h)),   y = x + proj_out(h)
 *
 * A block with a RefAdapter (CAT-Diffusion, arXiv:2409.08260) reads a visual prompt between the two: h += attn3(LN(h), fusion).
 *
 * Eps is 1e-6 in GN, 1e-5 in LN; q, k and v have no bias; ff = W2 geglu(W1 h). */
#pragma once

#include "models/layers/linear.h"
#include "models/layers/norm.h"

/* to_q, to_k, to_v, to_out.0 */
typedef struct lac_attention_layer { int64_t heads; lac_linear_layer q, k, v, out; } lac_attention_layer;

/* inner = width of q, k and v, a multiple of heads; of: width of the tokens that k and v are made from. */
lac_status lac_attention_layer_init(lac_attention_layer *l, lac_params *ps, const char *name, int64_t width, int64_t of, int64_t inner);

/* Keys and values of the tokens that an attention reads, [N, T, inner]. */
typedef struct lac_attention_read { lac_tensor *k, *v; } lac_attention_read;
lac_attention_read lac_attention_layer_read(lac_tape *t, const lac_attention_layer *l, lac_tensor *from);
/* residual + out(attention(q(x), k(from), v(from))); residual as x, or NULL. read: keys and values made of `from` before, which is not looked at then; or NULL. */
lac_tensor *lac_attention_layer_forward(lac_tape *t, const lac_attention_layer *l, lac_tensor *x, lac_tensor *from, const lac_attention_read *read, lac_tensor *residual);

/* inner: of q, k and v, all heads together; context, fusion: of the tokens of text and visual prompt; fusion 0: no RefAdapter. */
typedef struct lac_transformer_widths { int64_t tokens, inner, heads, context, fusion; } lac_transformer_widths;

typedef struct lac_transformer_block {
    lac_layer_norm_layer norm1, norm2, norm3, norm4;
    lac_attention_layer attn1, attn2, attn3;    /* of itself, of the context, of the visual prompt */
    lac_linear_layer ff_in, ff_out;
} lac_transformer_block;

/* heads divide inner. */
lac_status lac_transformer_block_init(lac_transformer_block *b, lac_params *ps, const lac_transformer_widths *w);

/* What a block reads beside h: context [N, T, context], fusion [N, R, fusion] or NULL; or in their place what lac_transformer_block_read made of them, for each block
 * one, in order. */
typedef struct lac_block_read { lac_attention_read context, fusion; } lac_block_read;
typedef struct lac_transformer_in { lac_tensor *context, *fusion; const lac_block_read *read; } lac_transformer_in;
lac_block_read lac_transformer_block_read(lac_tape *t, const lac_transformer_block *b, const lac_transformer_in *in);
/* h [N, ..., tokens] -> as h. */
lac_tensor *lac_transformer_block_forward(lac_tape *t, const lac_transformer_block *b, lac_tensor *h, const lac_transformer_in *in);

/* The first six are chosen before lac_spatial_transformer_init; the rest is its own. */
typedef struct lac_spatial_transformer {
    int64_t heads, groups, depth, context, fusion;
    bool linear;                                /* proj_in and proj_out are published as matrices, not as 1x1 convolutions */
    lac_group_norm_layer norm;
    lac_linear_layer proj_in, proj_out;
    lac_transformer_block *block;
} lac_spatial_transformer;

/* Under the module that lac_params_enter names; heads divide channels. Ended by lac_spatial_transformer_close, also after an error. */
lac_status lac_spatial_transformer_init(lac_spatial_transformer *s, lac_params *ps, int64_t channels);
void lac_spatial_transformer_close(lac_spatial_transformer *s);

/* x [N, H, W, channels] -> as x; NULL after an error. */
lac_tensor *lac_spatial_transformer_forward(lac_tape *t, const lac_spatial_transformer *s, lac_tensor *x, const lac_transformer_in *in);
