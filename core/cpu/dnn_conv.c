#include "core/cpu/dnn_cache.h"
#include "core/cpu/dnn_kernels.h"
#include "core/cpu/dnn_winograd.h"

#include "core/memory.h"
#include "core/threads.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A band: some rows of y (forward, weight gradient) or of gx, and the rows of the other tensor that they need. */
typedef struct band {
    int64_t x_from, x_rows, y_from, y_rows, pad_top, pad_bottom;
    lac_prim prim;
} band;

/* All samples of a slice are one library call. slices = n / samples * n_bands. */
enum { MAX_BANDS = 16 };
typedef struct conv_plan {
    lac_plan base;
    lac_conv c;
    lac_conv_pass pass;
    lac_dtype dx;
    bool has_bias;
    int64_t oh, ow, samples, n_bands, n_slices;
    band band[MAX_BANDS];
    lac_prim pack;                  /* weight as it lies to the layout of the calls; weight gradient: back */
    uint64_t layout;                /* of the packed weight */
    size_t packed, scratch, block;  /* bytes: packed weight, scratch of a call, gx of a slice */
} conv_plan;

static lac_status check(const lac_conv *c)
{
    return lac_conv_out_h(c) < 1 || lac_conv_out_w(c) < 1 ? LAC_FAIL(LAC_ERR_SHAPE, "the kernel is larger than the padded map") : LAC_OK;
}

static int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/* Rows [from, to) of y and the rows of x under them. */
static void band_of_y(band *b, const lac_conv *c, int64_t from, int64_t to)
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
static void band_of_x(band *b, const lac_conv *c, int64_t oh, int64_t from, int64_t to)
{
    const int64_t s = c->stride[0], reach = (c->kh - 1) * c->dilation[0];
    const int64_t first = LAC_MIN(LAC_MAX(-floor_div(-(from + c->pad[0] - reach), s), 0), oh - 1);
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
 * megabytes (1.3 times as fast at 256x256). */
static void cut(conv_plan *p, int64_t wanted_bands)
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
    p->n_slices = c->n / p->samples * p->n_bands;
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

/* [o, kh, kw, i] as (g) o i h w; any: the library chooses the layout. */
static lac_status weight_md(lac_md_own *md, const lac_conv *c, lac_dtype d, bool any)
{
    const int64_t i = c->c / c->groups, o = c->o / c->groups, row = c->kw * i, filter = c->kh * row;
    const int64_t dim[] = { c->groups, o, i, c->kh, c->kw }, stride[] = { o * filter, filter, 1, row, i };
    const int skip = c->groups == 1;
    return lac_md_new(md, 5 - skip, dim + skip, any ? NULL : stride + skip, d);
}

typedef struct conv_mds { lac_md_own x, w, b, y, x_forward, w_forward; } conv_mds;

static lac_status band_mds(conv_mds *m, const conv_plan *p, const band *b)
{
    const lac_conv *c = &p->c;
    const lac_dtype dx = p->pass == LAC_CONV_GRAD_X ? p->dx : c->dtype, dw = p->pass == LAC_CONV_GRAD_W ? LAC_F32 : c->dtype;
    LAC_TRY(act_md(&m->x, p->samples, b->x_rows, c->w, c->c, dx));
    LAC_TRY(act_md(&m->x_forward, p->samples, b->x_rows, c->w, c->c, c->dtype));
    LAC_TRY(act_md(&m->y, p->samples, b->y_rows, p->ow, c->o, c->dtype));
    LAC_TRY(weight_md(&m->w, c, dw, true));
    LAC_TRY(weight_md(&m->w_forward, c, c->dtype, true));
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

static int weight_arg(const conv_plan *p) { return p->pass == LAC_CONV_GRAD_W ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS; }

/* All bands share the weight layout that the first one chose. */
static lac_status make_band(conv_plan *p, int64_t k, bool accept_reference)
{
    band *b = &p->band[k];
    conv_mds m;
    memset(&m, 0, sizeof m);
    lac_status s = band_mds(&m, p, b);
    if (s == LAC_OK) {
        const lac_prim_conv c = {
            .pass = p->pass, .threads = 1, .x = lac_md_of(&m.x), .y = lac_md_of(&m.y), .b = p->has_bias ? lac_md_of(&m.b) : NULL,
            .w = k ? lac_prim_md(&p->band[0].prim, weight_arg(p)) : lac_md_of(&m.w),
            .x_forward = lac_md_of(&m.x_forward), .w_forward = lac_md_of(&m.w_forward),
            .stride = { p->c.stride[0], p->c.stride[1] }, .dilation = { p->c.dilation[0], p->c.dilation[1] },
            .pad = { b->pad_top, b->pad_bottom, p->c.pad[2], p->c.pad[3] },
        };
        s = lac_prim_new_conv(&b->prim, &c, accept_reference);
    }
    drop_mds(&m);
    return s;
}

static void drop_bands(conv_plan *p)
{
    for (int64_t b = 0; b < MAX_BANDS; b++)
        lac_prim_drop(&p->band[b].prim);
}

static lac_status make_bands(conv_plan *p, int64_t wanted, bool accept_reference)
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
static lac_status make_prims(conv_plan *p)
{
    lac_status s = make_bands(p, MAX_BANDS, false);
    if (s == LAC_ERR_NO_KERNEL)
        s = make_bands(p, 1, false);
    if (s == LAC_ERR_NO_KERNEL)
        s = make_bands(p, 1, true);
    if (s == LAC_ERR_NO_KERNEL)
        return LAC_FAIL(LAC_ERR_LIBRARY, "oneDNN has no %s convolution of %s with %lld filters of %lld x %lld", lac_dtype_name(p->c.dtype),
                        lac_dims_str(4, (int64_t[]){ p->c.n, p->c.h, p->c.w, p->c.c }), (long long)p->c.o, (long long)p->c.kh, (long long)p->c.kw);
    return s;
}

static lac_status make_pack(conv_plan *p)
{
    const bool back = p->pass == LAC_CONV_GRAD_W;
    const lac_md inner = lac_prim_md(&p->band[0].prim, weight_arg(p));
    lac_md_own outer;
    LAC_TRY(weight_md(&outer, &p->c, back ? LAC_F32 : p->c.dtype, false));
    lac_status s = lac_prim_new_reorder(&p->pack, back ? inner : lac_md_of(&outer), back ? lac_md_of(&outer) : inner);
    if (s == LAC_OK && !back)
        s = lac_md_layout(&p->layout, inner);
    lac_md_drop(&outer);
    p->packed = (lac_md_bytes(inner) + 63) / 64 * 64;
    return s;
}

static void drop(lac_plan *base)
{
    conv_plan *p = (conv_plan *)base;
    drop_bands(p);
    lac_prim_drop(&p->pack);
    free(p);
}

static void from_key(conv_plan *p, const int64_t *k)
{
    lac_conv *c = &p->c;
    *c = (lac_conv){ .n = k[1], .h = k[2], .w = k[3], .c = k[4], .o = k[5], .kh = k[6], .kw = k[7], .groups = k[8],
                     .stride = { k[9], k[10] }, .dilation = { k[11], k[12] }, .pad = { k[13], k[14], k[15], k[16] },
                     .dtype = (lac_dtype)k[17], .direct = k[18] };
    p->pass = (lac_conv_pass)k[19];
    p->dx = (lac_dtype)k[20];
    p->has_bias = k[21];
    p->oh = lac_conv_out_h(c);
    p->ow = lac_conv_out_w(c);
}

static lac_status make(lac_plan **out, const int64_t *key)
{
    conv_plan *p = NULL;
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
        p->block = LAC_MAX(p->block, (size_t)(p->samples * p->band[b].x_rows * p->c.w * p->c.c) * lac_dtype_size(p->dx));
    }
    p->block = (p->block + 63) / 64 * 64;
    *out = &p->base;
    return LAC_OK;
}

static lac_status get(conv_plan **p, const lac_conv *c, lac_conv_pass pass, lac_dtype dx, bool bias)
{
    const int64_t key[LAC_PLAN_KEY] = {
        'c', c->n, c->h, c->w, c->c, c->o, c->kh, c->kw, c->groups, c->stride[0], c->stride[1], c->dilation[0], c->dilation[1],
        c->pad[0], c->pad[1], c->pad[2], c->pad[3], c->dtype, c->direct, pass, pass == LAC_CONV_GRAD_X ? dx : LAC_F32, bias,
    };
    return lac_plan_get((lac_plan **)p, key, make);
}

/* With stride 2 the pixels of gx fall into four phases, each the gradient of a dense convolution of its own with every second tap of the
 * kernel along either axis: gx[2 s + phase - pad] = sum_q gy[s - q] w[2 q + phase]. The library's bf16 kernels for strides reach a
 * third of the speed of the dense ones. */
typedef struct phase { lac_conv c; int64_t first[2], tap[2]; } phase;      /* of gx; of the kernel */

static int64_t phase_axis(const lac_conv *c, int axis, int64_t tap, int64_t *first)
{
    const int64_t size = axis ? c->w : c->h, pad = c->pad[2 * axis], from = (LAC_MAX(pad - tap, 0) + 1) / 2;
    *first = 2 * from + tap - pad;
    return *first < size ? (size - *first + 1) / 2 : 0;
}

static void make_phase(phase *f, const lac_conv *c, int k)
{
    const int64_t out[2] = { lac_conv_out_h(c), lac_conv_out_w(c) };
    int64_t size[2], taps[2];
    f->c = *c;
    for (int axis = 0; axis < 2; axis++) {
        f->tap[axis] = axis ? k % 2 : k / 2;
        size[axis] = phase_axis(c, axis, f->tap[axis], &f->first[axis]);
        taps[axis] = ((axis ? c->kw : c->kh) - f->tap[axis] + 1) / 2;
        f->c.stride[axis] = 1;
        f->c.pad[2 * axis] = (f->first[axis] + c->pad[2 * axis] - f->tap[axis]) / 2;
        f->c.pad[2 * axis + 1] = out[axis] - size[axis] - f->c.pad[2 * axis] + taps[axis] - 1;
    }
    f->c.h = size[0], f->c.w = size[1], f->c.kh = taps[0], f->c.kw = taps[1];
}

/* The four phases of gx; false where the convolution is none of these, or too small to be cut. */
static bool has_phases(phase f[4], const lac_conv *c)
{
    if (c->dtype != LAC_BF16 || c->stride[0] != 2 || c->stride[1] != 2 || c->dilation[0] != 1 || c->dilation[1] != 1 || c->groups != 1)
        return false;
    bool fits = c->kh > 1 && c->kw > 1;
    for (int k = 0; k < 4; k++) {
        make_phase(&f[k], c, k);
        for (int i = 0; i < 4; i++)
            fits = fits && f[k].c.pad[i] >= 0;
        fits = fits && f[k].c.h > 0 && f[k].c.w > 0;
    }
    return fits;
}

static int64_t n_workers(const conv_plan *p) { return LAC_MIN(lac_threads(), p->n_slices); }

/* The workspace: packed weight | per worker: scratch, block | weight gradient: one part (gw, then gb) per slice, the sums
 * in place of the first, and gw once more as it is added. */
static size_t part_bytes(const conv_plan *p) { return p->packed + ((size_t)p->c.o * sizeof(float) + 63) / 64 * 64; }

static size_t workspace_size(const conv_plan *p, bool packed)
{
    size_t size = (size_t)n_workers(p) * (p->scratch + p->block);
    if (p->pass == LAC_CONV_GRAD_W)
        size += part_bytes(p) * (size_t)(p->n_slices + 1);
    else if (!packed)
        size += p->packed;
    return size;
}

/* In front: a phase's taps, dense. */
static size_t taps_bytes(const phase *f)
{
    return ((size_t)(f->c.o * f->c.kh * f->c.kw * f->c.c) * lac_dtype_size(f->c.dtype) + 63) / 64 * 64;
}

static lac_status phases_workspace(const phase f[4], lac_dtype dx, bool packed, size_t *size)
{
    for (int k = 0; k < 4; k++) {
        conv_plan *p;
        LAC_TRY(get(&p, &f[k].c, LAC_CONV_GRAD_X, dx, false));
        *size = LAC_MAX(*size, taps_bytes(&f[k]) + workspace_size(p, packed));
        lac_plan_put(&p->base);
    }
    return LAC_OK;
}

lac_status lac_dnn_conv_workspace(const lac_conv *c, lac_conv_pass pass, lac_dtype dx, bool packed, size_t *size)
{
    lac_wino w;
    *size = 0;
    LAC_TRY(check(c));
    if (lac_wino_fits(&w, c, pass, pass == LAC_CONV_GRAD_X ? dx : c->dtype)) {
        *size = lac_wino_workspace(&w, pass, packed);
        return LAC_OK;
    }
    phase f[4];
    if (pass == LAC_CONV_GRAD_X && has_phases(f, c))
        return phases_workspace(f, dx, packed, size);
    for (int bias = 0; bias < 2; bias++) {      /* with and without are two plans */
        conv_plan *p;
        LAC_TRY(get(&p, c, pass, dx, bias));
        *size = LAC_MAX(*size, workspace_size(p, packed));
        lac_plan_put(&p->base);
        if (pass == LAC_CONV_GRAD_X)
            break;
    }
    return LAC_OK;
}

lac_status lac_dnn_conv_algorithm(const lac_conv *c, lac_conv_pass pass, char *text, size_t size)
{
    conv_plan *p;
    lac_wino w;
    LAC_TRY(check(c));
    if (lac_wino_fits(&w, c, pass, c->dtype)) {
        snprintf(text, size, "Winograd, %lld tiles", (long long)w.n_tiles);
        return LAC_OK;
    }
    phase f[4];
    const bool phases = pass == LAC_CONV_GRAD_X && has_phases(f, c);
    LAC_TRY(get(&p, phases ? &f[0].c : c, pass, c->dtype, pass != LAC_CONV_GRAD_X));
    snprintf(text, size, "%s in %s%lld slices", p->band[0].prim.name, phases ? "four phases of " : "", (long long)p->n_slices);
    lac_plan_put(&p->base);
    return LAC_OK;
}

/* Where a slice's part of x or y begins. */
static void *x_at(const conv_plan *p, const void *x, lac_dtype d, int64_t sample, const band *b)
{
    return (char *)x + ((sample * p->c.h + b->x_from) * p->c.w * p->c.c) * (int64_t)lac_dtype_size(d);
}

static void *y_at(const conv_plan *p, const void *y, int64_t sample, const band *b)
{
    return (char *)y + ((sample * p->oh + b->y_from) * p->ow * p->c.o) * (int64_t)lac_dtype_size(p->c.dtype);
}

/* One call: what a slice does with its own scratch; the first failure is kept. */
typedef struct job {
    const conv_plan *p;
    const void *x, *y, *w;
    const float *bias;
    void *gx;
    bool add;
    char *workers, *parts;
    const phase *phase;             /* gx alone: what the slices are a part of, */
    int64_t whole_h, whole_w;       /* and the size of the whole gx */
} job;
typedef lac_status slice_fn(const job *j, int64_t slice, int64_t sample, const band *b, char *scratch);

static lac_status each_slice(const job *j, slice_fn *f)
{
    const conv_plan *p = j->p;
    lac_status result = LAC_OK;
    char message[256] = "";
    const int workers = (int)n_workers(p);
    #pragma omp parallel for schedule(dynamic, 1) num_threads(workers)
    for (int64_t i = 0; i < p->n_slices; i++) {
        char *scratch = j->workers + (size_t)omp_get_thread_num() * (p->scratch + p->block);
        const lac_status s = f(j, i, i / p->n_bands * p->samples, &p->band[i % p->n_bands], scratch);
        if (s != LAC_OK) {
            #pragma omp critical(lac_dnn_conv_error)
            {
                result = s;
                lac_error_copy(message, sizeof message);
            }
        }
    }
    return result == LAC_OK ? LAC_OK : LAC_FAIL(result, "%s", message);
}

static lac_status forward_slice(const job *j, int64_t slice, int64_t sample, const band *b, char *scratch)
{
    (void)slice;
    const conv_plan *p = j->p;
    const int arg[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS };
    void *const data[] = { x_at(p, j->x, p->c.dtype, sample, b), (void *)j->w, y_at(p, j->y, sample, b), (void *)j->bias };
    return lac_prim_run(&b->prim, p->has_bias ? 4 : 3, arg, data, scratch);
}

static lac_status grad_x_slice(const job *j, int64_t slice, int64_t sample, const band *b, char *scratch)
{
    (void)slice;
    const conv_plan *p = j->p;
    void *gx = x_at(p, j->gx, p->dx, sample, b), *to = j->add ? scratch + p->scratch : gx;
    const int arg[] = { DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC };
    void *const data[] = { y_at(p, j->y, sample, b), (void *)j->w, to };
    LAC_TRY(lac_prim_run(&b->prim, 3, arg, data, scratch));
    if (j->add)
        lac_dnn_kernels_here()->add(gx, to, p->dx, p->samples * b->x_rows * p->c.w * p->c.c);
    return LAC_OK;
}

/* The pixels of a phase from a block of their own to where they belong. */
static void spread(const job *j, int64_t sample, const band *b, const char *from)
{
    const conv_plan *p = j->p;
    const lac_dnn_kernels *kernels = lac_dnn_kernels_here();
    const size_t pixel = (size_t)p->c.c * lac_dtype_size(p->dx);
    for (int64_t n = 0; n < p->samples; n++)
        for (int64_t y = b->x_from; y < b->x_from + b->x_rows; y++) {
            char *to = (char *)j->gx + (size_t)(((sample + n) * j->whole_h + j->phase->first[0] + 2 * y) * j->whole_w + j->phase->first[1]) * pixel;
            for (int64_t x = 0; x < p->c.w; x++, to += 2 * pixel, from += pixel)
                if (j->add)
                    kernels->add(to, from, p->dx, p->c.c);
                else
                    memcpy(to, from, pixel);
        }
}

static lac_status phase_slice(const job *j, int64_t slice, int64_t sample, const band *b, char *scratch)
{
    (void)slice;
    const conv_plan *p = j->p;
    const int arg[] = { DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC };
    void *const data[] = { y_at(p, j->y, sample, b), (void *)j->w, scratch + p->scratch };
    LAC_TRY(lac_prim_run(&b->prim, 3, arg, data, scratch));
    spread(j, sample, b, scratch + p->scratch);
    return LAC_OK;
}

/* oneDNN's bf16 kernels for weight gradients (2.6, AMX) read scratch that they have not written where the kernel is dilated or the
 * map is narrower than it, and what was there comes out. */
static bool reads_scratch_unwritten(const conv_plan *p, const band *b)
{
    const lac_conv *c = &p->c;
    return c->dtype == LAC_BF16 && (c->dilation[0] > 1 || c->dilation[1] > 1 || b->x_rows < c->kh || c->w < c->kw);
}

static lac_status grad_w_slice(const job *j, int64_t slice, int64_t sample, const band *b, char *scratch)
{
    const conv_plan *p = j->p;
    char *part = j->parts + (size_t)slice * part_bytes(p);
    if (reads_scratch_unwritten(p, b))
        memset(scratch, 0, p->scratch);
    const int arg[] = { DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS };
    void *const data[] = { x_at(p, j->x, p->c.dtype, sample, b), y_at(p, j->y, sample, b), part, part + p->packed };
    return lac_prim_run(&b->prim, p->has_bias ? 4 : 3, arg, data, scratch);
}

/* Packs the weight if need be and runs f over the slices. */
static lac_status with_weight(job *j, const lac_dnn_weight *w, char *workspace, slice_fn *f)
{
    const conv_plan *p = j->p;
    LAC_TRY(lac_dnn_reordered(&j->w, w, p->layout, &p->pack, workspace));
    j->workers = workspace + (w->uid ? 0 : p->packed);
    return each_slice(j, f);
}

lac_status lac_dnn_conv_forward(const lac_conv *c, const void *x, const lac_dnn_weight *w, const float *bias, void *y, void *workspace)
{
    conv_plan *p;
    lac_wino wino;
    LAC_TRY(check(c));
    if (lac_wino_fits(&wino, c, LAC_CONV_FORWARD, c->dtype))
        return lac_wino_run(&wino, x, w, bias, y, false, workspace);
    LAC_TRY(get(&p, c, LAC_CONV_FORWARD, c->dtype, bias != NULL));
    job j = { .p = p, .x = x, .y = y, .bias = bias };
    const lac_status s = with_weight(&j, w, workspace, forward_slice);
    lac_plan_put(&p->base);
    return s;
}

typedef struct taps { const conv_plan *p; const phase *f; int64_t kh, kw; char *dense; } taps;

static lac_status pack_taps(const void *context, const void *from, void *to)
{
    const taps *t = context;
    const lac_conv *c = &t->f->c;
    const size_t row = (size_t)c->c * lac_dtype_size(c->dtype);
    LAC_PARALLEL_FOR(k, c->o * c->kh) {
        const int64_t o = k / c->kh, y = t->f->tap[0] + 2 * (k % c->kh);
        for (int64_t i = 0; i < c->kw; i++)
            memcpy(t->dense + (size_t)(k * c->kw + i) * row, (const char *)from + (size_t)((o * t->kh + y) * t->kw + t->f->tap[1] + 2 * i) * row, row);
    }
    return lac_prim_run(&t->p->pack, 2, (int[]){ DNNL_ARG_FROM, DNNL_ARG_TO }, (void *[]){ t->dense, to }, NULL);
}

static lac_status grad_x_phase(const lac_conv *c, const phase *f, const void *gy, const lac_dnn_weight *w, void *gx, lac_dtype dx, bool add, char *workspace)
{
    conv_plan *p;
    LAC_TRY(get(&p, &f->c, LAC_CONV_GRAD_X, dx, false));
    const taps t = { p, f, c->kh, c->kw, workspace };
    const uint64_t layout = (uint64_t)(1 + 2 * f->tap[0] + f->tap[1]) << 48 | p->layout;       /* of those taps alone */
    job j = { .p = p, .y = gy, .gx = gx, .add = add, .phase = f, .whole_h = c->h, .whole_w = c->w };
    workspace += taps_bytes(f);
    lac_status s = lac_dnn_packed(&j.w, w, layout, p->packed, pack_taps, &t, workspace);
    j.workers = workspace + (w->uid ? 0 : p->packed);
    if (s == LAC_OK)
        s = each_slice(&j, phase_slice);
    lac_plan_put(&p->base);
    return s;
}

lac_status lac_dnn_conv_grad_x(const lac_conv *c, const void *gy, const lac_dnn_weight *w, void *gx, lac_dtype dx, bool add, void *workspace)
{
    conv_plan *p;
    lac_wino wino;
    LAC_TRY(check(c));
    if (lac_wino_fits(&wino, c, LAC_CONV_GRAD_X, dx))
        return lac_wino_run(&wino, gy, w, NULL, gx, add, workspace);
    phase f[4];
    if (has_phases(f, c)) {
        for (int k = 0; k < 4; k++)
            LAC_TRY(grad_x_phase(c, &f[k], gy, w, gx, dx, add, workspace));
        return LAC_OK;
    }
    LAC_TRY(get(&p, c, LAC_CONV_GRAD_X, dx, false));
    job j = { .p = p, .y = gy, .gx = gx, .add = add };
    const lac_status s = with_weight(&j, w, workspace, grad_x_slice);
    lac_plan_put(&p->base);
    return s;
}

/* to (+)= the sum of the slices' parts, in slice order. */
static void sum_parts(const conv_plan *p, const char *parts, float *to, int64_t n)
{
    const lac_dnn_kernels *k = lac_dnn_kernels_here();
    LAC_PARALLEL_BLOCKS(b, from, end, n) {
        (void)b;
        k->sum(to + from, (const float *)parts + from, (int64_t)(part_bytes(p) / sizeof(float)), p->n_slices, end - from);
    }
}

static void put(float *to, const float *from, int64_t n, bool add)
{
    if (add)
        lac_dnn_kernels_here()->add(to, from, LAC_F32, n);
    else
        memcpy(to, from, (size_t)n * sizeof *to);
}

static lac_status deliver(const conv_plan *p, char *parts, float *gw, bool add_w, float *gb, bool add_b)
{
    char *sum = parts, *plain = parts + part_bytes(p) * (size_t)p->n_slices;
    if (gw) {
        sum_parts(p, parts, (float *)sum, (int64_t)(p->packed / sizeof(float)));
        LAC_TRY(lac_prim_run(&p->pack, 2, (int[]){ DNNL_ARG_FROM, DNNL_ARG_TO }, (void *[]){ sum, add_w ? plain : (char *)gw }, NULL));
        if (add_w)
            put(gw, (float *)plain, p->c.o * p->c.kh * p->c.kw * (p->c.c / p->c.groups), true);
    }
    if (gb) {
        sum_parts(p, parts + p->packed, (float *)(sum + p->packed), p->c.o);
        put(gb, (float *)(sum + p->packed), p->c.o, add_b);
    }
    return LAC_OK;
}

lac_status lac_dnn_conv_grad_w(const lac_conv *c, const void *x, const void *gy, float *gw, bool add_w, float *gb, bool add_b, void *workspace)
{
    conv_plan *p;
    lac_wino wino;
    LAC_TRY(check(c));
    if (lac_wino_fits(&wino, c, LAC_CONV_GRAD_W, c->dtype))
        return lac_wino_grad_w(&wino, x, gy, gw, add_w, gb, add_b, workspace);
    LAC_TRY(get(&p, c, LAC_CONV_GRAD_W, LAC_F32, gb != NULL));
    job j = { .p = p, .x = x, .y = gy, .workers = workspace };
    j.parts = j.workers + (size_t)n_workers(p) * (p->scratch + p->block);
    lac_status s = each_slice(&j, grad_w_slice);
    if (s == LAC_OK)
        s = deliver(p, j.parts, gw, add_w, gb, add_b);
    lac_plan_put(&p->base);
    return s;
}
