#include "autograd/ops/resize/formula.h"
#include "core/cuda/kernel.h"

/* One axis. The taps of output j stand at index[j * taps], weight[j * taps]; the outputs that read input i lie in
 * [first[i], end[i]), which backward needs. */
struct axis {
    int64_t in, out, taps;
    int32_t *index, *first, *end;
    float *weight;
};

struct grid { axis h, w; int64_t samples, n; };

static const lac_resize_attr *attr_of(const lac_op_ctx *c) { return (const lac_resize_attr *)c->attr; }

static axis axis_of(const lac_op_ctx *c, int dim, lac_areas *a)
{
    axis x = { c->in[0]->dim[dim], c->out[0]->dim[dim], 0, NULL, NULL, NULL, NULL };
    x.taps = attr_of(c)->mode == LAC_RESIZE_MAX ? 0 : lac_resize_taps(attr_of(c)->mode, x.in, x.out);
    x.index = a->take<int32_t>((size_t)(x.taps * x.out) * sizeof *x.index);
    x.weight = a->take<float>((size_t)(x.taps * x.out) * sizeof *x.weight);
    if (c->backward) {
        x.first = a->take<int32_t>((size_t)x.in * sizeof *x.first);
        x.end = a->take<int32_t>((size_t)x.in * sizeof *x.end);
    }
    return x;
}

static grid grid_of(const lac_op_ctx *c, lac_areas *a)
{
    return grid{ axis_of(c, 1, a), axis_of(c, 2, a), c->in[0]->dim[0], c->in[0]->dim[3] };
}

/* gy folded along the height, [N, H, width, C]. */
static size_t folded_bytes(const lac_op_ctx *c) { return (size_t)(c->in[0]->dim[0] * c->in[0]->dim[1] * c->out[0]->dim[2] * c->in[0]->dim[3]) * sizeof(float); }

extern "C" lac_status resize_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    lac_areas a(NULL);
    grid_of(c, &a);
    if (c->backward)
        a.take(folded_bytes(c));
    *size = a.size();
    return LAC_OK;
}

static __global__ void resize_taps(axis x, lac_resize_mode mode, bool align_corners)
{
    for LAC_EACH(j, x.out)
        lac_resize_axis(x.index + j * x.taps, x.weight + j * x.taps, mode, align_corners, j, x.in, x.out);
}

static __global__ void resize_spans(axis x)
{
    for LAC_EACH(i, x.in) {
        int64_t first = x.out, end = 0;
        for (int64_t at = 0; at < x.out * x.taps; at++)
            if (x.index[at] == i) {
                first = at / x.taps < first ? at / x.taps : first;
                end = at / x.taps + 1;
            }
        x.first[i] = (int32_t)first;
        x.end[i] = (int32_t)end;
    }
}

static lac_status fill(const lac_op_ctx *c, const axis &x)
{
    LAC_TRY(lac_launch(lac_grid_each(x.out), resize_taps, x, attr_of(c)->mode, attr_of(c)->align_corners));
    return c->backward ? lac_launch(lac_grid_each(x.in), resize_spans, x) : LAC_OK;
}

template <int V, typename T> static __global__ void resize_forward(T *__restrict__ y, const T *__restrict__ x, grid g)
{
    const int64_t packs = g.n / V;
    for LAC_EACH(at, g.samples * g.h.out * g.w.out * packs) {
        const int64_t p = at / packs, k = at % packs * V, j = p % g.w.out, i = p / g.w.out % g.h.out, sample = p / g.w.out / g.h.out;
        float sum[V] = { 0 };
        for (int64_t a = i * g.h.taps; a < (i + 1) * g.h.taps; a++) {
            const int64_t row = (sample * g.h.in + g.h.index[a]) * g.w.in;
            float line[V] = { 0 }, v[V];
            for (int64_t b = j * g.w.taps; b < (j + 1) * g.w.taps; b++) {
                lac_load(v, x + (row + g.w.index[b]) * g.n + k);
                for (int l = 0; l < V; l++)
                    line[l] = lac_fma(g.w.weight[b], v[l], line[l]);
            }
            for (int l = 0; l < V; l++)
                sum[l] = lac_fma(g.h.weight[a], line[l], sum[l]);
        }
        lac_store(y + p * g.n + k, sum);
    }
}

template <int V, typename T> static __global__ void resize_maximum(T *__restrict__ y, const T *__restrict__ x, grid g)
{
    const int64_t packs = g.n / V, tall = g.h.in / g.h.out, wide = g.w.in / g.w.out;
    for LAC_EACH(at, g.samples * g.h.out * g.w.out * packs) {
        const int64_t p = at / packs, k = at % packs * V;
        const T *from = x + (p / g.w.out * tall * g.w.in + p % g.w.out * wide) * g.n + k;
        float best[V], v[V];
        lac_load(best, from);
        for (int64_t a = 1; a < tall * wide; a++) {
            lac_load(v, from + (a / wide * g.w.in + a % wide) * g.n);
            for (int l = 0; l < V; l++)
                best[l] = v[l] > best[l] || v[l] != v[l] ? v[l] : best[l];
        }
        lac_store(y + p * g.n + k, best);
    }
}

extern "C" lac_status resize_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->out[0];
    const bool maximum = attr_of(c)->mode == LAC_RESIZE_MAX;
    lac_areas a(c->workspace);
    const grid g = grid_of(c, &a);
    if (!maximum) {
        LAC_TRY(fill(c, g.h));
        LAC_TRY(fill(c, g.w));
    }
    return lac_typed(lac_wide(g.n, x->data, y->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(lac_numel(y) / v), maximum ? resize_maximum<v, T> : resize_forward<v, T>, lac_data<T>(y), lac_data<T>(x), g);
    }, x->dtype);
}

/* Element (sample, i, j, channels) of the folded map: what outputs (., j) read from input row i, in order. */
template <int V, typename GY> static __global__ void resize_fold_height(float *__restrict__ folded, const GY *__restrict__ gy, grid g)
{
    const int64_t packs = g.n / V, row = g.w.out * packs;
    for LAC_EACH(at, g.samples * g.h.in * row) {
        const int64_t i = at / row % g.h.in, sample = at / row / g.h.in, k = at % row * V;
        float sum[V] = { 0 }, v[V];
        for (int64_t a = g.h.first[i] * g.h.taps; a < g.h.end[i] * g.h.taps; a++) {
            if (g.h.index[a] != i)
                continue;
            lac_load(v, gy + (sample * g.h.out + a / g.h.taps) * g.w.out * g.n + k);
            for (int l = 0; l < V; l++)
                sum[l] = lac_fma(g.h.weight[a], v[l], sum[l]);
        }
        lac_store(folded + at * V, sum);
    }
}

template <int V, typename GX> static __global__ void resize_fold_width(GX *__restrict__ gx, const float *__restrict__ folded, grid g, bool add)
{
    const int64_t packs = g.n / V;
    for LAC_EACH(at, g.samples * g.h.in * g.w.in * packs) {
        const int64_t p = at / packs, k = at % packs * V, j = p % g.w.in, row = p / g.w.in;
        float sum[V] = { 0 }, v[V];
        for (int64_t b = g.w.first[j] * g.w.taps; b < g.w.end[j] * g.w.taps; b++) {
            if (g.w.index[b] != j)
                continue;
            lac_load(v, folded + (row * g.w.out + b / g.w.taps) * g.n + k);
            for (int l = 0; l < V; l++)
                sum[l] = lac_fma(g.w.weight[b], v[l], sum[l]);
        }
        lac_put(gx + p * g.n + k, sum, add);
    }
}

extern "C" lac_status resize_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gy = c->gout[0], *gx = c->gin[0];
    lac_areas a(c->workspace);
    const grid g = grid_of(c, &a);
    float *folded = a.take<float>(folded_bytes(c));
    if (gx == NULL)
        return LAC_OK;
    if (attr_of(c)->mode == LAC_RESIZE_MAX)
        return LAC_FAIL(LAC_ERR_STATE, "resize: the block maximum has no gradient");
    LAC_TRY(fill(c, g.h));
    LAC_TRY(fill(c, g.w));
    const int64_t n = g.samples * g.h.in * g.w.out * g.n;
    LAC_TRY(lac_typed(lac_wide(g.n, gy->data), [&](auto v, auto t) {
        using GY = decltype(t);
        return lac_launch(lac_grid_each(n / v), resize_fold_height<v, GY>, folded, lac_data<GY>(gy), g);
    }, gy->dtype));
    return lac_typed(lac_wide(g.n, gx->data), [&](auto v, auto t) {
        using GX = decltype(t);
        return lac_launch(lac_grid_each(lac_numel(gx) / v), resize_fold_width<v, GX>, lac_data<GX>(gx), (const float *)folded, g, c->add[0]);
    }, gx->dtype);
}
