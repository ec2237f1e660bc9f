#include "models/blip/vision.h"

static lac_status init_layers(lac_blip_vision *m, lac_params *ps)
{
    static const lac_encoder_names names = { "norm1", "attn.q", "attn.k", "attn.v", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2" };
    LAC_TRY(lac_encoder_new(&m->encoder, &m->c.encoder));
    for (int64_t i = 0; i < m->c.encoder.layers; i++) {
        LAC_TRY(lac_params_enter(ps, "blocks.%d", (int)i));
        LAC_TRY(lac_encoder_init_attention(&m->encoder, i, ps, &names));
        LAC_TRY(lac_encoder_init_mlp(&m->encoder, i, ps, &names));
        lac_params_leave(ps);
    }
    return LAC_OK;
}

lac_status lac_blip_vision_init(lac_blip_vision *m, lac_params *ps, const lac_blip_vision_config *c)
{
    static const lac_patch_embed_names names = { "cls_token", "patch_embed.proj", "pos_embed" };
    m->c = *c;
    m->embed = (lac_patch_embed){ .image = c->image, .patch = c->patch, .channels = c->channels, .width = c->encoder.width };
    m->norm.eps = c->encoder.eps;
    LAC_TRY(lac_patch_embed_init(&m->embed, ps, &names));
    LAC_TRY(init_layers(m, ps));
    return lac_layer_norm_layer_init(&m->norm, ps, "norm", c->encoder.width);
}

void lac_blip_vision_close(lac_blip_vision *m) { lac_encoder_free(&m->encoder); }

lac_tensor *lac_blip_vision_forward(lac_tape *t, const lac_blip_vision *m, lac_tensor *image)
{
    lac_tensor *x = lac_encoder_forward(t, &m->encoder, lac_patch_embed_forward(t, &m->embed, image, "BLIP"), NULL);
    return lac_layer_norm_layer_as(t, &m->norm, x, NULL, m->norm.weight->of->dtype, NULL);
}
