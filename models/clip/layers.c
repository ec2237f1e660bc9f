#include "models/clip/layers.h"

#include "models/layers/initial.h"

/* transformers' CLIPPreTrainedModel: what the sum of the branches is made of is narrower the more layers there are. */
static void begin(const lac_encoder_layer *l, const lac_encoder_attr *a)
{
    const double narrow = 1 / sqrt(2.0 * (double)a->layers * (double)a->width);
    lac_initial_normal(l->q.weight, l->q.bias, narrow);
    lac_initial_normal(l->k.weight, l->k.bias, narrow);
    lac_initial_normal(l->v.weight, l->v.bias, narrow);
    lac_initial_normal(l->out.weight, l->out.bias, 1 / sqrt((double)a->width));
    lac_initial_normal(l->fc1.weight, l->fc1.bias, 1 / sqrt(2.0 * (double)a->width));
    lac_initial_normal(l->fc2.weight, l->fc2.bias, narrow);
}

lac_status lac_clip_encoder_init(lac_encoder *e, lac_params *ps, const lac_encoder_attr *a)
{
    static const lac_encoder_names names = { "layer_norm1", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj",
                                             "layer_norm2", "mlp.fc1", "mlp.fc2" };
    LAC_TRY(lac_encoder_new(e, a));
    for (int64_t i = 0; i < a->layers; i++) {
        LAC_TRY(lac_params_enter(ps, "encoder.layers.%d", (int)i));
        LAC_TRY(lac_encoder_init_attention(e, i, ps, &names));
        LAC_TRY(lac_encoder_init_mlp(e, i, ps, &names));
        begin(&e->layer[i], a);
        lac_params_leave(ps);
    }
    return LAC_OK;
}
