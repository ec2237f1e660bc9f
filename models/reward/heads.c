#include "models/reward/heads.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/l2_normalize/l2_normalize.h"

#include <stdio.h>

static const int64_t published[LAC_REWARD_LAYERS + 1] = { LAC_REWARD_WIDTH, 1024, 128, 64, 16, 1 };
static const int number[LAC_REWARD_LAYERS] = { 0, 2, 4, 6, 7 };         /* the dropouts between them count */

static const float reward_mean = 0.16717362830052426f, reward_deviation = 1.0333394966054072f;

static lac_status add_layer(lac_reward_head *m, lac_params *ps, const char *name, int64_t in, int64_t out)
{
    LAC_TRY(lac_param_new(ps, &m->weight[m->n], LAC_ROLE_LINEAR, 2, (int64_t[]){ out, in }, LAC_INIT_XAVIER, 0, "%sweight", name));
    LAC_TRY(lac_param_new(ps, &m->bias[m->n], LAC_ROLE_BIAS, 1, &out, LAC_INIT_ZERO, 0, "%sbias", name));
    m->n++;
    return LAC_OK;
}

static lac_status add_layers(lac_reward_head *m, lac_params *ps, const char *prefix, const int64_t *width)
{
    char name[32];
    for (int i = 0; i < LAC_REWARD_LAYERS; i++) {
        snprintf(name, sizeof name, "%slayers.%d.", prefix, number[i]);
        LAC_TRY(add_layer(m, ps, name, width[i], width[i + 1]));
    }
    return LAC_OK;
}

static const lac_key v1_keys[] = {
    { "width", LAC_KEY_INT, "768", .min = 1, .max = 65536, .help = "numbers of an embedding: 768 of ViT-L/14, 512 of B/32 and B/16" },
    { NULL },
};

static lac_status init_v1(void *model, lac_params *ps, const json_t *config)
{
    lac_reward_head *m = model;
    m->unit = true;
    return add_layer(m, ps, "", lac_config_int(config, "width"), 1);
}

static lac_status init_v2(void *model, lac_params *ps, const json_t *config)
{
    lac_reward_head *m = model;
    (void)config;
    m->unit = true;
    return add_layers(m, ps, "", published);
}

lac_status lac_reward_head_init(lac_reward_head *m, lac_params *ps, const int64_t *width)
{
    m->shifted = true;
    return add_layers(m, ps, "mlp.", width);
}

static lac_status init_reward(void *model, lac_params *ps, const json_t *config)
{
    (void)config;
    return lac_reward_head_init(model, ps, published);
}

lac_tensor *lac_reward_head_forward(lac_tape *t, const lac_reward_head *m, lac_tensor *x)
{
    if (m->unit)
        x = lac_l2_normalize(t, x, LAC_F32);
    for (int i = 0; i < m->n; i++)
        x = lac_linear(t, x, m->weight[i]->value, m->bias[i]->value);
    const lac_channel_affine_attr shift = { { 1 / reward_deviation }, { -reward_mean / reward_deviation }, LAC_F32 };
    return m->shifted ? lac_channel_affine(t, x, &shift) : x;
}

const lac_network_def lac_network_aesthetic_v1 = { .name = "aesthetic-v1", .about = "LAION's aesthetic predictor, v1", .keys = v1_keys, .size = sizeof(lac_reward_head), .init = init_v1 };
const lac_network_def lac_network_aesthetic_v2 = { .name = "aesthetic-v2", .about = "LAION's aesthetic predictor, v2", .size = sizeof(lac_reward_head), .init = init_v2 };
const lac_network_def lac_network_image_reward_head = { .name = "image-reward-head", .about = "the head of ImageReward", .size = sizeof(lac_reward_head), .init = init_reward };
