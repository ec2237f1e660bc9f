#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/embedding/ids.h"
#include "core/cuda/kernel.h"

struct places { const void *ids; int64_t n; bool wide; };

static places places_of(const lac_op_ctx *c) { return places{ c->in[1]->data, lac_numel(c->in[1]), c->in[1]->dtype == LAC_I64 }; }

template <int V, typename T>
static __global__ void embedding_forward(T *__restrict__ y, const T *__restrict__ table, places p, int64_t rows, int64_t columns)
{
    const int64_t packs = columns / V;
    for LAC_EACH(i, p.n * packs) {
        const int64_t id = lac_id(p.ids, i / packs, p.wide), j = i % packs * V;
        float v[V];
        if (id >= 0 && id < rows)
            lac_load(v, table + id * columns + j);
        else
            for (int k = 0; k < V; k++)
                v[k] = lac_from_bits(0x7fc00000u);
        lac_store(y + i / packs * columns + j, v);
    }
}

/* A block for each place. That of an id's first place adds up the rows of all its places, in order; the others have nothing to do. */
template <typename GY, typename G>
static __global__ void embedding_backward(G *__restrict__ g, const GY *__restrict__ gy, places p, int64_t rows, int64_t columns, bool add)
{
    for LAC_EACH_BLOCK(first, p.n) {
        const int64_t id = lac_id(p.ids, first, p.wide);
        float met = 0;
        for (int64_t k = threadIdx.x; k < first; k += blockDim.x)
            met = lac_id(p.ids, k, p.wide) == id ? 1.0f : met;
        if (lac_block_max(met) > 0 || id < 0 || id >= rows)
            continue;
        for (int64_t j = threadIdx.x; j < columns; j += blockDim.x) {
            float sum = 0;
            for (int64_t k = first; k < p.n; k++)
                if (lac_id(p.ids, k, p.wide) == id)
                    sum += lac_f32(gy[k * columns + j]);
            lac_put(&g[id * columns + j], sum, add);
        }
    }
}

extern "C" lac_status embedding_workspace_cuda(const lac_op_ctx *c, size_t *size) { return (void)c, (void)size, LAC_OK; }

extern "C" lac_status embedding_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *table = c->in[0], *y = c->out[0];
    const int64_t columns = table->dim[1];
    return lac_typed(lac_wide(columns, table->data, y->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(lac_numel(y) / v), embedding_forward<v, T>, lac_data<T>(y), lac_data<const T>(table), places_of(c), table->dim[0], columns);
    }, table->dtype);
}

extern "C" lac_status embedding_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gy = c->gout[0], *g = c->gin[0];
    const places p = places_of(c);
    if (lac_numel(g) == 0)
        return LAC_OK;
    if (!c->add[0])
        LAC_TRY(c->backend->fill_zero(g->data, lac_bytes(g)));
    return lac_typed([&](auto t, auto u) {
        using GY = decltype(t);
        using G = decltype(u);
        return lac_launch(lac_grid_rows(p.n, LAC_MAX(g->dim[1], p.n)), embedding_backward<GY, G>, lac_data<G>(g), lac_data<const GY>(gy), p, g->dim[0], g->dim[1], c->add[0]);
    }, gy->dtype, g->dtype);
}
