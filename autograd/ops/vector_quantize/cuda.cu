#include "autograd/ops/vector_quantize/search.h"
#include "core/cuda/kernel.h"
#include "core/cuda/product.h"

constexpr int64_t SCORES = 1 << 24;         /* 64 MB at a time */

struct areas { float *z, *squares, *scores; double *gaps; float *largest; void *product; };

static areas areas_of(const lac_search &s, lac_areas &a)
{
    areas w;
    w.z = a.take<float>(s.block * s.depth * sizeof(float));
    w.squares = a.take<float>(s.codes * sizeof(float));
    w.scores = a.take<float>(s.block * s.codes * sizeof(float));
    w.gaps = a.take<double>(s.rows * sizeof(double));
    w.largest = a.take<float>(sizeof(float));
    w.product = a.take(0);
    return w;
}

extern "C" lac_status vector_quantize_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    const lac_search s = lac_search_of(c, SCORES);
    if (c->backward || s.rows == 0)
        return LAC_OK;
    const int64_t last = s.rows % s.block;
    size_t whole = 0, rest = 0;
    const lac_product most = lac_search_product(&s, s.block), least = lac_search_product(&s, last);
    LAC_TRY(lac_cuda_product_workspace(&most, &whole));
    if (last > 0)
        LAC_TRY(lac_cuda_product_workspace(&least, &rest));
    lac_areas a(NULL);
    areas_of(s, a);
    a.take(LAC_MAX(whole, rest));
    *size = a.size();
    return LAC_OK;
}

static __global__ void vector_quantize_squares(float *__restrict__ squares, const float *__restrict__ e, int64_t codes, int64_t depth)
{
    for LAC_EACH(k, codes) {
        double sum = 0;
        for (int64_t d = 0; d < depth; d++)
            sum += (double)e[k * depth + d] * (double)e[k * depth + d];
        squares[k] = (float)sum;
    }
}

/* The length of the longest code; one block. */
static __global__ void vector_quantize_longest(float *longest, const float *__restrict__ squares, int64_t codes)
{
    float most = 0;
    for (int64_t k = threadIdx.x; k < codes; k += blockDim.x)
        most = squares[k] > most ? squares[k] : most;
    most = lac_block_max(most);
    if (threadIdx.x == 0)
        *longest = lac_sqrt(most);
}

template <typename T> static __global__ void vector_quantize_left(float *__restrict__ to, const T *__restrict__ z, int64_t n)
{
    for LAC_EACH(i, n)
        to[i] = -2 * lac_f32(z[i]);
}

__device__ static inline double distance(const float *z, const float *e, int64_t depth)
{
    double square = 0, product = 0;
    for (int64_t d = 0; d < depth; d++) {
        square += (double)e[d] * (double)e[d];
        product += (double)(-0.5f * z[d]) * (double)e[d];
    }
    return square - 2 * product;
}

/* The code of a row, for all threads of its block; z is times -2. */
__device__ static int64_t nearest(const float *scores, const float *z, const float *e, float longest, int64_t codes, int64_t depth)
{
    float most = -INFINITY, length = 0;
    for (int64_t k = threadIdx.x; k < codes; k += blockDim.x)
        most = -scores[k] > most ? -scores[k] : most;
    most = lac_block_max(most);
    for (int64_t d = 0; d < depth; d++)
        length += 0.25f * (z[d] * z[d]);
    const float limit = -most + lac_search_slack(depth, lac_sqrt(length), longest);
    double best = -INFINITY;
    int64_t at = codes;
    for (int64_t k = threadIdx.x; k < codes; k += blockDim.x)
        if (scores[k] <= limit) {
            const double found = -distance(z, e + k * depth, depth);
            at = found > best ? k : at;
            best = found > best ? found : best;
        }
    const double all = lac_block_max(best);
    const int64_t lowest = -lac_block_max(best == all ? -at : -codes);
    return lowest < codes ? lowest : 0;
}

template <typename T>
static __global__ void vector_quantize_choose(T *__restrict__ quantized, int64_t *__restrict__ index, double *__restrict__ gaps, const float *__restrict__ scores,
                                              const float *__restrict__ z, const float *__restrict__ e, const float *longest, int64_t rows, int64_t codes, int64_t depth)
{
    for LAC_EACH_BLOCK(i, rows) {
        const float *own = z + i * depth;
        const int64_t k = nearest(scores + i * codes, own, e, *longest, codes, depth);
        double sum = 0;
        for (int64_t d = threadIdx.x; d < depth; d += blockDim.x) {
            const double gap = (double)e[k * depth + d] - (double)(-0.5f * own[d]);
            sum += gap * gap;
            lac_store(quantized + i * depth + d, e[k * depth + d]);
        }
        sum = lac_block_sum(sum);
        if (threadIdx.x == 0) {
            index[i] = k;
            gaps[i] = sum;
        }
    }
}

static __global__ void vector_quantize_finish(float *sum, float *count, const double *gaps, int64_t rows, int64_t depth, double weight)
{
    double all = 0;
    for (int64_t i = threadIdx.x; i < rows; i += blockDim.x)
        all += gaps[i];
    all = lac_block_sum(all);
    if (threadIdx.x == 0) {
        *sum = (float)(weight * all);
        *count = (float)(rows * depth);
    }
}

static lac_status search_block(const lac_op_ctx *c, const lac_search &s, const areas &w, int64_t first, int64_t m)
{
    const lac_product p = lac_search_product(&s, m);
    const float *e = lac_data<const float>(c->in[1]);
    return lac_typed([&](auto t) {
        using T = decltype(t);
        LAC_TRY(lac_launch(lac_grid_each(m * s.depth), vector_quantize_left<T>, w.z, lac_data<const T>(c->in[0]) + first * s.depth, m * s.depth));
        LAC_TRY(lac_cuda_product(&p, w.z, e, w.squares, w.scores, w.product));
        return lac_launch(lac_grid_rows(m, s.codes), vector_quantize_choose<T>, lac_data<T>(c->out[0]) + first * s.depth, lac_data<int64_t>(c->out[1]) + first,
                          w.gaps + first, (const float *)w.scores, (const float *)w.z, e, (const float *)w.largest, m, s.codes, s.depth);
    }, c->in[0]->dtype);
}

extern "C" lac_status vector_quantize_forward_cuda(const lac_op_ctx *c)
{
    const lac_vector_quantize_attr *attr = (const lac_vector_quantize_attr *)c->attr;
    const lac_search s = lac_search_of(c, SCORES);
    lac_areas a(c->workspace);
    const areas w = areas_of(s, a);
    if (s.rows > 0) {
        LAC_TRY(lac_launch(lac_grid_each(s.codes), vector_quantize_squares, w.squares, lac_data<const float>(c->in[1]), s.codes, s.depth));
        LAC_TRY(lac_launch(lac_grid{ 1, LAC_THREADS }, vector_quantize_longest, w.largest, (const float *)w.squares, s.codes));
    }
    for (int64_t first = 0; first < s.rows; first += s.block)
        LAC_TRY(search_block(c, s, w, first, s.rows - first < s.block ? s.rows - first : s.block));
    return lac_launch(lac_grid{ 1, LAC_THREADS }, vector_quantize_finish, lac_data<float>(c->out[2]), lac_data<float>(c->out[3]), (const double *)w.gaps, s.rows,
                      s.depth, (double)attr->commitment + (double)attr->codebook);
}

/* g: of the sum, NULL: none; through: of quantized, NULL: none. */
template <typename T, typename GZ, typename GQ>
static __global__ void vector_quantize_grad_z(GZ *__restrict__ gz, const T *__restrict__ z, const float *__restrict__ e, const int64_t *__restrict__ index,
                                              const GQ *__restrict__ through, const float *g, float weight, int64_t n, int64_t depth, bool add)
{
    for LAC_EACH(i, n) {
        const float slope = g ? 2 * *g * weight : 0, v = through ? lac_f32(through[i]) : 0;
        lac_put(gz + i, lac_fma(slope, lac_f32(z[i]) - e[index[i / depth] * depth + i % depth], v), add);
    }
}

/* A thread a code, which looks through all rows in their order; a row is there for the whole block at once. */
template <typename T>
static __global__ void vector_quantize_grad_codes(float *__restrict__ ge, const T *__restrict__ z, const float *__restrict__ e, const int64_t *__restrict__ index,
                                                  const float *g, float weight, int64_t rows, int64_t codes, int64_t depth, bool add)
{
    for LAC_EACH(k, codes) {
        const float slope = g ? 2 * *g * weight : 0;
        for (int64_t d = 0; !add && d < depth; d++)
            ge[k * depth + d] = 0;
        for (int64_t i = 0; slope != 0 && i < rows; i++)
            for (int64_t d = 0; index[i] == k && d < depth; d++)
                ge[k * depth + d] += slope * (e[k * depth + d] - lac_f32(z[i * depth + d]));
    }
}

static lac_status grad_z(const lac_op_ctx *c)
{
    const lac_vector_quantize_attr *attr = (const lac_vector_quantize_attr *)c->attr;
    const lac_tensor *z = c->in[0], *through = c->gout[0], *gz = c->gin[0];
    return lac_typed([&](auto t, auto u, auto v) {
        using T = decltype(t);
        using GZ = decltype(u);
        using GQ = decltype(v);
        return lac_launch(lac_grid_each(lac_numel(z)), vector_quantize_grad_z<T, GZ, GQ>, lac_data<GZ>(gz), lac_data<const T>(z), lac_data<const float>(c->in[1]),
                          lac_data<const int64_t>(c->out[1]), lac_data<const GQ>(through), lac_data<const float>(c->gout[2]), attr->commitment, lac_numel(z),
                          c->in[1]->dim[1], c->add[0]);
    }, z->dtype, gz->dtype, through ? through->dtype : LAC_F32);
}

extern "C" lac_status vector_quantize_backward_cuda(const lac_op_ctx *c)
{
    const lac_vector_quantize_attr *attr = (const lac_vector_quantize_attr *)c->attr;
    const lac_tensor *z = c->in[0], *e = c->in[1];
    if (c->gin[0] != NULL)
        LAC_TRY(grad_z(c));
    if (c->gin[1] == NULL)
        return LAC_OK;
    return lac_typed([&](auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(e->dim[0]), vector_quantize_grad_codes<T>, lac_data<float>(c->gin[1]), lac_data<const T>(z), lac_data<const float>(e),
                          lac_data<const int64_t>(c->out[1]), lac_data<const float>(c->gout[2]), attr->codebook, lac_numel(z) / e->dim[1], e->dim[0],
                          e->dim[1], c->add[1]);
    }, z->dtype);
}
