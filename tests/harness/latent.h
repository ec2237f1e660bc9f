/* tests/harness/latent.h -- the smallest latent inpainter with a text encoder: what it takes to paint, not what it looks like. */
#pragma once

#include "models/inpainter.h"

/* unet2d-condition of two levels, autoencoder-kl that halves the sides, and `encoder`, "clip-text" with the tokenizer of data/stamps or "bert-encoder" with
 * tests/golden/text/bert, prompts of 77 ids; every weight drawn. def: "sd-inpaint", or one whose UNet has as many channels in as out. config: of the
 * inpainter, as JSON. */
void lac_test_latent(lac_inpainter *ip, const lac_inpainter_def *def, const char *encoder, const char *config);

/* Every weight of its networks is drawn, those too that are zero in a fresh one: a UNet whose last layer is zero hears nothing. */
void lac_test_latent_draw(lac_inpainter *ip);
