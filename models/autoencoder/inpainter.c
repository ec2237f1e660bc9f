#include "models/inpainter.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "models/autoencoder/autoencoder.h"

/* Of the posterior's mean, or of the nearest codes: nothing is drawn. */
static lac_tensor *paint(const lac_inpainter *ip, lac_tape *t, lac_tensor *image, lac_tensor *mask)
{
    const lac_autoencoder *a = ip->network[0].model;
    const lac_channel_affine_attr in = { { 1, 1, 1 }, { 0 }, a->ps->dtype }, out = { { 1, 1, 1 }, { 0 }, LAC_F32 };
    lac_tensor *z = lac_autoencoder_encode(t, a, lac_channel_affine(t, image, &in));
    z = a->codebook != NULL ? lac_autoencoder_quantize(t, a, z).quantized : lac_gaussian(t, z, NULL).sample;
    return (void)mask, lac_channel_affine(t, lac_autoencoder_decode(t, a, z), &out);
}

/* 32: whatever up to six levels make of a side. */
const lac_inpainter_def lac_inpainter_autoencoder = {
    "autoencoder", "a first stage: pictures through their latents and back", .role = { { "autoencoder", "autoencoder-kl|vqgan" } }, .multiple = 32,
    .whole = true, .paint = paint,
};
