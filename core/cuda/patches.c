#include "core/cuda/patches.h"

#include "core/cuda/product.h"
#include "core/cuda/vector.h"

/* Where the parts of a workspace begin: patches | y of one group, dense | w of one group, aligned | the products'. */
typedef struct parts { size_t patches, y, w, product, size; } parts;

static int64_t out_pixels(const lac_conv *c) { return lac_conv_out_h(c) * lac_conv_out_w(c); }
static int64_t depth(const lac_conv *c) { return c->kh * c->kw * (c->c / c->groups); }
static int64_t filters(const lac_conv *c) { return c->o / c->groups; }
static size_t rounded(size_t bytes) { return (bytes + 255) / 256 * 256; }

static lac_product product(const lac_conv *c, lac_conv_pass pass)
{
    const int64_t p = out_pixels(c), k = depth(c), o = filters(c);
    switch (pass) {
    case LAC_CONV_FORWARD:              /* y [p, o] = patches [p, k] times w [o, k] transposed */
        return (lac_product){ .batch = 1, .m = p, .n = o, .k = k, .a_row = k, .a_col = 1, .b_row = 1, .b_col = k, .c_row = o, .dtype = c->dtype,
                              .c_dtype = c->dtype };
    case LAC_CONV_GRAD_X:               /* patches [p, k] = gy [p, o] times w [o, k] */
        return (lac_product){ .batch = 1, .m = p, .n = k, .k = o, .a_row = o, .a_col = 1, .b_row = k, .b_col = 1, .c_row = k, .dtype = c->dtype,
                              .c_dtype = LAC_F32 };
    default:                            /* gw [o, k] += gy [p, o] transposed times patches [p, k] */
        return (lac_product){ .batch = 1, .m = o, .n = k, .k = p, .a_row = 1, .a_col = o, .b_row = k, .b_col = 1, .c_row = k, .dtype = c->dtype,
                              .c_dtype = LAC_F32, .add = true };
    }
}

static lac_status lay_out(const lac_conv *c, lac_conv_pass pass, parts *at)
{
    const size_t e = lac_dtype_size(c->dtype), e_patches = pass == LAC_CONV_GRAD_X ? sizeof(float) : e;
    const size_t e_w = pass == LAC_CONV_GRAD_W ? sizeof(float) : e;
    const lac_product p = product(c, pass);
    size_t library;
    LAC_TRY(lac_cuda_product_workspace(&p, &library));
    at->patches = 0;
    at->y = rounded((size_t)(out_pixels(c) * depth(c)) * e_patches);
    at->w = at->y + rounded((size_t)(out_pixels(c) * filters(c)) * e);
    at->product = at->w + rounded((size_t)(filters(c) * depth(c)) * e_w);
    at->size = at->product + library;
    return LAC_OK;
}

lac_status lac_cuda_patches_workspace(const lac_conv *c, lac_conv_pass pass, size_t *size)
{
    parts at;
    LAC_TRY(lay_out(c, pass, &at));
    *size = at.size;
    return LAC_OK;
}

/* Block n of so many elements each. */
static const char *block(const lac_conv *c, const void *p, int64_t n, int64_t each) { return (const char *)p + n * each * (int64_t)lac_dtype_size(c->dtype); }

static lac_status group_weight(const lac_conv *c, int64_t g, const void *w, char *to)
{
    const int64_t n = filters(c) * depth(c);
    return lac_cuda_copy_columns(to, n, n, block(c, w, g, n), n, n, 1, c->dtype);
}

lac_status lac_cuda_patches_forward(const lac_conv *c, const void *x, const void *w, void *y, void *workspace)
{
    const lac_product p = product(c, LAC_CONV_FORWARD);
    char *base = workspace;
    parts at;
    LAC_TRY(lay_out(c, LAC_CONV_FORWARD, &at));
    for (int64_t g = 0; g < c->groups; g++) {
        LAC_TRY(group_weight(c, g, w, base + at.w));
        for (int64_t n = 0; n < c->n; n++) {
            char *to = (char *)y + ((n * p.m) * c->o + g * p.n) * (int64_t)lac_dtype_size(c->dtype);
            LAC_TRY(lac_cuda_patches(c, g, block(c, x, n, c->h * c->w * c->c), base + at.patches));
            LAC_TRY(lac_cuda_product(&p, base + at.patches, base + at.w, NULL, base + at.y, base + at.product));
            LAC_TRY(lac_cuda_copy_columns(to, c->o, p.n, base + at.y, p.n, p.n, p.m, c->dtype));
        }
    }
    return LAC_OK;
}

/* gy of sample n and group g into dense, aligned memory. */
static lac_status group_of_y(const lac_conv *c, int64_t n, int64_t g, const void *gy, char *to)
{
    const int64_t p = out_pixels(c), o = filters(c);
    const char *from = (const char *)gy + ((n * p) * c->o + g * o) * (int64_t)lac_dtype_size(c->dtype);
    return lac_cuda_copy_columns(to, o, o, from, c->o, o, p, c->dtype);
}

lac_status lac_cuda_patches_grad_x(const lac_conv *c, const void *gy, const void *w, void *gx, lac_dtype dg, bool add, void *workspace)
{
    const lac_product p = product(c, LAC_CONV_GRAD_X);
    char *base = workspace;
    parts at;
    LAC_TRY(lay_out(c, LAC_CONV_GRAD_X, &at));
    for (int64_t g = 0; g < c->groups; g++) {
        LAC_TRY(group_weight(c, g, w, base + at.w));
        for (int64_t n = 0; n < c->n; n++) {
            LAC_TRY(group_of_y(c, n, g, gy, base + at.y));
            LAC_TRY(lac_cuda_product(&p, base + at.y, base + at.w, NULL, base + at.patches, base + at.product));
            LAC_TRY(lac_cuda_unpatch(c, g, (const float *)(base + at.patches), (char *)gx + n * c->h * c->w * c->c * (int64_t)lac_dtype_size(dg), dg, add));
        }
    }
    return LAC_OK;
}

/* One group's f32 sum into its place in gw. */
static lac_status put_weight(const lac_conv *c, int64_t g, const float *sum, void *gw, lac_dtype dg, bool add)
{
    const int64_t n = filters(c) * depth(c);
    lac_tensor from, to;
    lac_tensor_shape(&from, LAC_F32, 1, &n);
    lac_tensor_shape(&to, dg, 1, &n);
    from.data = (void *)sum;
    to.data = (char *)gw + g * n * (int64_t)lac_dtype_size(dg);
    return add ? lac_cuda_add(&to, &from) : lac_cuda_convert(&to, &from);
}

lac_status lac_cuda_patches_grad_w(const lac_conv *c, const void *x, const void *gy, void *gw, lac_dtype dg, bool add, void *workspace)
{
    lac_product p = product(c, LAC_CONV_GRAD_W);
    char *base = workspace;
    parts at;
    LAC_TRY(lay_out(c, LAC_CONV_GRAD_W, &at));
    for (int64_t g = 0; g < c->groups; g++) {
        for (int64_t n = 0; n < c->n; n++) {
            LAC_TRY(group_of_y(c, n, g, gy, base + at.y));
            LAC_TRY(lac_cuda_patches(c, g, block(c, x, n, c->h * c->w * c->c), base + at.patches));
            p.add = n > 0;
            LAC_TRY(lac_cuda_product(&p, base + at.y, base + at.patches, NULL, base + at.w, base + at.product));
        }
        LAC_TRY(put_weight(c, g, (const float *)(base + at.w), gw, dg, add));
    }
    return LAC_OK;
}
