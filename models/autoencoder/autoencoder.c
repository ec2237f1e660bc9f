#include "models/autoencoder/autoencoder.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/embedding/embedding.h"

static const lac_act_fn no_act = { .kind = LAC_ACT_NONE };

static lac_tensor *fail(lac_tape *t, const lac_tensor *x, const char *what, int64_t channels, int64_t multiple)
{
    return lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "%s is %s, expected %lld channels and height and width a multiple of %lld", what, lac_shape_str(x),
                                     (long long)channels, (long long)multiple));
}

static bool fits(const lac_tensor *x, int64_t channels, int64_t multiple)
{
    return x->ndim == 4 && x->dim[3] == channels && x->dim[1] > 0 && x->dim[2] > 0 && x->dim[1] % multiple == 0 && x->dim[2] % multiple == 0;
}

lac_tensor *lac_autoencoder_encode(lac_tape *t, const lac_autoencoder *a, lac_tensor *image)
{
    if (image == NULL)
        return NULL;
    if (!fits(image, a->in, a->factor))
        return fail(t, image, "image", a->in, a->factor);
    lac_tape_enter(t, a->ps->name);
    lac_tensor *h = lac_picture_encoder_forward(t, &a->encoder, image);
    if (a->quant_conv.weight != NULL)
        h = lac_conv_layer_forward(t, &a->quant_conv, h, NULL, no_act);
    lac_tape_leave(t);
    return h;
}

lac_tensor *lac_autoencoder_decode(lac_tape *t, const lac_autoencoder *a, lac_tensor *latent)
{
    if (latent == NULL)
        return NULL;
    if (!fits(latent, a->z, 1))
        return fail(t, latent, "latent", a->z, 1);
    lac_tape_enter(t, a->ps->name);
    if (a->post_quant_conv.weight != NULL)
        latent = lac_conv_layer_forward(t, &a->post_quant_conv, latent, NULL, no_act);
    lac_tensor *y = lac_picture_decoder_forward(t, &a->decoder, latent);
    lac_tape_leave(t);
    return y;
}

lac_vector_quantize_out lac_autoencoder_quantize(lac_tape *t, const lac_autoencoder *a, lac_tensor *z)
{
    return lac_vector_quantize(t, z, a->codebook->value, &a->loss);
}

lac_tensor *lac_autoencoder_codes(lac_tape *t, const lac_autoencoder *a, lac_tensor *ids)
{
    lac_tensor *e = lac_embedding(t, a->codebook->value, ids);
    return a->ps->dtype == LAC_F32 ? e : lac_scaled(t, e, 1, a->ps->dtype);
}

lac_tensor *lac_autoencoder_latent(lac_tape *t, const lac_autoencoder *a, lac_tensor *moments, lac_tensor *noise)
{
    lac_tensor *x = a->codebook != NULL ? moments : lac_gaussian(t, moments, noise).sample;
    return lac_scaled(t, x, a->scaling[0], LAC_F32);
}

lac_tensor *lac_autoencoder_unscaled(lac_tape *t, const lac_autoencoder *a, lac_tensor *latent)
{
    lac_tensor *x = lac_scaled(t, latent, a->scaling[1], a->ps->dtype);
    return a->codebook != NULL ? lac_autoencoder_quantize(t, a, x).quantized : x;
}

lac_tensor *lac_autoencoder_picture(lac_tape *t, const lac_autoencoder *a, lac_tensor *latent)
{
    return lac_autoencoder_decode(t, a, lac_autoencoder_unscaled(t, a, latent));
}
