#include "models/layers/patch_embed.h"

#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/repeat/repeat.h"

static int64_t patches_of(const lac_patch_embed *m) { return (m->image / m->patch) * (m->image / m->patch); }

lac_status lac_patch_embed_init(lac_patch_embed *m, lac_params *ps, const lac_patch_embed_names *names)
{
    const int64_t position[] = { 1 + patches_of(m), m->width };
    m->patches = (lac_conv_layer){ .k = m->patch, .stride = m->patch, .no_bias = m->no_bias };
    LAC_TRY(lac_param_new(ps, &m->class_token, LAC_ROLE_OTHER, 1, &m->width, LAC_INIT_NORMAL, 0, "%s", names->class_token));
    LAC_TRY(lac_conv_layer_init(&m->patches, ps, names->patches, m->channels, m->width));
    LAC_TRY(lac_param_new(ps, &m->position, LAC_ROLE_EMBEDDING, 2, position, LAC_INIT_NORMAL, LAC_PARAM_F32, "%s", names->position));
    lac_param_normal(m->class_token, 0, 0.02);
    lac_param_normal(m->position, 0, 0.02);
    return LAC_OK;
}

lac_tensor *lac_patch_embed_forward(lac_tape *t, const lac_patch_embed *m, lac_tensor *image, const char *who)
{
    const int64_t side = m->image;
    if (image == NULL)
        return NULL;
    if (image->ndim != 4 || image->dim[1] != side || image->dim[2] != side || image->dim[3] != m->channels)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "%s wants pictures [N, %lld, %lld, %lld], got %s", who, (long long)side, (long long)side, (long long)m->channels,
                                         lac_shape_str(image)));
    const int64_t n = image->dim[0];
    lac_tensor *class_token = lac_repeat(t, lac_reshape(t, m->class_token->value, 2, (int64_t[]){ 1, m->width }), n);
    lac_tensor *patches = lac_conv_layer_forward(t, &m->patches, image, NULL, lac_act_of(LAC_ACT_NONE));
    patches = lac_reshape(t, patches, 3, (int64_t[]){ n, patches_of(m), m->width });
    return lac_broadcast_add(t, lac_repeat(t, m->position->value, n), lac_concat(t, (lac_tensor *[]){ class_token, patches }, 2, 1));
}
