/* models/deepfill/official.h -- DeepFill v2's weights under the names and layouts of the authors' TensorFlow checkpoints
 * (deepfillv2.md 1.8), and what files of either names tell of the config.
 *
 *     conv1.weight              [O, I, kh, kw]     inpaint_net/conv1/kernel                                   [kh, kw, I, O]
 *     conv13_upsample.bias      [O]                inpaint_net/conv13_upsample/conv13_upsample_conv/bias      [O]
 *     discriminator conv1.u     [O]                discriminator/sn_patch_gan/conv1/kernel_sn/u               [1, O]
 *
 * The TensorFlow file itself is not read: its tensors are expected in a safetensors file, as they are. Tensors of the other network and the
 * optimizer's slots, which official checkpoints carry, are passed over. The global discriminator's last layer has no official name. */
#pragma once

#include "models/network_format.h"

/* "probe": own names, alone or after "generator." / "discriminator."; "tf": official ones. cnum, conv, input_aux and stage2_aux of the
 * generator, width of the discriminator are inferred. */
extern const lac_network_format lac_deepfill_formats[], lac_sn_patchgan_formats[];
