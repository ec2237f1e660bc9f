/* VQGAN: the config of CompVis, of taming-transformers and latent-diffusion. */
#include "models/autoencoder/autoencoder.h"
#include "models/autoencoder/formats.h"

#include <math.h>

static const lac_key ddconfig_keys[] = {
    { "ch", LAC_KEY_INT, .min = 1, .max = 16384, .help = "channels that 'ch_mult' multiplies" },
    { "out_ch", LAC_KEY_INT, "3", .min = 1, .max = 1024, .help = "channels that the decoder makes" },
    { "ch_mult", LAC_KEY_LIST, .of = LAC_KEY_INT, .min = 1, .max = 1024, .help = "one for each level" },
    { "num_res_blocks", LAC_KEY_INT, .min = 1, .max = LAC_CODER_BLOCKS - 1, .help = "residual blocks of an encoder's level; a decoder's has one more" },
    { "attn_resolutions", LAC_KEY_LIST, .of = LAC_KEY_INT, .min = 0, .max = 1 << 20, .help = "levels with attention: resolution by the level's factor" },
    { "in_channels", LAC_KEY_INT, "3", .min = 1, .max = 1024, .help = "channels of a picture" },
    { "resolution", LAC_KEY_INT, .min = 1, .max = 1 << 20, .help = "pixels a side in training; what attn_resolutions counts from" },
    { "z_channels", LAC_KEY_INT, .min = 1, .max = 1024, .help = "channels between encoder and quant_conv" },
    { "double_z", LAC_KEY_BOOL, "false", .help = "false: a posterior is the autoencoder-kl's" },
    { "dropout", LAC_KEY_NUM, "0.0", .help = "0" },
    { NULL },
};

const lac_key lac_vqgan_keys[] = {
    { "embed_dim", LAC_KEY_INT, .min = 1, .max = 4096, .help = "channels of a latent, length of a code" },
    { "n_embed", LAC_KEY_INT, .min = 1, .max = 1 << 24, .help = "codes" },
    { "ddconfig", LAC_KEY_TABLE, .sub = ddconfig_keys, .help = "encoder and decoder" },
    { "beta", LAC_KEY_NUM, "0.25", .min = 0, .max = 1e9, .help = "weight of one side of the codebook's loss" },
    { "legacy", LAC_KEY_BOOL, "true", .help = "beta weighs the codebook's side, as published VQGANs were trained; else the commitment" },
    { "scaling_factor", LAC_KEY_NUM | LAC_KEY_ABOVE_MIN, "1", .min = 0, .max = 1e9, .help = "times the latent: what a diffusion model sees" },
    { NULL },
};

/* resolution / 2^level is listed. */
static bool attends(const json_t *config, int64_t level)
{
    const json_t *listed = lac_config_at(config, "ddconfig.attn_resolutions");
    const int64_t resolution = lac_config_int(config, "ddconfig.resolution");
    for (size_t i = 0; i < json_array_size(listed); i++)
        if (json_integer_value(json_array_get(listed, i)) << level == resolution)
            return true;
    return false;
}

static lac_status check(const json_t *config, int64_t levels)
{
    if (lac_config_bool(config, "ddconfig.double_z"))
        return LAC_FAIL(LAC_ERR_CONFIG, "'ddconfig.double_z' is true, expected false: mean and log-variance are the network 'autoencoder-kl'");
    if (lac_config_num(config, "ddconfig.dropout") != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'ddconfig.dropout' is %g, expected 0", lac_config_num(config, "ddconfig.dropout"));
    return levels >= 1 && levels <= LAC_CODER_LEVELS ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "'ddconfig.ch_mult' has %lld entries, expected 1 to %d", (long long)levels, LAC_CODER_LEVELS);
}

static lac_status configure(lac_coder_config *c, const json_t *config)
{
    const json_t *multipliers = lac_config_at(config, "ddconfig.ch_mult");
    *c = (lac_coder_config){ .naming = LAC_NAMES_COMPVIS, .first = lac_config_int(config, "ddconfig.ch"), .n_levels = (int64_t)json_array_size(multipliers),
                             .groups = 32, .middle_attends = true };
    LAC_TRY(check(config, c->n_levels));
    if (c->first % c->groups != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'ddconfig.ch' is %lld, expected a multiple of %lld, the groups of its norms", (long long)c->first, (long long)c->groups);
    for (int64_t i = 0; i < c->n_levels; i++) {
        c->channels[i] = c->first * json_integer_value(json_array_get(multipliers, (size_t)i));
        c->attends[i] = attends(config, i);
    }
    return LAC_OK;
}

/* Uniform in [-1 / n_embed, 1 / n_embed]. */
static lac_status codebook_init(lac_autoencoder *a, lac_params *ps, int64_t codes)
{
    LAC_TRY(lac_param_new(ps, &a->codebook, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ codes, a->z }, LAC_INIT_UNIFORM, LAC_PARAM_F32, "quantize.embedding.weight"));
    lac_param_uniform(a->codebook, 1 / (double)codes);
    return LAC_OK;
}

lac_status lac_vqgan_init(lac_autoencoder *a, lac_params *ps, const json_t *config)
{
    lac_coder_config c;
    const int64_t inner = lac_config_int(config, "ddconfig.z_channels"), blocks = lac_config_int(config, "ddconfig.num_res_blocks");
    const float beta = (float)lac_config_num(config, "beta");
    const double scaling = lac_config_num(config, "scaling_factor");
    LAC_TRY(configure(&c, config));
    *a = (lac_autoencoder){ .ps = ps, .in = lac_config_int(config, "ddconfig.in_channels"), .z = lac_config_int(config, "embed_dim"),
                            .factor = INT64_C(1) << (c.n_levels - 1), .tile = lac_config_int(config, "ddconfig.resolution"), .quant_conv = { .k = 1 },
                            .post_quant_conv = { .k = 1 }, .scaling = { (float)scaling, (float)(1 / scaling) } };
    a->loss = lac_config_bool(config, "legacy") ? (lac_vector_quantize_attr){ 1, beta } : (lac_vector_quantize_attr){ beta, 1 };
    c.blocks = blocks;
    c.in = a->in;
    c.out = inner;
    LAC_TRY(lac_picture_encoder_init(&a->encoder, ps, "encoder", &c));
    c.blocks = blocks + 1;
    c.in = inner;
    c.out = lac_config_int(config, "ddconfig.out_ch");
    LAC_TRY(lac_picture_decoder_init(&a->decoder, ps, "decoder", &c));
    LAC_TRY(codebook_init(a, ps, lac_config_int(config, "n_embed")));
    LAC_TRY(lac_conv_layer_init(&a->quant_conv, ps, "quant_conv", inner, a->z));
    return lac_conv_layer_init(&a->post_quant_conv, ps, "post_quant_conv", a->z, inner);
}

static lac_status init(void *model, lac_params *ps, const json_t *config) { return lac_vqgan_init(model, ps, config); }

const lac_network_def lac_network_vqgan = {
    .name = "vqgan", .about = "autoencoder with a codebook, the first stage of latent diffusion's VQ models", .keys = lac_vqgan_keys,
    .size = sizeof(lac_autoencoder), .init = init, .formats = lac_vqgan_formats,
};
