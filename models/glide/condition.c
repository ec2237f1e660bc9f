#include "models/glide/glide.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/resize/resize.h"

lac_glide_view lac_glide_smaller(lac_tape *t, lac_glide_view full, int64_t factor)
{
    if (full.picture == NULL)
        return full;
    const int64_t h = full.picture->dim[1] / factor, w = full.picture->dim[2] / factor;
    return (lac_glide_view){ lac_resize(t, full.picture, &(lac_resize_attr){ .height = h, .width = w, .mode = LAC_RESIZE_AREA }),
                             lac_resize(t, full.hole, &(lac_resize_attr){ .height = h, .width = w, .mode = LAC_RESIZE_MAX }) };
}

lac_tensor *lac_glide_beside(lac_tape *t, lac_glide_view seen, lac_tensor *low, lac_dtype d)
{
    lac_tensor *part[3] = { lac_composite(t, NULL, seen.picture, seen.hole, &(lac_composite_attr){ .dtype = d }),
                            lac_channel_affine(t, seen.hole, &(lac_channel_affine_attr){ { -1 }, { 1 }, d }) };
    if (low == NULL || part[0] == NULL)
        return lac_concat(t, part, 2, -1);
    low = lac_resize(t, low, &(lac_resize_attr){ .height = seen.picture->dim[1], .width = seen.picture->dim[2], .mode = LAC_RESIZE_BILINEAR });
    part[2] = lac_channel_affine(t, low, &(lac_channel_affine_attr){ { 1, 1, 1 }, { 0 }, d });
    return lac_concat(t, part, 3, -1);
}
