#include "models/latent/estimate.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/composite/composite.h"
#include "autograd/ops/lincomb/lincomb.h"

#include <math.h>

lac_estimate_levels lac_estimate_levels_at(lac_prediction p, double alpha_bar)
{
    const double alpha = sqrt(alpha_bar), sigma = sqrt(1 - alpha_bar);
    const lac_estimate x0 = lac_estimate_x0(p, alpha, sigma);
    return (lac_estimate_levels){ { (float)x0.x, (float)x0.output }, { (float)(-x0.x / x0.output), (float)(1 / x0.output) } };
}

static lac_tensor *cut(lac_tape *t, lac_tensor *x, float most)
{
    return most == 0 ? x : lac_scaled(t, lac_activation(t, lac_scaled(t, x, 1 / most, LAC_F32), LAC_ACT_CLIP), most, LAC_F32);
}

lac_tensor *lac_estimate_with_known(lac_tape *t, const lac_estimate_in *in)
{
    lac_tensor *x0 = lac_lincomb(t, in->x0, (lac_tensor *[]){ in->seen, in->output }, 2, LAC_F32);
    x0 = cut(t, lac_composite(t, x0, in->source, in->mask, &(lac_composite_attr){ .dtype = LAC_F32 }), in->clip);
    return lac_lincomb(t, in->back, (lac_tensor *[]){ in->seen, x0 }, 2, LAC_F32);
}
