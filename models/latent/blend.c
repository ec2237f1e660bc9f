#include "models/latent/blend.h"

#include "autograd/ops/composite/composite.h"
#include "autograd/ops/lincomb/lincomb.h"

lac_tensor *lac_blend_latent(lac_tape *t, lac_tensor *z, lac_tensor *source, lac_tensor *noise, lac_tensor *mask, lac_tensor *level)
{
    lac_tensor *known = lac_lincomb(t, level, (lac_tensor *[]){ source, noise }, 2, LAC_F32);
    return lac_composite(t, z, known, mask, &(lac_composite_attr){ .dtype = LAC_F32 });
}
