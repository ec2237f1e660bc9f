#include "core/cuda/patches.h"

#include "core/cuda/kernel.h"

/* Sizes of one group as kernels want them. */
struct shape {
    int64_t h, w, c, oh, ow, kh, kw, cg, from;
    int64_t stride[2], dilation[2], top, left;
};

static shape shape_of(const lac_conv *c, int64_t group)
{
    const int64_t cg = c->c / c->groups;
    return shape{ c->h, c->w, c->c, lac_conv_out_h(c), lac_conv_out_w(c), c->kh, c->kw, cg, group * cg, { c->stride[0], c->stride[1] },
                  { c->dilation[0], c->dilation[1] }, c->pad[0], c->pad[2] };
}

template <typename T> __global__ static void make_patches(T *to, const T *x, shape s)
{
    for LAC_EACH(i, s.oh * s.ow * s.kh * s.kw * s.cg) {
        const int64_t ch = i % s.cg, q = i / s.cg, kj = q % s.kw, ki = q / s.kw % s.kh, p = q / (s.kw * s.kh);
        const int64_t row = p / s.ow * s.stride[0] + ki * s.dilation[0] - s.top, col = p % s.ow * s.stride[1] + kj * s.dilation[1] - s.left;
        const bool inside = row >= 0 && row < s.h && col >= 0 && col < s.w;
        lac_store(to + i, inside ? lac_f32(x[(row * s.w + col) * s.c + s.from + ch]) : 0.0f);
    }
}

/* One thread per element of gx adds the patches that read it, in the order of the kernel's positions. */
template <typename T> __global__ static void unpatch(T *gx, const float *patches, shape s, bool add)
{
    for LAC_EACH(i, s.h * s.w * s.cg) {
        const int64_t ch = i % s.cg, col = i / s.cg % s.w, row = i / s.cg / s.w;
        float sum = 0;
        for (int64_t ki = 0; ki < s.kh; ki++)
            for (int64_t kj = 0; kj < s.kw; kj++) {
                const int64_t a = row + s.top - ki * s.dilation[0], b = col + s.left - kj * s.dilation[1];
                const int64_t p = a / s.stride[0], q = b / s.stride[1];
                if (a >= 0 && b >= 0 && a % s.stride[0] == 0 && b % s.stride[1] == 0 && p < s.oh && q < s.ow)
                    sum += patches[((p * s.ow + q) * s.kh * s.kw + ki * s.kw + kj) * s.cg + ch];
            }
        lac_put(gx + (row * s.w + col) * s.c + s.from + ch, sum, add);
    }
}

template <typename T> __global__ static void copy_columns(T *to, int64_t to_row, int64_t width, const T *from, int64_t from_row, int64_t n, int64_t rows)
{
    for LAC_EACH(i, rows * width) {
        const int64_t r = i / width, j = i % width;
        lac_store(to + r * to_row + j, j < n ? lac_f32(from[r * from_row + j]) : 0.0f);
    }
}

template <int V, typename T> __global__ static void finish(T *y, const float *bias, const T *residual, lac_act_fn act, int64_t n, int64_t columns)
{
    for LAC_EACH(i, n / V) {
        float v[V], b[V] = {}, r[V] = {};
        lac_load(v, y + i * V);
        if (bias != NULL)
            lac_load(b, bias + i * V % columns);
        if (residual != NULL)
            lac_load(r, residual + i * V);
        for (int k = 0; k < V; k++)
            v[k] = lac_act_value(act, v[k] + b[k] + r[k]);
        lac_store(y + i * V, v);
    }
}

lac_status lac_cuda_patches(const lac_conv *c, int64_t group, const void *x, void *patches)
{
    const shape s = shape_of(c, group);
    return lac_typed([&](auto t) {
        return lac_launch(lac_grid_each(s.oh * s.ow * s.kh * s.kw * s.cg), make_patches<decltype(t)>, (decltype(t) *)patches, (const decltype(t) *)x, s);
    }, c->dtype);
}

lac_status lac_cuda_unpatch(const lac_conv *c, int64_t group, const float *patches, void *gx, lac_dtype dg, bool add)
{
    const shape s = shape_of(c, group);
    return lac_typed([&](auto t) {
        return lac_launch(lac_grid_each(s.h * s.w * s.cg), unpatch<decltype(t)>, (decltype(t) *)gx, patches, s, add);
    }, dg);
}

lac_status lac_cuda_copy_columns(void *to, int64_t to_row, int64_t width, const void *from, int64_t from_row, int64_t n, int64_t rows, lac_dtype d)
{
    return lac_typed([&](auto t) {
        return lac_launch(lac_grid_each(rows * width), copy_columns<decltype(t)>, (decltype(t) *)to, to_row, width, (const decltype(t) *)from,
                          from_row, n, rows);
    }, d);
}

lac_status lac_cuda_conv_finish(void *y, lac_dtype d, const float *bias, const void *residual, lac_act_fn act, int64_t rows, int64_t columns)
{
    return lac_typed(lac_wide(columns, y, bias, residual), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(rows * columns / v), finish<v, T>, (T *)y, bias, (const T *)residual, act, rows * columns, columns);
    }, d);
}
