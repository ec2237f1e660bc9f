#include "models/clip/vision.h"

#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/repeat/repeat.h"
#include "autograd/ops/slice/slice.h"
#include "models/clip/layers.h"

#include <math.h>

const float lac_clip_mean[3] = { 0.48145466f, 0.4578275f, 0.40821073f }, lac_clip_std[3] = { 0.26862954f, 0.26130258f, 0.27577711f };

static int64_t patches_of(const lac_clip_vision *m) { return (m->c.image / m->c.patch) * (m->c.image / m->c.patch); }

static lac_status init_parts(lac_clip_vision *m, lac_params *ps)
{
    const lac_encoder_attr *a = &m->c.encoder;
    m->patches = (lac_conv_layer){ .k = m->c.patch, .stride = m->c.patch, .no_bias = true };
    m->before.eps = m->after.eps = a->eps;
    LAC_TRY(lac_param_new(ps, &m->class_token, LAC_ROLE_OTHER, 1, &a->width, LAC_INIT_NORMAL, 0, "embeddings.class_embedding"));
    LAC_TRY(lac_conv_layer_init(&m->patches, ps, "embeddings.patch_embedding", m->c.channels, a->width));
    LAC_TRY(lac_param_new(ps, &m->position, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ 1 + patches_of(m), a->width }, LAC_INIT_NORMAL, LAC_PARAM_F32, "embeddings.position_embedding.weight"));
    lac_param_normal(m->class_token, 0, 1 / sqrt((double)a->width));
    lac_param_normal(m->position, 0, 0.02);
    lac_param_normal(m->patches.weight, 0, 0.02);
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

/* [N, S, S, channels] -> [N, 1 + P, C], f32 */
static lac_tensor *embed(lac_tape *t, const lac_clip_vision *m, lac_tensor *image)
{
    const int64_t n = image->dim[0], width = m->c.encoder.width;
    lac_tensor *class_token = lac_repeat(t, lac_reshape(t, m->class_token->value, 2, (int64_t[]){ 1, width }), n);
    lac_tensor *patches = lac_conv_layer_forward(t, &m->patches, image, NULL, lac_act_of(LAC_ACT_NONE));
    patches = lac_reshape(t, patches, 3, (int64_t[]){ n, patches_of(m), width });
    return lac_broadcast_add(t, lac_repeat(t, m->position->value, n), lac_concat(t, (lac_tensor *[]){ class_token, patches }, 2, 1));
}

lac_clip_vision_out lac_clip_vision_forward(lac_tape *t, const lac_clip_vision *m, lac_tensor *image)
{
    const int64_t side = m->c.image;
    lac_clip_vision_out y = { 0 };
    if (image == NULL)
        return y;
    if (image->ndim != 4 || image->dim[1] != side || image->dim[2] != side || image->dim[3] != m->c.channels) {
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "clip-vision wants pictures [N, %lld, %lld, %lld], got %s", (long long)side, (long long)side, (long long)m->c.channels,
                                  lac_shape_str(image)));
        return y;
    }
    lac_tape_enter(t, m->params->name);
    lac_tensor *x = lac_layer_norm_layer_forward(t, &m->before, embed(t, m, image), NULL, NULL);
    y.last = lac_encoder_forward(t, &m->encoder, x, &y.penultimate);
    lac_tensor *first = lac_reshape(t, lac_slice(t, y.last, 1, 0, 1), 2, (int64_t[]){ image->dim[0], m->c.encoder.width });
    y.pooled = lac_layer_norm_layer_as(t, &m->after, first, NULL, m->projection.weight->value->dtype, NULL);
    y.embeds = lac_linear_layer_forward(t, &m->projection, y.pooled);
    lac_tape_leave(t);
    return y;
}
