/* The optimizer pass of core/update.h: a block per chunk, everything that changes from step to step read on the device. */
#include "core/cuda/vector.h"

#include "core/cuda/kernel.h"
#include "core/update.h"

/* The last range that starts at or before this chunk; ranges of no elements have none. */
__device__ static inline const lac_update_range *range_of(const lac_update &u, int64_t chunk)
{
    int64_t low = 0, high = u.n_ranges - 1;
    while (low < high) {
        const int64_t middle = (low + high + 1) / 2;
        if (u.range[middle].first_chunk <= chunk)
            low = middle;
        else
            high = middle - 1;
    }
    return &u.range[low];
}

/* Where a chunk begins in its range, and how much of it there is. */
__device__ static inline int64_t chunk_in_range(const lac_update_range &r, int64_t chunk, int64_t *n)
{
    const int64_t from = (chunk - r.first_chunk) * LAC_UPDATE_CHUNK;
    const int64_t left = r.n - from, most = LAC_UPDATE_CHUNK;
    *n = left < most ? left : most;
    return from;
}

/* In double no square of an f32 overflows: the sum is finite if and only if every element is. */
static __global__ void update_measure(lac_update u)
{
    for LAC_EACH_BLOCK(chunk, u.n_chunks) {
        const lac_update_range &r = *range_of(u, chunk);
        int64_t n;
        const float *g = u.grad + chunk_in_range(r, chunk, &n) + r.start;
        double sum = 0;
        for (int64_t i = threadIdx.x; i < n && !r.idle; i += blockDim.x)
            sum += (double)g[i] * (double)g[i];
        sum = lac_block_sum(sum);
        if (threadIdx.x == 0)
            u.partial[chunk] = sum;
    }
}

/* One that is not finite is greater than none. */
__device__ static inline void judge(const lac_update &u, double square)
{
    if (!(square <= 1.7976931348623157e308))
        *u.bad = 1;                     /* groups may write it together, all the same */
}

static __global__ void update_judge(lac_update u)
{
    if (threadIdx.x < LAC_CLIP_GROUPS)
        judge(u, u.state->square[threadIdx.x]);
}

/* A block per clip group. */
static __global__ void update_add_up(lac_update u)
{
    const int group = blockIdx.x;
    double sum = 0;
    for (int64_t chunk = threadIdx.x; chunk < u.n_chunks; chunk += blockDim.x)
        sum += range_of(u, chunk)->clip_group == group ? u.partial[chunk] : 0;
    sum = lac_block_sum(sum);
    if (threadIdx.x > 0)
        return;
    u.state->square[group] = sum;
    judge(u, sum);
}

/* As torch.nn.utils.clip_grad_norm_: 1e-6 keeps the quotient finite. */
__device__ static inline float clip_factor(double square, float limit)
{
    const double factor = limit / (sqrt(square) + 1e-6);
    return limit > 0 && factor < 1 ? (float)factor : 1.0f;
}

struct constants { float clip, pull, shrink, b1, a1, b2, a2, step, root, eps, keep, mix, most; };

__device__ static inline constants constants_of(const lac_update &u, const lac_update_range &r)
{
    const lac_update_scalars &s = *u.scalars;
    constants k;
    k.clip = clip_factor(u.state->square[r.clip_group], s.clip[r.clip_group]);
    k.pull = u.decoupled ? 0.0f : r.decay;
    k.shrink = u.decoupled ? (float)(1 - (double)s.lr * r.lr * r.decay) : 1.0f;
    k.b1 = (float)u.beta1, k.a1 = (float)(1 - u.beta1);
    k.b2 = (float)u.beta2, k.a2 = (float)(1 - u.beta2);
    k.step = s.step * r.lr, k.root = s.root, k.eps = (float)u.eps;
    k.keep = s.keep, k.mix = 1.0f - s.keep;
    k.most = r.bounded ? r.most : lac_from_bits(0x7f800000u);
    return k;
}

/* V elements from `from` of the range. */
template <int V> __device__ static inline void adam(const lac_update &u, const lac_update_range &r, const constants &k, int64_t from)
{
    const int64_t at = r.start + from, own = at - r.skipped;
    float p[V], g[V], m[V], v[V], ema[V];
    lac_load(p, u.master + at);
    if (!r.idle) {
        lac_load(g, u.grad + at);
        lac_load(m, u.m + own);
        lac_load(v, u.v + own);
        for (int i = 0; i < V; i++) {
            const float gi = lac_fma(k.pull, p[i], k.clip * g[i]);
            m[i] = lac_fma(k.b1, m[i], k.a1 * gi);
            v[i] = lac_fma(k.b2, v[i], k.a2 * gi * gi);
            const float free = lac_fma(-k.step, m[i] / lac_fma(lac_sqrt(v[i]), k.root, k.eps), k.shrink * p[i]);
            p[i] = free > k.most ? k.most : free;
        }
        lac_store(u.m + own, m);
        lac_store(u.v + own, v);
        lac_store(u.master + at, p);
        if (r.bf16 != NULL)
            lac_store((lac_bf16 *)r.bf16 + from, p);
    }
    if (u.ema == NULL)
        return;
    lac_load(ema, u.ema + own);
    for (int i = 0; i < V; i++)
        ema[i] = lac_fma(k.keep, ema[i], k.mix * p[i]);
    lac_store(u.ema + own, ema);
}

/* Ranges that start on 16 bytes in every arena go LAC_WIDE elements at a time, the rest of a chunk one by one. */
static __global__ void update_apply(lac_update u, bool wide)
{
    if (*u.bad != 0)
        return;
    for LAC_EACH_BLOCK(chunk, u.n_chunks) {
        const lac_update_range &r = *range_of(u, chunk);
        const constants k = constants_of(u, r);
        int64_t n;
        const int64_t from = chunk_in_range(r, chunk, &n);
        const int64_t packs = wide && r.start % 4 == 0 && r.skipped % 4 == 0 && ((uintptr_t)r.bf16 & 15) == 0 ? n / LAC_WIDE : 0;
        for (int64_t i = threadIdx.x; i < packs; i += blockDim.x)
            adam<LAC_WIDE>(u, r, k, from + i * LAC_WIDE);
        for (int64_t i = packs * LAC_WIDE + threadIdx.x; i < n; i += blockDim.x)
            adam<1>(u, r, k, from + i);
    }
}

/* After all of them have looked at *bad. */
static __global__ void update_count(lac_update u)
{
    if (threadIdx.x == 0 && *u.bad == 0)
        u.state->applied++;
}

extern "C" lac_status lac_cuda_update(const lac_update *u)
{
    const lac_grid chunks = lac_grid_rows(u->n_chunks, LAC_UPDATE_CHUNK);
    if (u->pass & LAC_UPDATE_MEASURE) {
        LAC_TRY(lac_launch(chunks, update_measure, *u));
        LAC_TRY(lac_launch(lac_grid{ LAC_CLIP_GROUPS, LAC_THREADS }, update_add_up, *u));
    }
    if (u->pass & LAC_UPDATE_JUDGE)
        LAC_TRY(lac_launch(lac_grid{ 1, LAC_WARP }, update_judge, *u));
    if (u->pass & LAC_UPDATE_APPLY) {
        LAC_TRY(lac_launch(chunks, update_apply, *u, lac_wide(0, u->master, u->m, u->v, u->ema, u->grad)));
        LAC_TRY(lac_launch(lac_grid{ 1, LAC_WARP }, update_count, *u));
    }
    return LAC_OK;
}
