#include "models/clip/clip.h"

#include "autograd/ops/cross_entropy/cross_entropy.h"
#include "autograd/ops/exp_scale/exp_scale.h"
#include "autograd/ops/l2_normalize/l2_normalize.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"

lac_tensor *lac_clip_embed_text(lac_tape *t, const lac_clip *m, lac_tensor *ids)
{
    return lac_l2_normalize(t, lac_linear_layer_forward(t, &m->text_projection, lac_clip_text_forward(t, &m->text, ids).pooled), LAC_F32);
}

lac_tensor *lac_clip_embed_image(lac_tape *t, const lac_clip *m, lac_tensor *image)
{
    return lac_l2_normalize(t, lac_clip_vision_forward(t, &m->vision, image).embeds, LAC_F32);
}

lac_clip_similarity lac_clip_compare(lac_tape *t, const lac_clip *m, lac_tensor *image, lac_tensor *text)
{
    lac_clip_similarity y = { 0 };
    if (image == NULL || text == NULL)
        return y;
    lac_tensor *scaled = lac_exp_scale(t, image, m->logit_scale->value);
    y.per_image = lac_linear(t, scaled, text, NULL);
    y.per_text = lac_linear(t, text, scaled, NULL);
    if (image->dim[0] != text->dim[0])
        return y;
    const float half = 0.5f / (float)image->dim[0];
    lac_tensor *sums[2] = { lac_cross_entropy(t, y.per_image, NULL, NULL), lac_cross_entropy(t, y.per_text, NULL, NULL) };
    y.loss = lac_weighted_sum(t, sums, (float[]){ half, half }, 2);
    return y;
}
