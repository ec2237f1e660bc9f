#include "core/cpu/dnn_conv_phases.h"

static int64_t phase_axis(const lac_conv *c, int axis, int64_t tap, int64_t *first)
{
    const int64_t size = axis ? c->w : c->h, pad = c->pad[2 * axis], from = (LAC_MAX(pad - tap, 0) + 1) / 2;
    *first = 2 * from + tap - pad;
    return *first < size ? (size - *first + 1) / 2 : 0;
}

static void make_phase(lac_conv_phase *f, const lac_conv *c, int k)
{
    const int64_t out[2] = { lac_conv_out_h(c), lac_conv_out_w(c) };
    int64_t size[2], taps[2];
    f->c = *c;
    for (int axis = 0; axis < 2; axis++) {
        f->tap[axis] = axis ? k % 2 : k / 2;
        size[axis] = phase_axis(c, axis, f->tap[axis], &f->first[axis]);
        taps[axis] = ((axis ? c->kw : c->kh) - f->tap[axis] + 1) / 2;
        f->c.stride[axis] = 1;
        f->c.pad[2 * axis] = (f->first[axis] + c->pad[2 * axis] - f->tap[axis]) / 2;
        f->c.pad[2 * axis + 1] = out[axis] - size[axis] - f->c.pad[2 * axis] + taps[axis] - 1;
    }
    f->c.h = size[0], f->c.w = size[1], f->c.kh = taps[0], f->c.kw = taps[1];
}

bool lac_conv_phases(lac_conv_phase f[4], const lac_conv *c)
{
    if (c->dtype != LAC_BF16 || c->stride[0] != 2 || c->stride[1] != 2 || c->dilation[0] != 1 || c->dilation[1] != 1 || c->groups != 1)
        return false;
    bool fits = c->kh > 1 && c->kw > 1;
    for (int k = 0; k < 4; k++) {
        make_phase(&f[k], c, k);
        for (int i = 0; i < 4; i++)
            fits = fits && f[k].c.pad[i] >= 0;
        fits = fits && f[k].c.h > 0 && f[k].c.w > 0;
    }
    return fits;
}
