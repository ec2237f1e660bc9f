#include "core/cpu/dnn_conv_plan.h"

#include "core/memory.h"
#include "core/threads.h"

#include <stdlib.h>
#include <string.h>

static int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/* Rows [from, to) of y and the rows of x under them. */
static void band_of_y(lac_conv_band *b, const lac_conv *c, int64_t from, int64_t to)
{
    const int64_t first = from * c->stride[0] - c->pad[0];
    const int64_t end = (to - 1) * c->stride[0] - c->pad[0] + (c->kh - 1) * c->dilation[0] + 1;
    b->y_from = from;
    b->y_rows = to - from;
    b->x_from = LAC_MIN(LAC_MAX(first, 0), c->h - 1);
    b->x_rows = LAC_MAX(LAC_MIN(end, c->h), b->x_from + 1) - b->x_from;
    b->pad_top = b->x_from - first;
    b->pad_bottom = end - (b->x_from + b->x_rows);
}

/* Rows [from, to) of x and the rows of y that they take part in. */
static void band_of_x(lac_conv_band *b, const lac_conv *c, int64_t oh, int64_t from, int64_t to)
{
    const int64_t s = c->stride[0], reach = (c->kh - 1) * c->dilation[0];
    const int64_t touches = LAC_MAX(-floor_div(-(from + c->pad[0] - reach), s), 0);
    const int64_t first = LAC_MIN(LAC_MIN(touches, floor_div(from + c->pad[0], s)), oh - 1);    /* a stride beyond the kernel: none may touch row `from` */
    const int64_t last = LAC_MAX(LAC_MIN(floor_div(to - 1 + c->pad[0], s), oh - 1), first);
    b->x_from = from;
    b->x_rows = to - from;
    b->y_from = first;
    b->y_rows = last - first + 1;
    b->pad_top = from + c->pad[0] - first * s;
    b->pad_bottom = (b->y_rows - 1) * s + reach + 1 - b->pad_top - b->x_rows;
}

/* A fixed rule: one sample per slice, in bands of eight rows or more until there are eight slices. The parts of the weight gradient have to be
 * summed: four slices, two where the weight is large; but while all parts stay small, bands of which x and gy fit a second-level cache of two
 * megabytes (1.3 times as fast at 256x256). What would still be one slice, with a large weight, is cut into four by its channels. */
static void cut(lac_conv_plan *p, int64_t wanted_bands)
{
    const lac_conv *c = &p->c;
    const bool parts = p->pass == LAC_CONV_GRAD_W;
    const int64_t weight = c->o * c->kh * c->kw * (c->c / c->groups), rows = p->pass == LAC_CONV_GRAD_X ? c->h : p->oh;
    const int64_t slices = !parts ? 8 : weight > 1 << 18 ? 2 : 4;
    const int64_t sample = (c->h * c->w * c->c + p->oh * p->ow * c->o) * (int64_t)lac_dtype_size(c->dtype);
    const int64_t by_cache = parts ? LAC_MIN(sample >> 21, (2 << 20) / (weight * c->n)) : 1;
    p->samples = parts && by_cache < 2 && c->n % slices == 0 ? c->n / slices : 1;
    p->n_bands = LAC_MAX((slices + c->n - 1) / c->n, by_cache);
    p->n_bands = LAC_MAX(LAC_MIN(LAC_MIN(p->n_bands, rows / 8), wanted_bands), 1);
    const int64_t out = p->pass == LAC_CONV_GRAD_X ? c->c : c->o;
    p->parts = !parts && c->n * p->n_bands == 1 && c->groups == 1 && out % 64 == 0 && weight >= 1 << 20 ? 4 : 1;
    p->n_slices = c->n / p->samples * p->n_bands * p->parts;
    p->part = *c;
    *(p->pass == LAC_CONV_GRAD_X ? &p->part.c : &p->part.o) /= p->parts;
    for (int64_t b = 0; b < p->n_bands; b++) {
        const int64_t from = lac_block_start(rows, p->n_bands, b), to = lac_block_start(rows, p->n_bands, b + 1);
        if (p->pass == LAC_CONV_GRAD_X)
            band_of_x(&p->band[b], c, p->oh, from, to);
        else
            band_of_y(&p->band[b], c, from, to);
    }
}

/* [n, h, w, c] in the library's order of dims, n c h w. */
static lac_status act_md(lac_md_own *md, int64_t n, int64_t h, int64_t w, int64_t c, lac_dtype d)
{
    return lac_md_new(md, 4, (int64_t[]){ n, c, h, w }, (int64_t[]){ h * w * c, 1, w * c, c }, d);
}

/* [o, kh, kw, i] as (g) o i h w, a part of it; any: the library chooses the layout. */
static lac_status weight_md(lac_md_own *md, const lac_conv_plan *p, lac_dtype d, bool any)
{
    const lac_conv *c = &p->part;
    const int64_t i = c->c / c->groups, o = c->o / c->groups, pixel = p->c.c / c->groups, row = c->kw * pixel, filter = c->kh * row;
    const int64_t dim[] = { c->groups, o, i, c->kh, c->kw }, stride[] = { o * filter, filter, 1, row, pixel };
    const int skip = c->groups == 1;
    return lac_md_new(md, 5 - skip, dim + skip, any ? NULL : stride + skip, d);
}

typedef struct conv_mds { lac_md_own x, w, b, y, x_forward, w_forward; } conv_mds;

static lac_status band_mds(conv_mds *m, const lac_conv_plan *p, const lac_conv_band *b)
{
    const lac_conv *c = &p->part;
    const lac_dtype dx = p->pass == LAC_CONV_GRAD_X ? p->dx : c->dtype, dw = p->pass == LAC_CONV_GRAD_W ? LAC_F32 : c->dtype;
    LAC_TRY(act_md(&m->x, p->samples, b->x_rows, c->w, c->c, dx));
    LAC_TRY(act_md(&m->x_forward, p->samples, b->x_rows, c->w, c->c, c->dtype));
    LAC_TRY(act_md(&m->y, p->samples, b->y_rows, p->ow, c->o, c->dtype));
    LAC_TRY(weight_md(&m->w, p, dw, true));
    LAC_TRY(weight_md(&m->w_forward, p, c->dtype, true));
    return lac_md_new(&m->b, 1, &c->o, (int64_t[]){ 1 }, LAC_F32);
}

static void drop_mds(conv_mds *m)
{
    lac_md_drop(&m->x);
    lac_md_drop(&m->w);
    lac_md_drop(&m->b);
    lac_md_drop(&m->y);
    lac_md_drop(&m->x_forward);
    lac_md_drop(&m->w_forward);
}

static int weight_arg(const lac_conv_plan *p) { return p->pass == LAC_CONV_GRAD_W ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS; }

/* All bands share the weight layout that the first one chose. */
static lac_status make_band(lac_conv_plan *p, int64_t k, bool accept_reference)
{
    lac_conv_band *b = &p->band[k];
    conv_mds m;
    memset(&m, 0, sizeof m);
    lac_status s = band_mds(&m, p, b);
    if (s == LAC_OK) {
        const lac_prim_conv c = {
            .pass = p->pass, .threads = 1, .x = lac_md_of(&m.x), .y = lac_md_of(&m.y), .b = p->has_bias ? lac_md_of(&m.b) : NULL,
            .w = k ? lac_prim_md(&p->band[0].prim, weight_arg(p)) : lac_md_of(&m.w),
            .x_forward = lac_md_of(&m.x_forward), .w_forward = lac_md_of(&m.w_forward),
            .stride = { p->c.stride[0], p->c.stride[1] }, .dilation = { p->c.dilation[0], p->c.dilation[1] },
            .pad = { b->pad_top, b->pad_bottom, p->c.pad[2], p->c.pad[3] }, .after = p->after,
        };
        s = lac_prim_new_conv(&b->prim, &c, accept_reference);
    }
    drop_mds(&m);
    return s;
}

static void drop_bands(lac_conv_plan *p)
{
    for (int64_t b = 0; b < LAC_CONV_BANDS; b++)
        lac_prim_drop(&p->band[b].prim);
}

static lac_status make_bands(lac_conv_plan *p, int64_t wanted, bool accept_reference)
{
    cut(p, wanted);
    lac_status s = LAC_OK;
    for (int64_t b = 0; b < p->n_bands && s == LAC_OK; b++)
        s = make_band(p, b, accept_reference);
    if (s != LAC_OK)
        drop_bands(p);
    return s;
}

/* Bands where the library takes them, whole samples otherwise, its reference code only where it has nothing else. */
static lac_status make_prims(lac_conv_plan *p)
{
    lac_status s = make_bands(p, LAC_CONV_BANDS, false);
    if (s == LAC_ERR_NO_KERNEL)
        s = make_bands(p, 1, false);
    if (s == LAC_ERR_NO_KERNEL)
        s = make_bands(p, 1, true);
    if (s == LAC_ERR_NO_KERNEL)
        return LAC_FAIL(LAC_ERR_LIBRARY, "oneDNN has no %s convolution of %s with %lld filters of %lld x %lld", lac_dtype_name(p->c.dtype),
                        lac_dims_str(4, (int64_t[]){ p->c.n, p->c.h, p->c.w, p->c.c }), (long long)p->c.o, (long long)p->c.kh, (long long)p->c.kw);
    return s;
}

static lac_status make_pack(lac_conv_plan *p)
{
    const bool back = p->pass == LAC_CONV_GRAD_W;
    const lac_md inner = lac_prim_md(&p->band[0].prim, weight_arg(p));
    lac_md_own outer;
    LAC_TRY(weight_md(&outer, p, back ? LAC_F32 : p->c.dtype, false));
    lac_status s = lac_prim_new_reorder(&p->pack, back ? inner : lac_md_of(&outer), back ? lac_md_of(&outer) : inner);
    if (s == LAC_OK && !back)
        s = lac_md_layout(&p->layout, inner);
    lac_md_drop(&outer);
    p->packed = (lac_md_bytes(inner) + 63) / 64 * 64;
    p->step = (size_t)(p->pass == LAC_CONV_GRAD_X ? p->part.c : p->part.o * p->c.kh * p->c.kw * p->c.c) * lac_dtype_size(p->c.dtype);
    return s;
}

static void drop(lac_plan *base)
{
    lac_conv_plan *p = (lac_conv_plan *)base;
    drop_bands(p);
    lac_prim_drop(&p->pack);
    free(p);
}

/* A slope in a key: its bits, which are 0 for none. */
typedef union word { float f; uint32_t bits; } word;
static int64_t bits_of(float slope) { return ((word){ .f = slope }).bits; }
static float slope_of(int64_t bits) { return ((word){ .bits = (uint32_t)bits }).f; }

static void from_key(lac_conv_plan *p, const int64_t *k)
{
    lac_conv *c = &p->c;
    *c = (lac_conv){ .n = k[1], .h = k[2], .w = k[3], .c = k[4], .o = k[5], .kh = k[6], .kw = k[7], .groups = k[8],
                     .stride = { k[9], k[10] }, .dilation = { k[11], k[12] }, .pad = { k[13], k[14], k[15], k[16] },
                     .dtype = (lac_dtype)k[17], .direct = k[18] };
    p->pass = (lac_conv_pass)k[19];
    p->dx = (lac_dtype)k[20];
    p->has_bias = k[21];
    p->after = (lac_prim_after){ k[22], k[23] != 0, slope_of(k[23]) };
    p->oh = lac_conv_out_h(c);
    p->ow = lac_conv_out_w(c);
}

/* What a slice writes where it does not write into the result. */
static size_t block_bytes(const lac_conv_plan *p, const lac_conv_band *b)
{
    const int64_t gx = p->samples * b->x_rows * p->c.w * p->part.c, y = p->samples * b->y_rows * p->ow * p->part.o;
    return p->pass == LAC_CONV_GRAD_X ? (size_t)gx * lac_dtype_size(p->dx) : p->parts > 1 ? (size_t)y * lac_dtype_size(p->c.dtype) : 0;
}

static lac_status make(lac_plan **out, const int64_t *key)
{
    lac_conv_plan *p = NULL;
    LAC_TRY(lac_calloc((void **)&p, 1, sizeof *p));
    p->base.drop = drop;
    from_key(p, key);
    lac_status s = make_prims(p);
    if (s == LAC_OK)
        s = make_pack(p);
    if (s != LAC_OK) {
        drop(&p->base);
        return s;
    }
    for (int64_t b = 0; b < p->n_bands; b++) {
        p->scratch = LAC_MAX(p->scratch, p->band[b].prim.scratch);
        p->block = LAC_MAX(p->block, block_bytes(p, &p->band[b]));
    }
    p->block = (p->block + 63) / 64 * 64;
    *out = &p->base;
    return LAC_OK;
}

lac_prim_after lac_conv_after(const lac_conv *c)
{
    const bool leaky = c->act.kind == LAC_ACT_LEAKY;
    return (lac_prim_after){ c->residual, leaky, leaky ? c->act.slope : 0 };
}

lac_status lac_conv_plan_get(lac_conv_plan **p, const lac_conv *c, lac_conv_pass pass, lac_dtype dx, bool bias)
{
    const lac_prim_after after = pass == LAC_CONV_FORWARD ? lac_conv_after(c) : (lac_prim_after){ 0 };
    const int64_t key[LAC_PLAN_KEY] = {
        'c', c->n, c->h, c->w, c->c, c->o, c->kh, c->kw, c->groups, c->stride[0], c->stride[1], c->dilation[0], c->dilation[1],
        c->pad[0], c->pad[1], c->pad[2], c->pad[3], c->dtype, c->direct, pass, pass == LAC_CONV_GRAD_X ? dx : LAC_F32, bias, after.add, bits_of(after.slope),
    };
    return lac_plan_get((lac_plan **)p, key, make);
}
