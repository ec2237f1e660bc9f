#include "models/catdiff/distill.h"

#include "autograd/ops/mse_loss/mse_loss.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"

lac_tensor *lac_distill_tokens(lac_tape *t, lac_tensor *prediction, lac_tensor *target, lac_tensor *mask)
{
    if (prediction == NULL || target == NULL)
        return NULL;
    const int64_t width = prediction->dim[prediction->ndim - 1], tokens = width > 0 ? lac_numel(prediction) / width : 0;
    lac_tensor *weight = mask == NULL ? NULL : lac_reshape(t, mask, 1, &tokens);
    lac_tensor *sum = lac_mse_loss(t, lac_reshape(t, prediction, 2, (int64_t[]){ tokens, width }), lac_reshape(t, target, 2, (int64_t[]){ tokens, width }), weight, NULL, NULL);
    return lac_weighted_sum(t, &sum, (float[]){ 1.0f / (float)(width > 0 ? width : 1) }, 1);
}
