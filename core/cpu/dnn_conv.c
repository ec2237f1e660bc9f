#include "core/cpu/dnn_conv_phases.h"
#include "core/cpu/dnn_conv_plan.h"
#include "core/cpu/dnn_conv_product.h"
#include "core/cpu/dnn_kernels.h"
#include "core/cpu/dnn_winograd.h"

#include "core/threads.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

static lac_status check(const lac_conv *c)
{
    return lac_conv_out_h(c) < 1 || lac_conv_out_w(c) < 1 ? LAC_FAIL(LAC_ERR_SHAPE, "the kernel is larger than the padded map") : LAC_OK;
}

static int64_t n_workers(const lac_conv_plan *p) { return LAC_MIN(lac_threads(), p->n_slices); }

/* The workspace: packed weight | per worker: scratch, block | weight gradient: one part (gw, then gb) per slice, the sums
 * in place of the first, and gw once more as it is added. */
static size_t part_bytes(const lac_conv_plan *p) { return p->packed + ((size_t)p->c.o * sizeof(float) + 63) / 64 * 64; }

static size_t workspace_size(const lac_conv_plan *p, bool packed)
{
    size_t size = (size_t)n_workers(p) * (p->scratch + p->block);
    if (p->pass == LAC_CONV_GRAD_W)
        size += part_bytes(p) * (size_t)(p->n_slices + 1);
    else if (!packed)
        size += p->packed * (size_t)p->parts;
    return size;
}

/* In front: a phase's taps, dense. */
static size_t taps_bytes(const lac_conv_phase *f)
{
    return ((size_t)(f->c.o * f->c.kh * f->c.kw * f->c.c) * lac_dtype_size(f->c.dtype) + 63) / 64 * 64;
}

static lac_status phases_workspace(const lac_conv_phase f[4], lac_dtype dx, bool packed, size_t *size)
{
    for (int k = 0; k < 4; k++) {
        lac_conv_plan *p;
        LAC_TRY(lac_conv_plan_get(&p, &f[k].c, LAC_CONV_GRAD_X, dx, false));
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
    if (pass == LAC_CONV_GRAD_W && lac_conv_is_product(c))
        return lac_conv_product_workspace(c, size);
    if (lac_conv_on_tiles(c, pass))
        return lac_conv_tiles_workspace(c, pass, dx, packed, size);
    lac_conv_phase f[4];
    if (pass == LAC_CONV_GRAD_X && lac_conv_phases(f, c))
        return phases_workspace(f, dx, packed, size);
    for (int bias = 0; bias < 2; bias++) {      /* with and without are two plans */
        lac_conv_plan *p;
        LAC_TRY(lac_conv_plan_get(&p, c, pass, dx, bias));
        *size = LAC_MAX(*size, workspace_size(p, packed));
        lac_plan_put(&p->base);
        if (pass == LAC_CONV_GRAD_X)
            break;
    }
    return LAC_OK;
}

lac_status lac_dnn_conv_algorithm(const lac_conv *c, lac_conv_pass pass, char *text, size_t size)
{
    lac_conv_plan *p;
    lac_wino w;
    LAC_TRY(check(c));
    if (lac_wino_fits(&w, c, pass, c->dtype)) {
        snprintf(text, size, "Winograd, %lld tiles%s", (long long)w.n_tiles, w.line ? " of a line" : w.m == 2 ? " of 2x2" : "");
        return LAC_OK;
    }
    if (pass == LAC_CONV_GRAD_W && lac_conv_is_product(c)) {
        snprintf(text, size, "product over %lld pixels", (long long)(c->n * lac_conv_out_h(c) * lac_conv_out_w(c)));
        return LAC_OK;
    }
    if (lac_conv_on_tiles(c, pass)) {
        snprintf(text, size, "product on tiles");
        return LAC_OK;
    }
    lac_conv_phase f[4];
    const bool phases = pass == LAC_CONV_GRAD_X && lac_conv_phases(f, c);
    LAC_TRY(lac_conv_plan_get(&p, phases ? &f[0].c : c, pass, c->dtype, pass != LAC_CONV_GRAD_X));
    snprintf(text, size, "%s in %s%lld slices", p->band[0].prim.name, phases ? "four phases of " : "", (long long)p->n_slices);
    lac_plan_put(&p->base);
    return LAC_OK;
}

/* Where a slice's part of x or y begins. */
static void *x_at(const lac_conv_plan *p, const void *x, lac_dtype d, int64_t sample, const lac_conv_band *b)
{
    return (char *)x + ((sample * p->c.h + b->x_from) * p->c.w * p->c.c) * (int64_t)lac_dtype_size(d);
}

static void *y_at(const lac_conv_plan *p, const void *y, int64_t sample, const lac_conv_band *b)
{
    return (char *)y + ((sample * p->oh + b->y_from) * p->ow * p->c.o) * (int64_t)lac_dtype_size(p->c.dtype);
}

/* One call: what a slice does with its own scratch; the first failure is kept. */
typedef struct job {
    const lac_conv_plan *p;
    const void *x, *y, *w;
    const void *residual;           /* forward, or NULL */
    const float *bias;
    lac_act_fn act;
    void *gx;
    bool add;
    char *workers, *parts;
    const lac_conv_phase *phase;    /* gx alone: what the slices are a part of, */
    int64_t whole_h, whole_w;       /* and the size of the whole gx */
} job;
typedef lac_status slice_fn(const job *j, int64_t slice, int64_t sample, const lac_conv_band *b, char *scratch);

static int64_t part_of(const job *j, int64_t slice) { return slice % j->p->parts; }
static void *weight_of(const job *j, int64_t slice) { return (char *)j->w + (size_t)part_of(j, slice) * j->p->packed; }

static lac_status each_slice(const job *j, slice_fn *f)
{
    const lac_conv_plan *p = j->p;
    lac_status result = LAC_OK;
    char message[256] = "";
    const int workers = (int)n_workers(p);
    #pragma omp parallel for schedule(dynamic, 1) num_threads(workers)
    for (int64_t i = 0; i < p->n_slices; i++) {
        char *scratch = j->workers + (size_t)omp_get_thread_num() * (p->scratch + p->block);
        const int64_t at = i / p->parts;
        const lac_status s = f(j, i, at / p->n_bands * p->samples, &p->band[at % p->n_bands], scratch);
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

/* Rows of `size` bytes from one tensor to another. */
static void copy_rows(char *to, size_t to_step, const char *from, size_t from_step, int64_t rows, size_t size)
{
    for (int64_t i = 0; i < rows; i++)
        memcpy(to + (size_t)i * to_step, from + (size_t)i * from_step, size);
}

static lac_status forward_slice(const job *j, int64_t slice, int64_t sample, const lac_conv_band *b, char *scratch)
{
    const lac_conv_plan *p = j->p;
    const int64_t pixels = p->samples * b->y_rows * p->ow, first = part_of(j, slice) * p->part.o;
    const size_t e = lac_dtype_size(p->c.dtype), row = (size_t)p->part.o * e, whole = (size_t)p->c.o * e;
    const bool apart = p->parts > 1;
    char *y = (char *)y_at(p, j->y, sample, b) + (size_t)first * e, *to = apart ? scratch + p->scratch : y;
    const int arg[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS };
    void *const data[] = { x_at(p, j->x, p->c.dtype, sample, b), weight_of(j, slice), to, j->bias ? (void *)(j->bias + first) : NULL };
    if (j->residual)
        copy_rows(to, row, (char *)y_at(p, j->residual, sample, b) + (size_t)first * e, whole, pixels, row);
    LAC_TRY(lac_prim_run(&b->prim, p->has_bias ? 4 : 3, arg, data, scratch));
    if (j->act.kind != LAC_ACT_NONE && !p->after.leaky)
        lac_dnn_kernels_here()->activate(to, j->act, p->c.dtype, pixels * p->part.o);
    if (apart)
        copy_rows(y, whole, to, row, pixels, row);
    return LAC_OK;
}

/* n pixels of a part, `step` bytes apart in gx, from a block of their own. */
static void put_pixels(const job *j, char *to, size_t step, const char *from, int64_t n)
{
    const size_t pixel = (size_t)j->p->part.c * lac_dtype_size(j->p->dx);
    if (!j->add)
        copy_rows(to, step, from, pixel, n, pixel);
    else if (step == pixel)
        lac_dnn_kernels_here()->add(to, from, j->p->dx, n * j->p->part.c);
    else
        for (int64_t i = 0; i < n; i++)
            lac_dnn_kernels_here()->add(to + (size_t)i * step, from + (size_t)i * pixel, j->p->dx, j->p->part.c);
}

static lac_status grad_x_slice(const job *j, int64_t slice, int64_t sample, const lac_conv_band *b, char *scratch)
{
    const lac_conv_plan *p = j->p;
    const size_t e = lac_dtype_size(p->dx), pixel = (size_t)p->part.c * e;
    char *gx = (char *)x_at(p, j->gx, p->dx, sample, b) + (size_t)part_of(j, slice) * pixel, *to = j->add || p->parts > 1 ? scratch + p->scratch : gx;
    const int arg[] = { DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC };
    void *const data[] = { y_at(p, j->y, sample, b), weight_of(j, slice), to };
    LAC_TRY(lac_prim_run(&b->prim, 3, arg, data, scratch));
    if (to != gx)
        put_pixels(j, gx, (size_t)p->c.c * e, to, p->samples * b->x_rows * p->c.w);
    return LAC_OK;
}

/* The pixels of a phase from a block of their own to where they belong. */
static void spread(const job *j, int64_t part, int64_t sample, const lac_conv_band *b, const char *from)
{
    const lac_conv_plan *p = j->p;
    const size_t pixel = (size_t)p->part.c * lac_dtype_size(p->dx), whole = pixel * (size_t)p->parts;
    for (int64_t n = 0; n < p->samples; n++)
        for (int64_t y = b->x_from; y < b->x_from + b->x_rows; y++, from += (size_t)p->c.w * pixel) {
            const int64_t at = ((sample + n) * j->whole_h + j->phase->first[0] + 2 * y) * j->whole_w + j->phase->first[1];
            put_pixels(j, (char *)j->gx + (size_t)at * whole + (size_t)part * pixel, 2 * whole, from, p->c.w);
        }
}

static lac_status phase_slice(const job *j, int64_t slice, int64_t sample, const lac_conv_band *b, char *scratch)
{
    const lac_conv_plan *p = j->p;
    const int arg[] = { DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC };
    void *const data[] = { y_at(p, j->y, sample, b), weight_of(j, slice), scratch + p->scratch };
    LAC_TRY(lac_prim_run(&b->prim, 3, arg, data, scratch));
    spread(j, part_of(j, slice), sample, b, scratch + p->scratch);
    return LAC_OK;
}

/* oneDNN's bf16 kernels for weight gradients (2.6, AMX) read scratch that they have not written where the kernel is dilated or the
 * map is narrower than it, and what was there comes out. */
static bool reads_scratch_unwritten(const lac_conv_plan *p, const lac_conv_band *b)
{
    const lac_conv *c = &p->c;
    return c->dtype == LAC_BF16 && (c->dilation[0] > 1 || c->dilation[1] > 1 || b->x_rows < c->kh || c->w < c->kw);
}

static lac_status grad_w_slice(const job *j, int64_t slice, int64_t sample, const lac_conv_band *b, char *scratch)
{
    const lac_conv_plan *p = j->p;
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
    const lac_conv_plan *p = j->p;
    LAC_TRY(lac_dnn_reordered(&j->w, w, p->layout, &p->pack, p->parts, p->step, workspace));
    j->workers = workspace + (w->uid ? 0 : p->packed * (size_t)p->parts);
    return each_slice(j, f);
}

lac_status lac_dnn_conv_forward(const lac_conv *c, const void *x, const lac_dnn_weight *w, const float *bias, const void *residual, void *y, void *workspace)
{
    lac_conv_plan *p;
    lac_wino wino;
    LAC_TRY(check(c));
    if (lac_wino_fits(&wino, c, LAC_CONV_FORWARD, c->dtype))
        return lac_wino_run(&wino, x, w, bias, residual, c->act, y, workspace);
    if (lac_conv_on_tiles(c, LAC_CONV_FORWARD))
        return lac_conv_tiles_forward(c, x, w, bias, residual, y, workspace);
    LAC_TRY(lac_conv_plan_get(&p, c, LAC_CONV_FORWARD, c->dtype, bias != NULL));
    job j = { .p = p, .x = x, .y = y, .bias = bias, .residual = residual, .act = c->act };
    const lac_status s = with_weight(&j, w, workspace, forward_slice);
    lac_plan_put(&p->base);
    return s;
}

typedef struct taps { const lac_conv_plan *p; const lac_conv_phase *f; int64_t kh, kw; char *dense; } taps;

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
    return lac_prim_reorder(&t->p->pack, t->p->parts, t->p->step, t->dense, to);
}

static lac_status grad_x_phase(const lac_conv *c, const lac_conv_phase *f, const void *gy, const lac_dnn_weight *w, void *gx, lac_dtype dx, bool add, char *workspace)
{
    lac_conv_plan *p;
    LAC_TRY(lac_conv_plan_get(&p, &f->c, LAC_CONV_GRAD_X, dx, false));
    const taps t = { p, f, c->kh, c->kw, workspace };
    const uint64_t layout = (uint64_t)(1 + 2 * f->tap[0] + f->tap[1]) << 48 | p->layout;       /* of those taps alone */
    job j = { .p = p, .y = gy, .gx = gx, .add = add, .phase = f, .whole_h = c->h, .whole_w = c->w };
    workspace += taps_bytes(f);
    lac_status s = lac_dnn_packed(&j.w, w, layout, p->packed * (size_t)p->parts, pack_taps, &t, workspace);
    j.workers = workspace + (w->uid ? 0 : p->packed * (size_t)p->parts);
    if (s == LAC_OK)
        s = each_slice(&j, phase_slice);
    lac_plan_put(&p->base);
    return s;
}

lac_status lac_dnn_conv_grad_x(const lac_conv *c, const void *gy, const lac_dnn_weight *w, void *gx, lac_dtype dx, bool add, void *workspace)
{
    lac_conv_plan *p;
    lac_wino wino;
    LAC_TRY(check(c));
    if (lac_wino_fits(&wino, c, LAC_CONV_GRAD_X, dx))
        return lac_wino_run(&wino, gy, w, NULL, add ? gx : NULL, lac_act_of(LAC_ACT_NONE), gx, workspace);
    if (lac_conv_on_tiles(c, LAC_CONV_GRAD_X))
        return lac_conv_tiles_grad_x(c, gy, w, gx, dx, add, workspace);
    lac_conv_phase f[4];
    if (lac_conv_phases(f, c)) {
        for (int k = 0; k < 4; k++)
            LAC_TRY(grad_x_phase(c, &f[k], gy, w, gx, dx, add, workspace));
        return LAC_OK;
    }
    LAC_TRY(lac_conv_plan_get(&p, c, LAC_CONV_GRAD_X, dx, false));
    job j = { .p = p, .y = gy, .gx = gx, .add = add };
    const lac_status s = with_weight(&j, w, workspace, grad_x_slice);
    lac_plan_put(&p->base);
    return s;
}

/* to (+)= the sum of the slices' parts, in slice order. */
static void sum_parts(const lac_conv_plan *p, const char *parts, float *to, int64_t n)
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

static lac_status deliver(const lac_conv_plan *p, char *parts, float *gw, bool add_w, float *gb, bool add_b)
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
    lac_conv_plan *p;
    lac_wino wino;
    LAC_TRY(check(c));
    if (lac_wino_fits(&wino, c, LAC_CONV_GRAD_W, c->dtype))
        return lac_wino_grad_w(&wino, x, gy, gw, add_w, gb, add_b, workspace);
    if (lac_conv_is_product(c))
        return lac_conv_product_grad_w(c, x, gy, gw, add_w, gb, add_b, workspace);
    LAC_TRY(lac_conv_plan_get(&p, c, LAC_CONV_GRAD_W, LAC_F32, gb != NULL));
    job j = { .p = p, .x = x, .y = gy, .workers = workspace };
    j.parts = j.workers + (size_t)n_workers(p) * (p->scratch + p->block);
    lac_status s = each_slice(&j, grad_w_slice);
    if (s == LAC_OK)
        s = deliver(p, j.parts, gw, add_w, gb, add_b);
    lac_plan_put(&p->base);
    return s;
}
