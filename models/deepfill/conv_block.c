#include "models/deepfill/conv_block.h"

#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/gate/gate.h"
#include "autograd/ops/resize/resize.h"

#include <string.h>

lac_status lac_conv_block_init(lac_conv_block *b, lac_params *ps, const char *name, int64_t in, int64_t filters)
{
    LAC_TRY(lac_params_name(ps, &b->name, name));
    b->out = b->kind == LAC_BLOCK_GATED ? filters / 2 : filters;
    LAC_TRY(lac_param_new(ps, &b->weight, LAC_ROLE_CONV, 4, (int64_t[]){ filters, b->k, b->k, in }, LAC_INIT_XAVIER, 0, "%s.weight", name));
    return lac_param_new(ps, &b->bias, LAC_ROLE_BIAS, 1, &filters, LAC_INIT_ZERO, 0, "%s.bias", name);
}

void lac_mode_padding(lac_padding_mode mode, int64_t h, int64_t w, int k, int stride, int dilation, int64_t pad[4])
{
    if (mode == LAC_MODE_TF) {
        lac_same_padding(h, k, stride, dilation, &pad[0], &pad[1]);
        lac_same_padding(w, k, stride, dilation, &pad[2], &pad[3]);
    } else {
        pad[0] = pad[1] = pad[2] = pad[3] = (int64_t)dilation * (k - 1) / 2;
    }
}

static lac_tensor *convolve(lac_tape *t, const lac_conv_block *b, lac_tensor *x)
{
    lac_conv2d_attr a = { .stride = { b->stride, b->stride }, .dilation = { b->dilation, b->dilation }, .groups = 1 };
    lac_mode_padding(b->mode, x->dim[1], x->dim[2], b->k, b->stride, b->dilation, a.pad);
    return lac_conv2d(t, x, b->weight->value, b->bias->value, NULL, &a);
}

static lac_tensor *replicate(lac_tape *t, lac_tensor *x, int factor)
{
    return x == NULL || factor == 1 ? x : lac_resize(t, x, &(lac_resize_attr){ .height = x->dim[1] * factor, .width = x->dim[2] * factor, .mode = LAC_RESIZE_NEAREST });
}

lac_tensor *lac_conv_block_forward(lac_tape *t, const lac_conv_block *b, lac_tensor *x)
{
    if (x == NULL)
        return NULL;
    lac_tape_enter(t, b->name);
    x = convolve(t, b, x);
    if (b->kind == LAC_BLOCK_GATED)
        x = lac_gate(t, x, b->act, b->upsample);
    else if (b->kind == LAC_BLOCK_VANILLA)
        x = replicate(t, lac_activation(t, x, b->act), b->upsample);
    lac_tape_leave(t);
    return x;
}
