#include "autograd/ops/lpips_distance/formula.h"
#include "autograd/ops/lpips_distance/lpips_distance.h"
#include "core/cuda/kernel.h"

constexpr int WARPS = LAC_THREADS / LAC_WARP;

struct extent { int64_t samples, pixels, n, parts; };

static extent extent_of(const lac_op_ctx *c)
{
    const lac_tensor *a = c->in[0];
    const int64_t pixels = a->dim[1] * a->dim[2], parts = pixels / (8 * WARPS) + 1;
    return extent{ a->dim[0], pixels, a->dim[3], parts < 64 ? parts : 64 };
}

extern "C" lac_status lpips_distance_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    const extent e = extent_of(c);
    *size = c->backward ? 0 : (size_t)(e.samples * e.parts) * sizeof(double);
    return LAC_OK;
}

/* What a warp knows of a pixel's vector: the same in all of its lanes. */
template <typename T> __device__ static inline float square_of(const T *x, int64_t n)
{
    float s = 0;
    for (int64_t k = threadIdx.x % LAC_WARP; k < n; k += LAC_WARP)
        s = lac_fma(lac_f32(x[k]), lac_f32(x[k]), s);
    return lac_warp_all<lac_sum>(s);
}

/* A block a part of a sample's pixels, a warp a pixel of it. */
template <typename T>
static __global__ void lpips_distance_partial(double *__restrict__ partial, float *__restrict__ map, const T *__restrict__ a, const T *__restrict__ b, const float *__restrict__ w, extent e)
{
    const int lane = threadIdx.x % LAC_WARP, warp = threadIdx.x / LAC_WARP;
    for LAC_EACH_BLOCK(at, e.samples * e.parts) {
        const int64_t sample = at / e.parts, part = at % e.parts, from = e.pixels * part / e.parts, to = e.pixels * (part + 1) / e.parts;
        double sum = 0;
        for (int64_t p = from + warp; p < to; p += WARPS) {
            const T *pa = a + (sample * e.pixels + p) * e.n, *pb = b + (sample * e.pixels + p) * e.n;
            const float sa = lpips_scale(square_of(pa, e.n)), sb = lpips_scale(square_of(pb, e.n));
            float s = 0;
            for (int64_t k = lane; k < e.n; k += LAC_WARP) {
                const float apart = lac_f32(pa[k]) * sa - lac_f32(pb[k]) * sb;
                s = lac_fma(w[k] * apart, apart, s);
            }
            sum += (double)s;
            s = lac_warp_all<lac_sum>(s);
            if (lane == 0)
                map[sample * e.pixels + p] = s;
        }
        sum = lac_block_sum(sum);
        if (threadIdx.x == 0)
            partial[at] = sum;
    }
}

static __global__ void lpips_distance_finish(float *__restrict__ y, const double *__restrict__ partial, const float *__restrict__ before, extent e)
{
    for LAC_EACH(n, e.samples) {
        double sum = 0;
        for (int64_t i = 0; i < e.parts; i++)
            sum += partial[n * e.parts + i];
        y[n] = (float)((before != NULL ? (double)before[n] : 0.0) + sum / (double)e.pixels);
    }
}

extern "C" lac_status lpips_distance_forward_cuda(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    double *partial = (double *)c->workspace;
    LAC_TRY(lac_typed([&](auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_rows(e.samples * e.parts, LAC_THREADS), lpips_distance_partial<T>, partial, lac_data<float>(c->out[1]),
                          lac_data<const T>(c->in[0]), lac_data<const T>(c->in[1]), lac_data<const float>(c->in[2]), e);
    }, c->in[0]->dtype));
    return lac_launch(lac_grid_each(e.samples), lpips_distance_finish, lac_data<float>(c->out[0]), (const double *)partial,
                      lac_data<const float>(c->in[3]), e);
}

/* Gradients of y and of the map, each perhaps none. */
template <typename GY, typename GM> struct upstream {
    const GY *y;
    const GM *map;

    __device__ float mean(int64_t sample) const { return y != NULL ? lac_f32(y[sample]) : 0.0f; }
    __device__ float pixel(int64_t p, int64_t pixels) const { return mean(p / pixels) / (float)pixels + (map != NULL ? lac_f32(map[p]) : 0.0f); }
};

template <typename F> static lac_status with_upstream(const lac_op_ctx *c, F f)
{
    const lac_tensor *y = c->gout[0], *map = c->gout[1];
    return lac_typed([&](auto t, auto u) {
        using GY = decltype(t);
        using GM = decltype(u);
        return f(upstream<GY, GM>{ lac_data<const GY>(y), lac_data<const GM>(map) });
    }, y != NULL ? y->dtype : LAC_F32, map != NULL ? map->dtype : LAC_F32);
}

/* A warp a pixel of x, whose gradient is wanted; y is the other. */
template <typename T, typename UP, typename GX>
static __global__ void lpips_distance_backward(GX *__restrict__ gx, UP up, const T *__restrict__ x, const T *__restrict__ y,
                                               const float *__restrict__ w, extent e, bool add)
{
    const int lane = threadIdx.x % LAC_WARP;
    for LAC_EACH(i, e.samples * e.pixels * LAC_WARP) {
        const int64_t p = i / LAC_WARP, at = p * e.n;
        const float g = up.pixel(p, e.pixels);
        const float square = square_of(x + at, e.n), sx = lpips_scale(square), sy = lpips_scale(square_of(y + at, e.n));
        float dot = 0;
        for (int64_t k = lane; k < e.n; k += LAC_WARP) {
            const float v = lac_f32(x[at + k]);
            dot = lac_fma(v * w[k], v * sx - lac_f32(y[at + k]) * sy, dot);
        }
        dot = lac_warp_all<lac_sum>(dot);
        const float along = lpips_along(square, 2 * g * dot), scale = lpips_slope_scale(square);
        for (int64_t k = lane; k < e.n; k += LAC_WARP) {
            const float v = lac_f32(x[at + k]), gu = 2 * g * w[k] * (v * sx - lac_f32(y[at + k]) * sy);
            lac_put(gx + at + k, lac_fma(scale, gu, along * v), add);
        }
    }
}

template <typename UP> static __global__ void lpips_distance_before(float *__restrict__ to, UP up, int64_t samples, bool add)
{
    for LAC_EACH(n, samples)
        lac_put(to + n, up.mean(n), add);
}

static lac_status gradient_of(const lac_op_ctx *c, const extent &e, int which)
{
    if (c->gin[which] == NULL)
        return LAC_OK;
    return with_upstream(c, [&](auto up) {
        return lac_typed([&](auto t, auto u) {
            using T = decltype(t);
            using GX = decltype(u);
            return lac_launch(lac_grid_each(e.samples * e.pixels * LAC_WARP), lpips_distance_backward<T, decltype(up), GX>, lac_data<GX>(c->gin[which]), up,
                              lac_data<const T>(c->in[which]), lac_data<const T>(c->in[1 - which]), lac_data<const float>(c->in[2]), e, c->add[which]);
        }, c->in[0]->dtype, c->gin[which]->dtype);
    });
}

extern "C" lac_status lpips_distance_backward_cuda(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    LAC_TRY(gradient_of(c, e, 0));
    LAC_TRY(gradient_of(c, e, 1));
    if (c->gin[3] == NULL)
        return LAC_OK;
    return with_upstream(c, [&](auto up) {
        return lac_launch(lac_grid_each(e.samples), lpips_distance_before<decltype(up)>, lac_data<float>(c->gin[3]), up, e.samples, c->add[3]);
    });
}
