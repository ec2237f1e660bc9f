#include "models/reward/image_reward.h"

#include "autograd/ops/slice/slice.h"
#include "models/reward/image_reward_format.h"

#define SIZE(key, value, text) { key, LAC_KEY_INT, value, .min = 1, .max = 1 << 24, .help = text }

const lac_key lac_image_reward_keys[] = {
    SIZE("image_size", "224", "height and width of the picture"), SIZE("patch_size", "16", "height and width of a patch"), SIZE("num_channels", "3", "of the picture"),
    SIZE("vision_width", "1024", "width of the vision tower"), SIZE("vision_layers", "24", "its layers"), SIZE("vision_heads", "16", "its heads"),
    SIZE("vision_mlp", "4096", "width of its hidden layer"),
    SIZE("vocab_size", "30524", "ids: BERT's and two more"), SIZE("positions", "512", "tokens at most"), SIZE("text_width", "768", "width of the text tower"),
    SIZE("text_layers", "12", "its layers"), SIZE("text_heads", "12", "its heads"), SIZE("text_mlp", "3072", "width of its hidden layer"),
    { "head", LAC_KEY_LIST, "[1024, 128, 64, 16]", .of = LAC_KEY_INT, .min = 1, .max = 1 << 24, .help = "widths between the head's five layers" },
    { NULL },
};

static lac_blip_vision_config vision_of(const json_t *config)
{
    return (lac_blip_vision_config){
        .encoder = { .layers = lac_config_int(config, "vision_layers"), .width = lac_config_int(config, "vision_width"), .inner = lac_config_int(config, "vision_width"),
                     .heads = lac_config_int(config, "vision_heads"), .mlp = lac_config_int(config, "vision_mlp"), .eps = 1e-6f, .act = LAC_ACT_GELU },
        .channels = lac_config_int(config, "num_channels"), .image = lac_config_int(config, "image_size"), .patch = lac_config_int(config, "patch_size"),
    };
}

static lac_bert_text_config text_of(const json_t *config)
{
    return (lac_bert_text_config){
        .layer = { .width = lac_config_int(config, "text_width"), .heads = lac_config_int(config, "text_heads"), .mlp = lac_config_int(config, "text_mlp"),
                   .states = lac_config_int(config, "vision_width"), .eps = 1e-12f },
        .layers = lac_config_int(config, "text_layers"), .vocabulary = lac_config_int(config, "vocab_size"), .positions = lac_config_int(config, "positions"),
    };
}

static lac_status init_head(lac_image_reward *m, lac_params *ps, const json_t *config)
{
    const json_t *list = lac_config_at(config, "head");
    int64_t width[LAC_REWARD_LAYERS + 1] = { m->text.c.layer.width };
    if (json_array_size(list) != LAC_REWARD_LAYERS - 1)
        return LAC_FAIL(LAC_ERR_CONFIG, "'head' has %zu widths, expected %d", json_array_size(list), LAC_REWARD_LAYERS - 1);
    for (int i = 1; i < LAC_REWARD_LAYERS; i++)
        width[i] = json_integer_value(json_array_get(list, (size_t)i - 1));
    width[LAC_REWARD_LAYERS] = 1;
    return lac_reward_head_init(&m->head, ps, width);
}

static lac_status init(void *model, lac_params *ps, const json_t *config)
{
    lac_image_reward *m = model;
    const lac_blip_vision_config vision = vision_of(config);
    const lac_bert_text_config text = text_of(config);
    m->params = ps;
    if (vision.patch > vision.image)
        return LAC_FAIL(LAC_ERR_CONFIG, "'patch_size' is %lld, the 'image_size' %lld", (long long)vision.patch, (long long)vision.image);
    LAC_TRY(lac_params_enter(ps, "blip.visual_encoder"));
    LAC_TRY(lac_context(lac_blip_vision_init(&m->vision, ps, &vision), "'vision_heads'"));
    lac_params_leave(ps);
    LAC_TRY(lac_params_enter(ps, "blip.text_encoder"));
    LAC_TRY(lac_context(lac_bert_text_init(&m->text, ps, &text), "'text_heads'"));
    lac_params_leave(ps);
    return init_head(m, ps, config);
}

static void close(void *model)
{
    lac_image_reward *m = model;
    lac_blip_vision_close(&m->vision);
    lac_bert_text_close(&m->text);
}

lac_tensor *lac_image_reward_see(lac_tape *t, const lac_image_reward *m, lac_tensor *image)
{
    lac_tape_enter(t, m->params->name);
    lac_tensor *states = lac_blip_vision_forward(t, &m->vision, image);
    lac_tape_leave(t);
    return states;
}

lac_tensor *lac_image_reward_judge(lac_tape *t, const lac_image_reward *m, lac_tensor *ids, lac_tensor *states, lac_tensor **hidden)
{
    lac_tape_enter(t, m->params->name);
    lac_tensor *first = lac_slice(t, lac_bert_text_forward(t, &m->text, ids, states), 1, 0, 1), *reward = NULL;
    if (first != NULL)
        first = lac_reshape(t, first, 2, (int64_t[]){ first->dim[0], m->text.c.layer.width });
    reward = lac_reward_head_forward(t, &m->head, first);
    lac_tape_leave(t);
    if (hidden != NULL)
        *hidden = first;
    return reward;
}

const lac_network_def lac_network_image_reward = {
    .name = "image-reward", .about = "ImageReward: BLIP and a head that scores a picture for a prompt", .keys = lac_image_reward_keys, .size = sizeof(lac_image_reward),
    .init = init, .close = close, .formats = lac_image_reward_formats,
};
