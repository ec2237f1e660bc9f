/* AutoencoderKL: the config of diffusers. */
#include "models/autoencoder/autoencoder.h"
#include "models/autoencoder/formats.h"
#include "models/network_folder.h"

const lac_key lac_autoencoder_kl_keys[] = {
    { "in_channels", LAC_KEY_INT, "3", .min = 1, .max = 1024, .help = "channels of a picture" },
    { "out_channels", LAC_KEY_INT, "3", .min = 1, .max = 1024, .help = "channels that the decoder makes" },
    { "down_block_types", LAC_KEY_LIST, "[\"DownEncoderBlock2D\"]", "DownEncoderBlock2D", .of = LAC_KEY_STR, .help = "one for each level" },
    { "up_block_types", LAC_KEY_LIST, "[\"UpDecoderBlock2D\"]", "UpDecoderBlock2D", .of = LAC_KEY_STR, .help = "one for each level" },
    { "block_out_channels", LAC_KEY_LIST, "[64]", .of = LAC_KEY_INT, .min = 1, .max = 16384, .help = "channels of each level" },
    { "layers_per_block", LAC_KEY_INT, "1", .min = 1, .max = LAC_CODER_BLOCKS - 1, .help = "residual blocks of an encoder's level; a decoder's has one more" },
    { "act_fn", LAC_KEY_STR, "\"silu\"", "silu", .help = "activation" },
    { "latent_channels", LAC_KEY_INT, "4", .min = 1, .max = 1024, .help = "channels of a latent" },
    { "norm_num_groups", LAC_KEY_INT, "32", .min = 1, .max = 16384, .help = "groups of every norm" },
    { "sample_size", LAC_KEY_INT | LAC_KEY_LIST, "32", .of = LAC_KEY_INT, .min = 1, .max = 1 << 20, .help = "pixels a side: of a tile, where pictures are taken in tiles" },
    { "scaling_factor", LAC_KEY_NUM | LAC_KEY_ABOVE_MIN, "0.18215", .min = 0, .max = 1e9, .help = "times the latent: what a diffusion model sees" },
    LAC_KEY_INERT("shift_factor", NULL), LAC_KEY_INERT("latents_mean", NULL), LAC_KEY_INERT("latents_std", NULL), LAC_KEY_INERT("force_upcast", NULL),
    { "use_quant_conv", LAC_KEY_BOOL, "true", .help = "a 1x1 convolution after the encoder" },
    { "use_post_quant_conv", LAC_KEY_BOOL, "true", .help = "a 1x1 convolution before the decoder" },
    { "mid_block_add_attention", LAC_KEY_BOOL, "true", .help = "attention in the middle of both" },
    { NULL },
};

static lac_status check_length(const json_t *config, const char *key, int64_t levels)
{
    const long long n = (long long)json_array_size(lac_config_at(config, key));
    return n == levels ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "'%s' has %lld entries, expected %lld as 'block_out_channels'", key, n, (long long)levels);
}

static lac_status configure(lac_coder_config *c, const json_t *config)
{
    const json_t *widths = lac_config_at(config, "block_out_channels");
    *c = (lac_coder_config){ .naming = LAC_NAMES_DIFFUSERS, .n_levels = (int64_t)json_array_size(widths), .groups = lac_config_int(config, "norm_num_groups"),
                             .middle_attends = lac_config_bool(config, "mid_block_add_attention") };
    if (c->n_levels < 1 || c->n_levels > LAC_CODER_LEVELS)
        return LAC_FAIL(LAC_ERR_CONFIG, "'block_out_channels' has %lld entries, expected 1 to %d", (long long)c->n_levels, LAC_CODER_LEVELS);
    LAC_TRY(check_length(config, "down_block_types", c->n_levels));
    LAC_TRY(check_length(config, "up_block_types", c->n_levels));
    for (int64_t i = 0; i < c->n_levels; i++) {
        c->channels[i] = json_integer_value(json_array_get(widths, (size_t)i));
        if (c->channels[i] % c->groups != 0)
            return LAC_FAIL(LAC_ERR_CONFIG, "'norm_num_groups' is %lld, which does not divide %lld of 'block_out_channels'", (long long)c->groups, (long long)c->channels[i]);
    }
    c->first = c->channels[0];
    return LAC_OK;
}

static int64_t tile_of(const json_t *config)
{
    const json_t *size = lac_config_at(config, "sample_size");
    return json_integer_value(json_is_array(size) ? json_array_get(size, 0) : size);
}

lac_status lac_autoencoder_kl_init(lac_autoencoder *a, lac_params *ps, const json_t *config)
{
    lac_coder_config c;
    const int64_t z = lac_config_int(config, "latent_channels"), blocks = lac_config_int(config, "layers_per_block");
    const double scaling = lac_config_num(config, "scaling_factor");
    LAC_TRY(configure(&c, config));
    *a = (lac_autoencoder){ .ps = ps, .in = lac_config_int(config, "in_channels"), .z = z, .factor = INT64_C(1) << (c.n_levels - 1), .tile = tile_of(config),
                            .quant_conv = { .k = 1 }, .post_quant_conv = { .k = 1 }, .scaling = { (float)scaling, (float)(1 / scaling) } };
    c.blocks = blocks;
    c.in = a->in;
    c.out = 2 * z;
    LAC_TRY(lac_picture_encoder_init(&a->encoder, ps, "encoder", &c));
    c.blocks = blocks + 1;
    c.in = z;
    c.out = lac_config_int(config, "out_channels");
    LAC_TRY(lac_picture_decoder_init(&a->decoder, ps, "decoder", &c));
    if (lac_config_bool(config, "use_quant_conv"))
        LAC_TRY(lac_conv_layer_init(&a->quant_conv, ps, "quant_conv", 2 * z, 2 * z));
    return lac_config_bool(config, "use_post_quant_conv") ? lac_conv_layer_init(&a->post_quant_conv, ps, "post_quant_conv", z, z) : LAC_OK;
}

static lac_status init(void *model, lac_params *ps, const json_t *config) { return lac_autoencoder_kl_init(model, ps, config); }

static const lac_network_folder folder = { .layout = "diffusers", .weights = "diffusion_pytorch_model.safetensors", .classes = (const char *const[]){ "AutoencoderKL", NULL } };

const lac_network_def lac_network_autoencoder_kl = {
    .name = "autoencoder-kl", .about = "autoencoder with a Gaussian posterior, the first stage of Stable Diffusion", .keys = lac_autoencoder_kl_keys,
    .size = sizeof(lac_autoencoder), .init = init, .formats = lac_autoencoder_kl_formats, .folder = &folder,
};
