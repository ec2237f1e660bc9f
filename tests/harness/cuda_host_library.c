/* The library calls of the CUDA backend (core/cuda/product.h, conv.h) as plain loops in double, for kernels run on the host. */
#include "core/cuda/attention.h"
#include "core/cuda/conv.h"
#include "core/cuda/patches.h"
#include "core/cuda/product.h"
#include "core/memory.h"
#include "tests/harness/cuda_host_queue.h"

#include <stdlib.h>
#include <string.h>

static double load(const void *p, int64_t i, lac_dtype d)
{
    return d == LAC_F32 ? ((const float *)p)[i] : lac_bf16_to_f32(((const uint16_t *)p)[i]);
}

static void put(void *p, int64_t i, lac_dtype d, double v, bool add)
{
    const float f = (float)(add ? load(p, i, d) + v : v);
    if (d == LAC_F32)
        ((float *)p)[i] = f;
    else
        ((uint16_t *)p)[i] = lac_f32_to_bf16(f);
}

/* Some bytes, so that a caller that asks for none, or gives others away, is found out: the calls write them. */
enum { WORKSPACE = 512 };

lac_status lac_cuda_product_workspace(const lac_product *p, size_t *size)
{
    *size = p->k > 0 ? WORKSPACE : 0;
    return LAC_OK;
}

static void spoil(void *args) { memset(*(void **)args, 0xff, WORKSPACE); }

static lac_status use(void *workspace, bool wanted)
{
    if (wanted && ((uintptr_t)workspace & 255) != 0)
        return LAC_FAIL(LAC_ERR_ARG, "the workspace %p is not on 256 bytes", workspace);
    if (wanted)
        lac_cuda_host_call(spoil, &workspace, sizeof workspace);
    return LAC_OK;
}

typedef struct product_call { lac_product p; const void *a, *b; const float *bias; const void *onto; void *c; } product_call;

static void product(void *args)
{
    const product_call *call = args;
    const lac_product *p = &call->p;
    const void *a = call->a, *b = call->b;
    for (int64_t s = 0; s < p->batch; s++)
        for (int64_t i = 0; i < p->m; i++)
            for (int64_t j = 0; j < p->n; j++) {
                const int64_t at = s * p->c_batch + i * p->c_row + j;
                double sum = (p->bias ? call->bias[j] : 0) + (call->onto != NULL && p->add ? load(call->onto, at, p->c_dtype) : 0);
                for (int64_t k = 0; k < p->k; k++)
                    sum += load(a, s * p->a_batch + i * p->a_row + k * p->a_col, p->dtype) * load(b, s * p->b_batch + k * p->b_row + j * p->b_col, p->dtype);
                put(call->c, at, p->c_dtype, sum, p->add && call->onto == NULL);
            }
}

lac_status lac_cuda_product(const lac_product *p, const void *a, const void *b, const float *bias, void *c, void *workspace)
{
    return lac_cuda_product_onto(p, a, b, bias, NULL, c, workspace);
}

lac_status lac_cuda_product_onto(const lac_product *p, const void *a, const void *b, const float *bias, const void *onto, void *c, void *workspace)
{
    const product_call call = { *p, a, b, bias, onto, c };
    LAC_TRY(use(workspace, p->k > 0));
    lac_cuda_host_call(product, &call, sizeof call);
    return LAC_OK;
}

/* Not offered: the op's own kernels are what is tested. */
lac_status lac_cuda_attention_workspace(const lac_cuda_attention *a, bool *offered, size_t *size)
{
    (void)a;
    *offered = false;
    *size = 0;
    return LAC_OK;
}

lac_status lac_cuda_attention_forward(const lac_cuda_attention *a, const void *q, const void *k, const void *v, void *y, float *lse, float scale, void *workspace)
{
    (void)a, (void)q, (void)k, (void)v, (void)y, (void)lse, (void)scale, (void)workspace;
    return LAC_FAIL(LAC_ERR_STATE, "fused attention was not offered");
}

lac_status lac_cuda_conv_workspace(const lac_conv *c, lac_conv_pass pass, lac_dtype dg, size_t *size)
{
    (void)c, (void)pass, (void)dg;
    *size = WORKSPACE;
    return LAC_OK;
}

/* One product of the convolution: elements of x, weight and y that meet. */
typedef struct meeting { int64_t x, w, y; } meeting;

/* Calls f for every meeting, sums in the order of y, then of the weight. */
static void each(const lac_conv *c, void f(void *context, meeting m), void *context)
{
    const int64_t h = lac_conv_out_h(c), w = lac_conv_out_w(c), in = c->c / c->groups, out = c->o / c->groups;
    for (int64_t y = 0; y < c->n * h * w * c->o; y++)
        for (int64_t k = 0; k < c->kh * c->kw * in; k++) {
            const int64_t o = y % c->o, q = y / c->o % w, p = y / c->o / w % h, n = y / c->o / w / h;
            const int64_t i = p * c->stride[0] + k / in / c->kw * c->dilation[0] - c->pad[0], j = q * c->stride[1] + k / in % c->kw * c->dilation[1] - c->pad[2];
            if (i >= 0 && i < c->h && j >= 0 && j < c->w)
                f(context, (meeting){ ((n * c->h + i) * c->w + j) * c->c + o / out * in + k % in, o * c->kh * c->kw * in + k, y });
        }
}

typedef struct sums { const void *a, *b; double *to; lac_dtype dtype; } sums;

static void into_y(void *context, meeting m)
{
    const sums *s = context;
    s->to[m.y] += load(s->a, m.x, s->dtype) * load(s->b, m.w, s->dtype);
}

static void into_x(void *context, meeting m)
{
    const sums *s = context;
    s->to[m.x] += load(s->a, m.y, s->dtype) * load(s->b, m.w, s->dtype);
}

static void into_w(void *context, meeting m)
{
    const sums *s = context;
    s->to[m.w] += load(s->a, m.y, s->dtype) * load(s->b, m.x, s->dtype);
}

typedef struct conv_call { lac_conv c; void (*f)(void *, meeting); const void *a, *b; void *to; lac_dtype dtype; int64_t n; bool add; } conv_call;

/* Everything in double, then stored. */
static void conv(void *args)
{
    const conv_call *k = args;
    double *sum = calloc((size_t)k->n + 1, sizeof *sum);
    each(&k->c, k->f, &(sums){ k->a, k->b, sum, k->c.dtype });
    for (int64_t i = 0; i < k->n; i++)
        put(k->to, i, k->dtype, sum[i], k->add);
    free(sum);
}

static lac_status run(conv_call k)
{
    lac_cuda_host_call(conv, &k, sizeof k);
    return LAC_OK;
}

static int64_t pixels(const lac_conv *c) { return c->n * lac_conv_out_h(c) * lac_conv_out_w(c); }

lac_status lac_cuda_conv_forward(const lac_conv *c, const void *x, const void *w, const float *bias, const void *residual, void *y, void *workspace)
{
    LAC_TRY(use(workspace, true));
    LAC_TRY(run((conv_call){ *c, into_y, x, w, y, c->dtype, pixels(c) * c->o, false }));
    return lac_cuda_conv_finish(y, c->dtype, bias, residual, c->act, pixels(c), c->o);
}

lac_status lac_cuda_conv_grad_x(const lac_conv *c, const void *gy, const void *w, void *gx, lac_dtype dg, bool add, void *workspace)
{
    LAC_TRY(use(workspace, true));
    return run((conv_call){ *c, into_x, gy, w, gx, dg, c->n * c->h * c->w * c->c, add });
}

static void bias_gradient(void *args)
{
    const conv_call *k = args;
    for (int64_t o = 0; o < k->c.o; o++) {
        double sum = 0;
        for (int64_t p = 0; p < pixels(&k->c); p++)
            sum += load(k->a, p * k->c.o + o, k->c.dtype);
        put(k->to, o, LAC_F32, sum, k->add);
    }
}

lac_status lac_cuda_conv_grad_w(const lac_conv *c, const void *x, const void *gy, void *gw, lac_dtype dg, bool add_w, float *gb, bool add_b, void *workspace)
{
    const conv_call bias = { .c = *c, .a = gy, .to = gb, .add = add_b };
    LAC_TRY(use(workspace, true));
    if (gb != NULL)
        lac_cuda_host_call(bias_gradient, &bias, sizeof bias);
    return gw == NULL ? LAC_OK : run((conv_call){ *c, into_w, gy, x, gw, dg, c->o * c->kh * c->kw * c->c / c->groups, add_w });
}
