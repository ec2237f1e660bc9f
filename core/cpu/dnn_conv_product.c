#include "core/cpu/dnn_conv_product.h"

#include "core/cpu/amx.h"
#include "core/cpu/dnn_cache.h"
#include "core/cpu/dnn_tiles.h"
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

/* ---- y and gx ---- */

/* The convolution whose y is gx: of gy, with a kernel that is turned around. False where it has none. */
static bool turned_around(lac_conv *t, const lac_conv *c)
{
    const int64_t high = (c->kh - 1) * c->dilation[0], wide = (c->kw - 1) * c->dilation[1];
    *t = lac_conv_sums(c);
    t->h = lac_conv_out_h(c), t->w = lac_conv_out_w(c), t->c = c->o, t->o = c->c;
    t->pad[0] = high - c->pad[0], t->pad[1] = c->h - t->h + high - t->pad[0];
    t->pad[2] = wide - c->pad[2], t->pad[3] = c->w - t->w + wide - t->pad[2];
    return c->stride[0] == 1 && c->stride[1] == 1 && c->o % LAC_AMX_SIDE == 0 && t->pad[0] >= 0 && t->pad[1] >= 0 && t->pad[2] >= 0 && t->pad[3] >= 0;
}

/* What runs in a pass, forward as it is; false where nothing does. */
static bool pass_of(lac_conv *t, const lac_conv *c, lac_conv_pass pass)
{
    *t = *c;
    return pass == LAC_CONV_FORWARD ? c->act.kind == LAC_ACT_NONE : pass == LAC_CONV_GRAD_X && turned_around(t, c);
}

bool lac_conv_on_tiles(const lac_conv *c, lac_conv_pass pass)
{
    lac_conv t;
    return c->dtype == LAC_BF16 && c->groups == 1 && c->o * reads(c) >= 1 << 20 && pass_of(&t, c, pass) && n_pixels(&t) >= 16 && n_pixels(&t) <= 256 && lac_amx_here();
}

/* y [pixels, o] = reads [pixels, kh kw c] times the weight [o, kh kw c] transposed. */
static lac_product values(const lac_conv *c, lac_dtype d, bool bias, bool add)
{
    const int64_t k = reads(c);
    return (lac_product){ .batch = 1, .m = n_pixels(c), .n = c->o, .k = k, .a_row = k, .a_col = 1, .b_row = 1, .b_col = k, .c_row = c->o,
                          .dtype = c->dtype, .c_dtype = d, .bias = bias, .add = add };
}

lac_status lac_conv_tiles_workspace(const lac_conv *c, lac_conv_pass pass, lac_dtype dx, bool packed, size_t *size)
{
    lac_conv t;
    pass_of(&t, c, pass);
    const lac_product p = values(&t, pass == LAC_CONV_GRAD_X ? dx : c->dtype, false, false);
    *size = reads_bytes(&t) + lac_tiles_workspace(&p, packed);
    return LAC_OK;
}

lac_status lac_conv_tiles_forward(const lac_conv *c, const void *x, const lac_dnn_weight *w, const float *bias, const void *residual, void *y, void *workspace)
{
    const lac_product p = values(c, c->dtype, bias != NULL, residual != NULL);
    if (!is_plain(c))
        read_all(c, x, workspace);
    return lac_tiles_matmul(&p, is_plain(c) ? x : workspace, w, bias, residual, y, (char *)workspace + reads_bytes(c));
}

/* The weight [o, kh, kw, c] for gx: rows of (tap from the last on, o), columns of c. */
static lac_status pack_turned(const void *context, const void *from, void *to)
{
    const lac_conv *c = context;
    const int64_t taps = c->kh * c->kw, pixel = c->c;
    LAC_PARALLEL_FOR(i, lac_amx_sides(c->c) * taps) {
        const int64_t panel = i / taps, tap = i % taps, first = panel * LAC_AMX_SIDE;
        lac_amx_pack((uint16_t *)((char *)to + (size_t)i * lac_amx_panel(c->o)), (const uint16_t *)from + (taps - 1 - tap) * pixel + first, taps * pixel, 1, c->o,
                     LAC_MIN(pixel - first, LAC_AMX_SIDE));
    }
    return LAC_OK;
}

lac_status lac_conv_tiles_grad_x(const lac_conv *c, const void *gy, const lac_dnn_weight *w, void *gx, lac_dtype dx, bool add, void *workspace)
{
    lac_conv t;
    turned_around(&t, c);
    const lac_product p = values(&t, dx, false, add);
    const uint64_t layout = (uint64_t)5 << 61 | (uint64_t)p.k << 31 | (uint64_t)p.n;        /* beside those of plain products */
    char *rest = (char *)workspace + reads_bytes(&t);
    const void *packed = NULL;
    LAC_TRY(lac_dnn_packed(&packed, w, layout, lac_tiles_packed(&p), pack_turned, c, rest + lac_tiles_workspace(&p, true)));
    if (!is_plain(&t))
        read_all(&t, gy, workspace);
    lac_tiles_run(&p, is_plain(&t) ? gy : workspace, packed, NULL, NULL, gx, rest);
    return LAC_OK;
}
