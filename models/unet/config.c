#include "models/unet/config.h"

#include <string.h>

enum { WIDEST = 65536 };

#define FUSION_KEY { "fusion_dim", LAC_KEY_INT | LAC_KEY_NULL, "null", .min = 1, .max = WIDEST, .help = "width of the visual prompt that RefAdapters read; null: none" }

#define LABELS_KEY(name) { name, LAC_KEY_INT | LAC_KEY_NULL, "null", .min = 1, .max = WIDEST, .help = "labels, whose embedding the timestep's is added to; null: none" }

/* diffusers calls the number of heads attention_head_dim; in the files of SD 1.x it is one number, 8, for all levels. */
const lac_key lac_unet2d_condition_keys[] = {
    { "in_channels", LAC_KEY_INT, "4", .min = 1, .max = WIDEST, .help = "of the sample: 4, 8 or 9" },
    { "out_channels", LAC_KEY_INT, "4", .min = 1, .max = WIDEST, .help = "of the prediction" },
    { "flip_sin_to_cos", LAC_KEY_BOOL, "true", .help = "cosines first in the sinusoid" },
    { "freq_shift", LAC_KEY_INT | LAC_KEY_NUM, "0", .min = -WIDEST, .max = WIDEST, .help = "taken from half the sinusoid's width" },
    { "down_block_types", LAC_KEY_LIST, "[\"CrossAttnDownBlock2D\", \"CrossAttnDownBlock2D\", \"CrossAttnDownBlock2D\", \"DownBlock2D\"]", .of = LAC_KEY_STR,
      .choices = "CrossAttnDownBlock2D|DownBlock2D", .help = "a level each, from the largest maps on" },
    { "mid_block_type", LAC_KEY_STR, "\"UNetMidBlock2DCrossAttn\"", .choices = "UNetMidBlock2DCrossAttn", .help = "always with attention" },
    { "up_block_types", LAC_KEY_LIST, "[\"UpBlock2D\", \"CrossAttnUpBlock2D\", \"CrossAttnUpBlock2D\", \"CrossAttnUpBlock2D\"]", .of = LAC_KEY_STR,
      .choices = "CrossAttnUpBlock2D|UpBlock2D", .help = "a level each, from the smallest maps on" },
    { "block_out_channels", LAC_KEY_LIST, "[320, 640, 1280, 1280]", .of = LAC_KEY_INT, .min = 1, .max = WIDEST, .help = "of each level" },
    { "layers_per_block", LAC_KEY_INT, "2", .min = 1, .max = LAC_UNET_LAYERS, .help = "res-blocks of a level on the way down; one more on the way up" },
    { "norm_num_groups", LAC_KEY_INT, "32", .min = 1, .max = WIDEST, .help = "of every group norm" },
    { "norm_eps", LAC_KEY_NUM | LAC_KEY_ABOVE_MIN, "1e-5", .min = 0, .max = 1, .help = "of the res-blocks and conv_norm_out" },
    { "cross_attention_dim", LAC_KEY_INT, "1280", .min = 1, .max = WIDEST, .help = "width of encoder_hidden_states" },
    { "attention_head_dim", LAC_KEY_INT | LAC_KEY_LIST, "8", .of = LAC_KEY_INT, .min = 1, .max = WIDEST, .help = "number of heads, of all levels or of each on the way down" },
    { "num_attention_heads", LAC_KEY_ANY, "", .of = LAC_KEY_ANY, .only = "null", .help = "null: attention_head_dim is the number of heads" },
    { "transformer_layers_per_block", LAC_KEY_INT, "1", .min = 1, .max = 64, .help = "transformer blocks in each spatial transformer" },
    { "use_linear_projection", LAC_KEY_BOOL, "false", .help = "proj_in and proj_out are matrices, not 1x1 convolutions" },
    FUSION_KEY, LABELS_KEY("num_class_embeds"),
    LAC_KEY_INERT("sample_size", NULL), LAC_KEY_INERT("upcast_attention", NULL),
    LAC_KEY_INERT("center_input_sample", "false"), LAC_KEY_INERT("act_fn", "\"silu\""), LAC_KEY_INERT("downsample_padding", "1"),
    LAC_KEY_INERT("mid_block_scale_factor", "1"), LAC_KEY_INERT("dropout", "0.0"), LAC_KEY_INERT("only_cross_attention", "false"),
    LAC_KEY_INERT("dual_cross_attention", "false"), LAC_KEY_INERT("class_embed_type", "null"), LAC_KEY_INERT("addition_embed_type", "null"),
    LAC_KEY_INERT("addition_time_embed_dim", "null"), LAC_KEY_INERT("addition_embed_type_num_heads", "64"), 
    LAC_KEY_INERT("encoder_hid_dim", "null"), LAC_KEY_INERT("encoder_hid_dim_type", "null"), LAC_KEY_INERT("resnet_time_scale_shift", "\"default\""),
    LAC_KEY_INERT("resnet_skip_time_act", "false"), LAC_KEY_INERT("resnet_out_scale_factor", "1.0"), LAC_KEY_INERT("time_embedding_type", "\"positional\""),
    LAC_KEY_INERT("time_embedding_dim", "null"), LAC_KEY_INERT("time_embedding_act_fn", "null"), LAC_KEY_INERT("timestep_post_act", "null"),
    LAC_KEY_INERT("time_cond_proj_dim", "null"), LAC_KEY_INERT("conv_in_kernel", "3"), LAC_KEY_INERT("conv_out_kernel", "3"),
    LAC_KEY_INERT("projection_class_embeddings_input_dim", "null"), LAC_KEY_INERT("attention_type", "\"default\""),
    LAC_KEY_INERT("class_embeddings_concat", "false"), LAC_KEY_INERT("mid_block_only_cross_attention", "null"),
    LAC_KEY_INERT("cross_attention_norm", "null"), LAC_KEY_INERT("reverse_transformer_layers_per_block", "null"),
    { NULL },
};

const lac_key lac_unet_ldm_keys[] = {
    { "in_channels", LAC_KEY_INT, NULL, .min = 1, .max = WIDEST, .help = "of the sample" },
    { "out_channels", LAC_KEY_INT, NULL, .min = 1, .max = WIDEST, .help = "of the prediction" },
    { "model_channels", LAC_KEY_INT, NULL, .min = 1, .max = WIDEST, .help = "of the first convolution and the sinusoid" },
    { "num_res_blocks", LAC_KEY_INT, NULL, .min = 1, .max = LAC_UNET_LAYERS, .help = "of a level on the way down; one more on the way up" },
    { "attention_resolutions", LAC_KEY_LIST, NULL, .of = LAC_KEY_INT, .min = 1, .max = 1 << LAC_UNET_LEVELS, .help = "downsampling factors at which there is attention" },
    { "channel_mult", LAC_KEY_LIST, "[1, 2, 4, 8]", .of = LAC_KEY_INT, .min = 1, .max = 1024, .help = "of each level, times model_channels" },
    { "num_heads", LAC_KEY_INT, "-1", .min = -1, .max = WIDEST, .help = "of every attention; -1: by num_head_channels" },
    { "num_head_channels", LAC_KEY_INT, "-1", .min = -1, .max = WIDEST, .help = "of a head; -1: by num_heads" },
    { "use_spatial_transformer", LAC_KEY_BOOL, "false", .help = "cross-attention; else attention blocks" },
    { "transformer_depth", LAC_KEY_INT, "1", .min = 1, .max = 64, .help = "transformer blocks in each spatial transformer" },
    { "context_dim", LAC_KEY_INT | LAC_KEY_NULL, "null", .min = 1, .max = WIDEST, .help = "width of encoder_hidden_states" },
    FUSION_KEY, LABELS_KEY("num_classes"),
    { "resblock_updown", LAC_KEY_BOOL, "false", .help = "res-blocks change the size of maps, not convolutions" },
    { "use_scale_shift_norm", LAC_KEY_BOOL, "false", .help = "the timestep scales and shifts what was normalised" },
    LAC_KEY_INERT("image_size", NULL), LAC_KEY_INERT("legacy", NULL), LAC_KEY_INERT("use_checkpoint", NULL), LAC_KEY_INERT("use_fp16", NULL),
    LAC_KEY_INERT("dims", "2"), LAC_KEY_INERT("dropout", "0"), LAC_KEY_INERT("conv_resample", "true"), 
    LAC_KEY_INERT("use_new_attention_order", "false"), LAC_KEY_INERT("num_heads_upsample", "-1"), LAC_KEY_INERT("n_embed", "null"),
    { NULL },
};

static int64_t at(const json_t *config, const char *key, int i) { return json_integer_value(json_array_get(lac_config_at(config, key), (size_t)i)); }
static int count(const json_t *config, const char *key) { return (int)json_array_size(lac_config_at(config, key)); }

/* 0 for null. */
static int64_t width_of(const json_t *config, const char *key) { return json_integer_value(lac_config_at(config, key)); }

static bool attends(const json_t *config, const char *key, int i)
{
    return strncmp(json_string_value(json_array_get(lac_config_at(config, key), (size_t)i)), "CrossAttn", 9) == 0;
}

static lac_status check_levels(const char *key, int n)
{
    return n >= 1 && n <= LAC_UNET_LEVELS ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "'%s' must have from 1 to %d levels, has %d", key, LAC_UNET_LEVELS, n);
}

/* What both configs leave to be looked at; the keys are theirs. */
static lac_status check(const lac_unet_config *c, const char *channels, const char *groups, const char *heads)
{
    if (c->width % 2 != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'%s' must begin with an even number, as wide as the sinusoid, is %lld", channels, (long long)c->width);
    for (int i = 0; i < c->n_levels; i++) {
        const lac_unet_level *l = &c->level[i];
        const bool attention = l->down_attention || l->up_attention || i == c->n_levels - 1;
        if (l->channels % c->groups != 0)
            return LAC_FAIL(LAC_ERR_CONFIG, "'%s': %lld groups do not divide %lld channels", groups, (long long)c->groups, (long long)l->channels);
        if (attention && (l->heads < 1 || l->channels % l->heads != 0))
            return LAC_FAIL(LAC_ERR_CONFIG, "'%s': %lld heads do not divide %lld channels", heads, (long long)l->heads, (long long)l->channels);
    }
    return c->width % c->groups == 0 ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "'%s': %lld groups do not divide %lld channels", groups, (long long)c->groups, (long long)c->width);
}

static lac_status check_lengths(const json_t *config, int n)
{
    static const char *const keys[] = { "down_block_types", "up_block_types", "block_out_channels", "attention_head_dim" };
    const bool down_is_off = count(config, "up_block_types") == count(config, "block_out_channels");
    n = down_is_off ? count(config, "up_block_types") : n;          /* two of three agree */
    for (size_t i = 0; i < LAC_COUNT(keys); i++)
        if (json_is_array(lac_config_at(config, keys[i])) && count(config, keys[i]) != n)
            return LAC_FAIL(LAC_ERR_CONFIG, "'%s' has %d entries, expected %d, one for each level", keys[i], count(config, keys[i]), n);
    return check_levels("block_out_channels", n);
}

lac_status lac_unet2d_condition_configure(lac_unet_config *c, const json_t *config)
{
    const int n = count(config, "down_block_types");
    const bool one = !json_is_array(lac_config_at(config, "attention_head_dim"));
    LAC_TRY(check_lengths(config, n));
    *c = (lac_unet_config){
        .names = LAC_UNET_DIFFUSERS, .in = lac_config_int(config, "in_channels"), .out = lac_config_int(config, "out_channels"),
        .width = at(config, "block_out_channels", 0), .groups = lac_config_int(config, "norm_num_groups"), .eps = (float)lac_config_num(config, "norm_eps"),
        .flip_sin_to_cos = lac_config_bool(config, "flip_sin_to_cos"), .freq_shift = (float)lac_config_num(config, "freq_shift"), .n_levels = n,
        .layers = lac_config_int(config, "layers_per_block"), .context = lac_config_int(config, "cross_attention_dim"),
        .depth = lac_config_int(config, "transformer_layers_per_block"), .linear_projection = lac_config_bool(config, "use_linear_projection"),
        .fusion = width_of(config, "fusion_dim"), .labels = width_of(config, "num_class_embeds"),
    };
    for (int i = 0; i < n; i++)
        c->level[i] = (lac_unet_level){ .channels = at(config, "block_out_channels", i),
            .heads = one ? lac_config_int(config, "attention_head_dim") : at(config, "attention_head_dim", i),
            .down_attention = attends(config, "down_block_types", i), .up_attention = attends(config, "up_block_types", n - 1 - i) };
    if (!(c->freq_shift < (float)(c->width / 2)))
        return LAC_FAIL(LAC_ERR_CONFIG, "'freq_shift' must be below %lld, half the sinusoid's width, is %.9g", (long long)(c->width / 2), (double)c->freq_shift);
    return check(c, "block_out_channels", "norm_num_groups", "attention_head_dim");
}

static bool listed(const json_t *config, const char *key, int64_t value)
{
    bool found = false;
    for (int i = 0; i < count(config, key); i++)
        found = found || at(config, key, i) == value;
    return found;
}

static lac_status check_ldm(const json_t *config, bool transformer, int64_t heads, int64_t of_head)
{
    const bool context = !json_is_null(lac_config_at(config, "context_dim"));
    LAC_TRY(check_levels("channel_mult", count(config, "channel_mult")));
    if (transformer != context)
        return LAC_FAIL(LAC_ERR_CONFIG, "'context_dim' belongs to 'use_spatial_transformer': both or neither");
    if (!transformer && !json_is_null(lac_config_at(config, "fusion_dim")))
        return LAC_FAIL(LAC_ERR_CONFIG, "'fusion_dim' needs 'use_spatial_transformer'");
    if (heads == 0 || of_head == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'%s' must be -1 or at least 1, is 0", heads == 0 ? "num_heads" : "num_head_channels");
    return heads > 0 || of_head > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "'num_heads' or 'num_head_channels' must be given");
}

lac_status lac_unet_ldm_configure(lac_unet_config *c, const json_t *config)
{
    const int64_t width = lac_config_int(config, "model_channels"), heads = lac_config_int(config, "num_heads"), of_head = lac_config_int(config, "num_head_channels");
    const bool transformer = lac_config_bool(config, "use_spatial_transformer");
    LAC_TRY(check_ldm(config, transformer, heads, of_head));
    *c = (lac_unet_config){
        .names = LAC_UNET_COMPVIS, .in = lac_config_int(config, "in_channels"), .out = lac_config_int(config, "out_channels"), .width = width, .groups = 32,
        .eps = 1e-5f, .flip_sin_to_cos = true, .n_levels = count(config, "channel_mult"), .layers = lac_config_int(config, "num_res_blocks"),
        .context = width_of(config, "context_dim"), .fusion = width_of(config, "fusion_dim"), .labels = width_of(config, "num_classes"), .depth = lac_config_int(config, "transformer_depth"),
        .scale_shift = lac_config_bool(config, "use_scale_shift_norm"), .resample_blocks = lac_config_bool(config, "resblock_updown"),
    };
    for (int i = 0; i < c->n_levels; i++) {
        const int64_t channels = width * at(config, "channel_mult", i);
        const bool attention = listed(config, "attention_resolutions", (int64_t)1 << i);
        if (of_head > 0 && channels % of_head != 0 && (attention || i == c->n_levels - 1))
            return LAC_FAIL(LAC_ERR_CONFIG, "'num_head_channels': heads of %lld do not divide %lld channels", (long long)of_head, (long long)channels);
        c->level[i] = (lac_unet_level){ .channels = channels, .heads = of_head > 0 ? channels / of_head : heads, .down_attention = attention, .up_attention = attention };
    }
    return check(c, "model_channels", "model_channels", "num_heads");
}
