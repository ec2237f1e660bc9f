#include "models/deepfill/config.h"

#include <string.h>

#define MODE_KEY { "mode", LAC_KEY_STR, "\"tf\"", .choices = "tf|torch", .help = "TF SAME padding and align-corners nearest, or symmetric padding and floor" }

const lac_key lac_deepfill_keys[] = {
    MODE_KEY,
    { "conv", LAC_KEY_STR, "\"gated\"", .choices = "gated|vanilla", .help = "the layer of every row but the two RGB outputs" },
    { "cnum", LAC_KEY_INT | LAC_KEY_NULL, "null", .min = 2, .max = 1024, .help = "filters of the first layer; null: 48, vanilla 32" },
    { "guided", LAC_KEY_BOOL, "false", .help = "sketch channel; only false so far" },
    { "output", LAC_KEY_STR, "\"tanh\"", .choices = "tanh|clip", .help = "squashing of x1 and x2" },
    { "input_aux", LAC_KEY_BOOL, "true", .help = "stage 1 gets ones and mask channels" },
    { "stage2_aux", LAC_KEY_BOOL, "false", .help = "stage 2 gets ones and mask channels (DeepFill v1)" },
    { "fuse", LAC_KEY_BOOL, "true", .help = "attention scores are summed along diagonals" },
    { "softmax_scale", LAC_KEY_NUM, "10", .help = "of the attention" },
    { "overlap", LAC_KEY_STR, "\"fixed\"", .choices = "fixed|exact", .help = "pasted patches divided by 4, or by how many cover the pixel" },
    { "masked_keys", LAC_KEY_STR, "\"zero\"", .choices = "zero|exclude", .help = "hole patches score 0, or leave the softmax" },
    { "mask_down", LAC_KEY_STR, "\"nearest\"", .choices = "nearest|max", .help = "how the attention's mask is made smaller" },
    { NULL },
};

const lac_key lac_sn_patchgan_keys[] = {
    MODE_KEY,
    LAC_SN_PATCHGAN_KEYS,
    { "kind", LAC_KEY_STR, "\"patch\"", .choices = "patch|global", .help = "a logit for every value of the last map, or one for the picture" },
    { "size", LAC_KEY_INT, "0", .min = 0, .max = 65536, .help = "side of the pictures; global alone needs it" },
    { "guided", LAC_KEY_BOOL, "false", .help = "sketch channel; only false so far" },
    { NULL },
};

static bool is(const json_t *c, const char *key, const char *word) { return strcmp(lac_config_str(c, key), word) == 0; }

static lac_status refuse_guided(const json_t *c)
{
    return lac_config_bool(c, "guided") ? LAC_FAIL(LAC_ERR_CONFIG, "'guided' must be false: there is no sketch guidance yet, found true") : LAC_OK;
}

lac_status lac_deepfill_configure(lac_deepfill_config *c, const json_t *j)
{
    LAC_TRY(refuse_guided(j));
    *c = (lac_deepfill_config){
        .mode = is(j, "mode", "tf") ? LAC_MODE_TF : LAC_MODE_TORCH,
        .conv = is(j, "conv", "gated") ? LAC_CONV_GATED : LAC_CONV_VANILLA,
        .clip = is(j, "output", "clip"),
        .input_aux = lac_config_bool(j, "input_aux"),
        .stage2_aux = lac_config_bool(j, "stage2_aux"),
        .fuse = lac_config_bool(j, "fuse"),
        .exact_overlap = is(j, "overlap", "exact"),
        .exclude_masked = is(j, "masked_keys", "exclude"),
        .mask_down_max = is(j, "mask_down", "max"),
        .softmax_scale = lac_config_num(j, "softmax_scale"),
    };
    const int64_t multiple = c->conv == LAC_CONV_GATED ? 4 : 2;
    c->cnum = json_is_null(lac_config_at(j, "cnum")) ? (c->conv == LAC_CONV_GATED ? 48 : 32) : lac_config_int(j, "cnum");
    if (c->cnum % multiple != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'cnum' must be a multiple of %lld for %s convolutions, found %lld", (long long)multiple,
                        lac_config_str(j, "conv"), (long long)c->cnum);
    return LAC_OK;
}

lac_status lac_sn_patchgan_configure(lac_sn_patchgan_config *c, const json_t *j)
{
    LAC_TRY(refuse_guided(j));
    *c = (lac_sn_patchgan_config){
        .mode = is(j, "mode", "torch") ? LAC_MODE_TORCH : LAC_MODE_TF,
        .kind = is(j, "kind", "global") ? LAC_DISC_GLOBAL : LAC_DISC_PATCH,
        .width = lac_config_int(j, "width"),
        .full_sn_grad = is(j, "sn_grad", "full"),
        .height = lac_config_int(j, "size"), .width_px = lac_config_int(j, "size"),
    };
    if (c->kind == LAC_DISC_GLOBAL && c->height == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'size' must be the side of the pictures where kind is global, found 0");
    return LAC_OK;
}
