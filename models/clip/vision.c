#include "models/clip/vision.h"

#include "autograd/ops/slice/slice.h"
#include "models/clip/layers.h"

#include <math.h>

const float lac_clip_mean[3] = { 0.48145466f, 0.4578275f, 0.40821073f }, lac_clip_std[3] = { 0.26862954f, 0.26130258f, 0.27577711f };

static lac_status init_parts(lac_clip_vision *m, lac_params *ps)
{
    static const lac_patch_embed_names names = { "embeddings.class_embedding", "embeddings.patch_embedding", "embeddings.position_embedding.weight" };
    const lac_encoder_attr *a = &m->c.encoder;
    m->embed = (lac_patch_embed){ .image = m->c.image, .patch = m->c.patch, .channels = m->c.channels, .width = a->width, .no_bias = true };
    m->before.eps = m->after.eps = a->eps;
    LAC_TRY(lac_patch_embed_init(&m->embed, ps, &names));
    lac_param_normal(m->embed.class_token, 0, 1 / sqrt((double)a->width));
    lac_param_normal(m->embed.patches.weight, 0, 0.02);
    LAC_TRY(lac_layer_norm_layer_init(&m->before, ps, "pre_layrnorm", a->width));         /* so it is spelt in the files */
    LAC_TRY(lac_clip_encoder_init(&m->encoder, ps, a));
    return lac_layer_norm_layer_init(&m->after, ps, "post_layernorm", a->width);
}

lac_status lac_clip_vision_init(lac_clip_vision *m, lac_params *ps, const lac_clip_vision_config *c)
{
    m->c = *c;
    m->params = ps;
    m->projection.no_bias = true;
    LAC_TRY(lac_params_enter(ps, "vision_model"));
    LAC_TRY(init_parts(m, ps));
    lac_params_leave(ps);
    LAC_TRY(lac_linear_layer_init(&m->projection, ps, "visual_projection", c->encoder.width, c->projection));
    lac_param_normal(m->projection.weight, 0, 1 / sqrt((double)c->encoder.width));
    return LAC_OK;
}

void lac_clip_vision_close(lac_clip_vision *m) { lac_encoder_free(&m->encoder); }

lac_tensor *lac_clip_vision_pool(lac_tape *t, const lac_clip_vision *m, lac_tensor *last)
{
    if (last == NULL)
        return NULL;
    lac_tensor *first = lac_reshape(t, lac_slice(t, last, 1, 0, 1), 2, (int64_t[]){ last->dim[0], m->c.encoder.width });
    return lac_layer_norm_layer_as(t, &m->after, first, NULL, m->projection.weight->value->dtype, NULL);
}

lac_clip_vision_out lac_clip_vision_forward(lac_tape *t, const lac_clip_vision *m, lac_tensor *image)
{
    lac_clip_vision_out y = { 0 };
    if (image == NULL)
        return y;
    lac_tape_enter(t, m->params->name);
    lac_tensor *x = lac_layer_norm_layer_forward(t, &m->before, lac_patch_embed_forward(t, &m->embed, image, "clip-vision"), NULL, NULL);
    y.last = lac_encoder_forward(t, &m->encoder, x, &y.penultimate);
    y.pooled = lac_clip_vision_pool(t, m, y.last);
    y.embeds = lac_linear_layer_forward(t, &m->projection, y.pooled);
    lac_tape_leave(t);
    return y;
}
