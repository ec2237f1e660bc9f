#include "models/clip/layers.h"

lac_status lac_clip_encoder_init(lac_encoder *e, lac_params *ps, const lac_encoder_attr *a)
{
    static const lac_encoder_names names = { "layer_norm1", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj",
                                             "layer_norm2", "mlp.fc1", "mlp.fc2" };
    LAC_TRY(lac_encoder_new(e, a));
    for (int64_t i = 0; i < a->layers; i++) {
        LAC_TRY(lac_params_enter(ps, "encoder.layers.%d", (int)i));
        LAC_TRY(lac_encoder_init_attention(e, i, ps, &names));
        LAC_TRY(lac_encoder_init_mlp(e, i, ps, &names));
        lac_params_leave(ps);
    }
    return LAC_OK;
}
