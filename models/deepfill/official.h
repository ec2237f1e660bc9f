/* models/deepfill/official.h -- DeepFill v2's weights under the names and layouts of the authors' TensorFlow checkpoints
 * (deepfillv2.md 1.8).
 *
 *     conv1.weight              [O, I, kh, kw]     inpaint_net/conv1/kernel                                   [kh, kw, I, O]
 *     conv13_upsample.bias      [O]                inpaint_net/conv13_upsample/conv13_upsample_conv/bias      [O]
 *     discriminator conv1.u     [O]                discriminator/sn_patch_gan/conv1/kernel_sn/u               [1, O]
 *
 * The TensorFlow file itself is not read: its tensors are expected in a safetensors file, as they are. */
#pragma once

#include "models/model_file.h"

struct lac_weights;

/* Whether a file holds the official generator's names. */
bool lac_deepfill_official(const struct lac_weights *w);

/* Adds the tensors of a network named "generator", "deepfill" (an inpainter's) or "discriminator". LAC_ERR_KEY for a parameter without
 * an official name (the global discriminator's last layer). keep as in lac_model_add. */
lac_status lac_deepfill_official_add(struct lac_weights_writer *w, const lac_params *ps, lac_dtype d, lac_borrowed *keep);

/* Loads the generator. Missing, surplus and misshapen keys are one error that lists all, first twenty by name; the discriminator's
 * tensors and the optimizer's slots, which official checkpoints carry, are passed over. Nothing is written before all was checked. */
lac_status lac_deepfill_official_load(lac_params *ps, const struct lac_weights *w);

/* *config (a new reference) gets `cnum`, `conv`, `input_aux` and `stage2_aux`, as far as the shapes tell; names official, or ours after
 * `prefix`. The schema's defaults stand for the rest. */
lac_status lac_deepfill_infer_config(const struct lac_weights *w, const char *prefix, json_t **config);
