/* models/deepfill/config.h -- what can be chosen about DeepFill v2's networks; the same keys in Lua and in probe's JSON. */
#pragma once

#include "core/config.h"
#include "core/tensor.h"

typedef enum { LAC_MODE_TF, LAC_MODE_TORCH } lac_padding_mode;      /* deepfillv2.md 1.1: padding and nearest resizing */
typedef enum { LAC_CONV_GATED, LAC_CONV_VANILLA } lac_conv_kind;

typedef struct lac_deepfill_config {
    lac_padding_mode mode;
    lac_conv_kind conv;
    int64_t cnum;               /* filters of the first layer: 48 gated (half of them come out), 32 vanilla */
    bool clip;                  /* x1 and x2 are clipped to [-1, 1] instead of tanh */
    bool input_aux;             /* stage 1 gets a channel of ones and the mask */
    bool stage2_aux;            /* stage 2 too (DeepFill v1) */
    bool fuse, exact_overlap, exclude_masked, mask_down_max;        /* contextual attention */
    double softmax_scale;
} lac_deepfill_config;

typedef enum { LAC_DISC_PATCH, LAC_DISC_GLOBAL } lac_disc_kind;

typedef struct lac_sn_patchgan_config {
    lac_padding_mode mode;
    lac_disc_kind kind;         /* global: flattened, one dense layer to a single logit */
    int64_t width;
    bool full_sn_grad;          /* differentiate through the power iteration */
    int64_t height, width_px;   /* of the pictures: global alone needs them */
} lac_sn_patchgan_config;

/* Of the discriminator, what is a recipe's to choose too: the rows of its schema that do not follow from the generator's. */
#define LAC_SN_PATCHGAN_KEYS                                                                                                              \
    { "width", LAC_KEY_INT, "64", .min = 1, .max = 1024, .help = "filters of the first layer" },                                          \
    { "sn_grad", LAC_KEY_STR, "\"detached\"", .choices = "detached|full", .help = "spectral norm's gradient: power iteration constant, or differentiated" }

/* Schemas of the generator and of the discriminator's network keys. */
extern const lac_key lac_deepfill_keys[], lac_sn_patchgan_keys[];

lac_status lac_deepfill_configure(lac_deepfill_config *c, const json_t *resolved);
/* Keys that a schema lacks: mode "tf", kind "patch"; the size of the pictures is the caller's to say. */
lac_status lac_sn_patchgan_configure(lac_sn_patchgan_config *c, const json_t *resolved);
