#include "autograd/ops/concat/concat.h"
#include "core/cuda/kernel.h"

/* y as `rows` rows; an input fills columns [at, at + n) of each. The batch axis is one row. */
struct part { int64_t rows, n, at, wide; };

static part part_of(const lac_op_ctx *c, int i)
{
    const lac_tensor *y = c->out[0];
    const bool batch = ((const lac_concat_attr *)c->attr)->axis == LAC_CONCAT_BATCH;
    part p = { 0, 0, 0, batch ? lac_numel(y) : y->dim[y->ndim - 1] };
    p.rows = p.wide ? lac_numel(y) / p.wide : 0;
    for (int k = 0; k <= i; k++) {
        p.at += p.n;
        p.n = p.rows ? lac_numel(c->in[k]) / p.rows : 0;
    }
    return p;
}

/* An input into its columns of y, or (back) those of gy into a gradient. */
template <int V, typename T, typename F> static __global__ void concat_copy(T *__restrict__ to, const F *__restrict__ from, part p, bool back, bool add)
{
    const int64_t packs = p.n / V;
    for LAC_EACH(i, p.rows * packs) {
        const int64_t k = i % packs * V, narrow = i / packs * p.n + k, wide = i / packs * p.wide + p.at + k;
        float v[V];
        lac_load(v, from + (back ? wide : narrow));
        lac_put(to + (back ? narrow : wide), v, add);
    }
}

static lac_status copy(const part &p, lac_tensor *to, const lac_tensor *from, bool back, bool add)
{
    const bool wide = p.at % LAC_WIDE == 0 && (p.rows == 1 || p.wide % LAC_WIDE == 0) && lac_wide(p.n, to->data, from->data);
    return lac_typed(wide, [&](auto v, auto t, auto u) {
        using T = decltype(t);
        using F = decltype(u);
        return lac_launch(lac_grid_each(p.rows * p.n / v), concat_copy<v, T, F>, lac_data<T>(to), lac_data<F>(from), p, back, add);
    }, to->dtype, from->dtype);
}

extern "C" lac_status concat_forward_cuda(const lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++)
        LAC_TRY(copy(part_of(c, i), c->out[0], c->in[i], false, false));
    return LAC_OK;
}

extern "C" lac_status concat_backward_cuda(const lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++)
        if (c->gin[i] != NULL)
            LAC_TRY(copy(part_of(c, i), c->gin[i], c->gout[0], true, c->add[i]));
    return LAC_OK;
}
