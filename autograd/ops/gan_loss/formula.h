/* autograd/ops/gan_loss/formula.h -- one logit's term and its slope, for both devices. */
#pragma once

#include "autograd/ops/gan_loss/gan_loss.h"
#include "core/fmath.h"

/* A term is bend(margin + sign * x). */
typedef enum { GAN_STRAIGHT, GAN_CUT, GAN_SOFT } gan_bend;
typedef struct gan_line { float margin, sign; gan_bend bend; } gan_line;

static inline gan_line gan_line_of(lac_gan_term term)
{
    static const gan_line lines[] = {
        /* hinge */ { 1, -1, GAN_CUT }, { 1, 1, GAN_CUT }, /* softplus */ { 0, -1, GAN_SOFT }, { 0, 1, GAN_SOFT },
        /* logit */ { 0, 1, GAN_STRAIGHT }, { 0, -1, GAN_STRAIGHT },
    };
    return lines[term];
}

/* log(1 + exp(v)); what 1 + e loses of a small e is put back. */
LAC_HD static inline float gan_softplus(float v)
{
    const float e = lac_exp(v > 0 ? -v : v), u = 1.0f + e;
    return (v > 0 ? v : 0.0f) + lac_log(u) + (e - (u - 1.0f)) / u;
}

LAC_HD static inline float gan_value(float margin, float sign, gan_bend bend, float x)
{
    const float v = margin + sign * x;
    return bend == GAN_SOFT ? gan_softplus(v) : bend == GAN_CUT && v < 0 ? 0.0f : v;
}

LAC_HD static inline float gan_slope(float margin, float sign, gan_bend bend, float x)
{
    const float v = margin + sign * x;
    return bend == GAN_SOFT ? sign * lac_sigmoid(v) : bend == GAN_CUT && !(v > 0) ? 0.0f : sign;
}
