#include "core/cpu/dnn_conv_product.h"

#include "core/threads.h"

#include <string.h>

static int64_t n_pixels(const lac_conv *c) { return c->n * lac_conv_out_h(c) * lac_conv_out_w(c); }
static int64_t reads(const lac_conv *c) { return c->kh * c->kw * c->c; }

bool lac_conv_is_product(const lac_conv *c)
{
    return c->groups == 1 && n_pixels(c) <= (c->dtype == LAC_BF16 ? 1024 : 256) && c->o * reads(c) >= 1 << 20;
}

/* x is itself what its pixels read. */
static bool is_plain(const lac_conv *c)
{
    return c->kh == 1 && c->kw == 1 && c->stride[0] == 1 && c->stride[1] == 1 && c->pad[0] + c->pad[1] + c->pad[2] + c->pad[3] == 0;
}

static size_t reads_bytes(const lac_conv *c)
{
    return is_plain(c) ? 0 : ((size_t)(n_pixels(c) * reads(c)) * lac_dtype_size(c->dtype) + 63) / 64 * 64;
}

static lac_product product(const lac_conv *c, bool add)
{
    const int64_t n = reads(c);
    return (lac_product){ .batch = 1, .m = c->o, .n = n, .k = n_pixels(c), .a_row = 1, .a_col = c->o, .b_row = n, .b_col = 1, .c_row = n,
                          .dtype = c->dtype, .c_dtype = LAC_F32, .add = add };
}

lac_status lac_conv_product_workspace(const lac_conv *c, size_t *size)
{
    *size = 0;
    for (int add = 0; add < 2; add++) {
        const lac_product p = product(c, add);
        size_t one;
        LAC_TRY(lac_dnn_matmul_workspace(&p, false, &one));
        *size = LAC_MAX(*size, one);
    }
    *size += reads_bytes(c);
    return LAC_OK;
}

/* What row `ky` of the kernel reads for a row of y; zeros beside the map. */
static void read_row(const lac_conv *c, const char *x, char *to, int64_t sample, int64_t oy, int64_t ky)
{
    const size_t pixel = (size_t)c->c * lac_dtype_size(c->dtype), step = (size_t)(c->kh * c->kw) * pixel;
    const int64_t y = oy * c->stride[0] - c->pad[0] + ky * c->dilation[0], ow = lac_conv_out_w(c);
    for (int64_t ox = 0; ox < ow; ox++, to += step)
        for (int64_t kx = 0; kx < c->kw; kx++) {
            const int64_t at = ox * c->stride[1] - c->pad[2] + kx * c->dilation[1];
            if (y < 0 || y >= c->h || at < 0 || at >= c->w)
                memset(to + (size_t)kx * pixel, 0, pixel);
            else
                memcpy(to + (size_t)kx * pixel, x + (size_t)((sample * c->h + y) * c->w + at) * pixel, pixel);
        }
}

static void read_all(const lac_conv *c, const char *x, char *to)
{
    const int64_t oh = lac_conv_out_h(c), ow = lac_conv_out_w(c), rows = c->n * oh;
    const size_t row = (size_t)(c->kw * c->c) * lac_dtype_size(c->dtype);
    LAC_PARALLEL_FOR(i, rows * c->kh) {
        const int64_t r = i / c->kh, ky = i % c->kh;
        read_row(c, x, to + (size_t)(r * ow * c->kh + ky) * row, r / oh, r % oh, ky);
    }
}

lac_status lac_conv_product_grad_w(const lac_conv *c, const void *x, const void *gy, float *gw, bool add_w, float *gb, bool add_b, void *workspace)
{
    if (gw) {
        const lac_product p = product(c, add_w);
        if (!is_plain(c))
            read_all(c, x, workspace);
        const lac_dnn_weight b = { .data = is_plain(c) ? x : workspace };
        LAC_TRY(lac_dnn_matmul(&p, gy, &b, NULL, gw, (char *)workspace + reads_bytes(c)));
    }
    if (gb)
        lac_dnn_column_sums(gy, c->dtype, n_pixels(c), c->o, gb, add_b);
    return LAC_OK;
}
