/* autograd/ops/batch_norm/formula.h -- from sums over pixels to what each element is computed with, for both devices.
 *
 * A batch that lies on several ranks is one whose sums are added: of each rank's pixels, in double and about 0, and backward's two. */
#pragma once

#include "autograd/ops/batch_norm/batch_norm.h"
#include "autograd/op.h"
#include "core/comm/lane.h"

/* n numbers of the backend's memory, over the ranks. */
static inline lac_status batch_over_ranks(const lac_op_ctx *c, double *x, int64_t n)
{
    if (c->lane == NULL)
        return LAC_OK;
    LAC_TRY(c->lane->all_reduce(c->lane, x, LAC_F64, n));
    return c->lane->join(c->lane);
}

typedef struct batch_moments { double n, sum, square; } batch_moments;

/* Of n pixels' sums of (x - shift) and its square: those of x. */
LAC_HD static inline batch_moments batch_moments_of(double n, double sum, double square, double shift)
{
    const batch_moments m = { n, sum + n * shift, square + shift * (2 * sum + n * shift) };
    return m;
}

typedef struct batch_stats { float mean, rstd, new_mean, new_var; } batch_stats;

LAC_HD static inline float batch_rstd(double var, float eps) { return (float)(1.0 / __builtin_sqrt((var > 0 ? var : 0) + (double)eps)); }

LAC_HD static inline batch_stats batch_stats_of(batch_moments m, const lac_batch_norm_attr *a, float running_mean, float running_var)
{
    batch_stats s = { running_mean, batch_rstd((double)running_var, a->eps), running_mean, running_var };
    if (a->training && m.n > 1) {
        const double mean = m.sum / m.n, var = m.square / m.n - mean * mean, unbiased = (var > 0 ? var : 0) * m.n / (m.n - 1);
        s.mean = (float)mean;
        s.rstd = batch_rstd(var, a->eps);
        s.new_mean = (float)((1 - (double)a->momentum) * (double)running_mean + (double)a->momentum * mean);
        s.new_var = (float)((1 - (double)a->momentum) * (double)running_var + (double)a->momentum * unbiased);
    }
    return s;
}

/* z = scale (x - mean) + bias */
LAC_HD static inline float batch_value(float x, float mean, float scale, float bias) { return lac_fma(scale, x - mean, bias); }
LAC_HD static inline float batch_act(float z, float slope) { return z > 0 ? z : slope * z; }

/* dL/dz of one element; slope is 1 without an activation. */
LAC_HD static inline float batch_upstream(float x, float gy, float mean, float scale, float bias, float slope)
{
    return batch_value(x, mean, scale, bias) > 0 ? gy : slope * gy;
}

/* gx = scale gz + of_x (x - mean) + constant, from the sums of gz and of gz (x - mean) rstd over n pixels. */
LAC_HD static inline void batch_slopes(double sum, double dot, double n, float scale, float rstd, float *of_x, float *constant)
{
    *of_x = n > 0 ? (float)(-(double)scale * (double)rstd * dot / n) : 0.0f;
    *constant = n > 0 ? (float)(-(double)scale * sum / n) : 0.0f;
}

static inline float batch_slope_of(const lac_batch_norm_attr *a) { return a->act.kind == LAC_ACT_LEAKY ? a->act.slope : 1.0f; }
