/* First stages of latent diffusion: AutoencoderKL and VQGAN. */
#include "cli/probe/probe.h"

#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "models/autoencoder/autoencoder.h"

/* Maps of an input: what its channels must be, and of what its height and width must be multiples. */
static lac_status check_map(const lac_probe *p, const char *name, int64_t channels, int64_t multiple)
{
    const lac_tensor *x = lac_probe_host(p, name);
    if (x == NULL)
        return LAC_OK;
    if (x->dim[3] != channels)
        return LAC_FAIL(LAC_ERR_ARG, "input '%s' has %lld channels, expected %lld", name, (long long)x->dim[3], (long long)channels);
    return x->dim[1] > 0 && x->dim[2] > 0 && x->dim[1] % multiple == 0 && x->dim[2] % multiple == 0 ? LAC_OK
         : LAC_FAIL(LAC_ERR_ARG, "input '%s' is %lld x %lld, expected height and width a multiple of %lld", name, (long long)x->dim[1], (long long)x->dim[2],
                    (long long)multiple);
}

static lac_status out_image(lac_probe *p, lac_tape *t, const char *name, lac_tensor *y) { return lac_probe_out(p, t, name, LAC_LAYOUT_IMAGE, y); }

/* ---- autoencoder-kl ---- */

static lac_status check_noise(const lac_probe *p, const lac_autoencoder *a)
{
    const lac_tensor *image = lac_probe_host(p, "image"), *noise = lac_probe_host(p, "noise");
    if (noise == NULL)
        return LAC_OK;
    if (image == NULL)
        return LAC_FAIL(LAC_ERR_KEY, "input 'noise' is given without 'image', whose sample it makes");
    const int64_t want[4] = { image->dim[0], image->dim[1] / a->factor, image->dim[2] / a->factor, a->z };
    for (int i = 0; i < 4; i++)
        if (noise->dim[i] != want[i])
            return LAC_FAIL(LAC_ERR_ARG, "input 'noise' is %s, expected %s", lac_dims_str(4, (int64_t[]){ noise->dim[0], noise->dim[3], noise->dim[1], noise->dim[2] }),
                            lac_dims_str(4, (int64_t[]){ want[0], want[3], want[1], want[2] }));
    return LAC_OK;
}

static lac_status encode(lac_probe *p, lac_tape *t, const lac_autoencoder *a, lac_tensor **sample)
{
    lac_tensor *noise = lac_probe_tensor(p, "noise"), *moments = lac_autoencoder_encode(t, a, lac_probe_tensor(p, "image"));
    LAC_TRY(lac_tape_status(t));
    const lac_gaussian_out g = lac_gaussian(t, moments, noise);
    LAC_TRY(out_image(p, t, "moments", moments));
    LAC_TRY(out_image(p, t, "mean", g.mean));
    LAC_TRY(out_image(p, t, "logvar", g.logvar));
    LAC_TRY(lac_probe_out(p, t, "kl", LAC_LAYOUT_PLAIN, g.kl));
    *sample = noise != NULL ? g.sample : NULL;
    return noise != NULL ? out_image(p, t, "sample", g.sample) : LAC_OK;
}

static lac_status forward_kl(lac_probe *p, lac_tape *t)
{
    const lac_autoencoder *a = lac_probe_model(p, 0);
    lac_tensor *latent = lac_probe_tensor(p, "latent"), *sample = NULL;
    if (lac_probe_host(p, "image") == NULL && latent == NULL)
        return LAC_FAIL(LAC_ERR_KEY, "autoencoder-kl wants input 'image' or 'latent', or both");
    LAC_TRY(check_map(p, "image", a->in, a->factor));
    LAC_TRY(check_map(p, "latent", a->z, 1));
    LAC_TRY(check_noise(p, a));
    if (lac_probe_host(p, "image") != NULL)
        LAC_TRY(encode(p, t, a, &sample));
    latent = latent != NULL ? latent : sample;
    return latent == NULL ? LAC_OK : out_image(p, t, "decoded", lac_autoencoder_decode(t, a, latent));
}

static const lac_port kl_ports[] = {
    { "image", LAC_LAYOUT_IMAGE, 4, LAC_PORT_OPTIONAL, "[B,in,H,W]" }, { "latent", LAC_LAYOUT_IMAGE, 4, LAC_PORT_OPTIONAL, "[B',z,h,w]" },
    { "noise", LAC_LAYOUT_IMAGE, 4, LAC_PORT_OPTIONAL | LAC_PORT_F32, "[B,z,H/f,W/f]" }, { NULL },
};

const lac_kind lac_kind_autoencoder_kl = { "autoencoder-kl", "diffusers' AutoencoderKL: posterior, divergence, reconstruction", lac_autoencoder_kl_keys, kl_ports,
                                           "moments, mean, logvar, kl, sample, decoded", .network = &lac_network_autoencoder_kl, .forward = forward_kl,
                                           .foreign = true };

/* ---- vqgan ---- */

static lac_status check_one(const lac_probe *p)
{
    const int n = (lac_probe_host(p, "image") != NULL) + (lac_probe_host(p, "latent") != NULL) + (lac_probe_host(p, "codes") != NULL);
    return n == 1 ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, "vqgan wants exactly one of the inputs 'image', 'latent' and 'codes', found %d", n);
}

static lac_status quantize(lac_probe *p, lac_tape *t, const lac_autoencoder *a, lac_tensor **quantized)
{
    lac_tensor *z = lac_autoencoder_encode(t, a, lac_probe_tensor(p, "image"));
    LAC_TRY(lac_tape_status(t));
    lac_vector_quantize_out q = lac_autoencoder_quantize(t, a, z);
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(out_image(p, t, "z", z));
    LAC_TRY(lac_probe_out_into(p, t, "indices", LAC_LAYOUT_PLAIN, q.index, NULL, true));
    *quantized = q.quantized;
    return lac_probe_out(p, t, "loss", LAC_LAYOUT_PLAIN, lac_weighted_sum(t, &q.sum, (float[]){ 1.0f / (float)lac_numel(z) }, 1));
}

static lac_status forward_vqgan(lac_probe *p, lac_tape *t)
{
    const lac_autoencoder *a = lac_probe_model(p, 0);
    const lac_tensor *codes = lac_probe_host(p, "codes");
    lac_tensor *latent = lac_probe_tensor(p, "latent");
    LAC_TRY(check_one(p));
    LAC_TRY(check_map(p, "image", a->in, a->factor));
    LAC_TRY(check_map(p, "latent", a->z, 1));
    if (codes != NULL) {
        LAC_TRY(lac_embedding_check(codes, a->codebook->value->dim[0], "codes"));
        latent = lac_autoencoder_codes(t, a, lac_probe_tensor(p, "codes"));
    } else if (latent == NULL)
        LAC_TRY(quantize(p, t, a, &latent));
    if (lac_probe_host(p, "latent") == NULL)
        LAC_TRY(out_image(p, t, "quantized", latent));
    return out_image(p, t, "decoded", lac_autoencoder_decode(t, a, latent));
}

static const lac_port vqgan_ports[] = {
    { "image", LAC_LAYOUT_IMAGE, 4, LAC_PORT_OPTIONAL, "[B,in,H,W]" }, { "latent", LAC_LAYOUT_IMAGE, 4, LAC_PORT_OPTIONAL, "[B,embed_dim,h,w]" },
    { "codes", LAC_LAYOUT_PLAIN, 3, LAC_PORT_OPTIONAL | LAC_PORT_I64, "[B,h,w]" }, { NULL },
};

const lac_kind lac_kind_vqgan = { "vqgan", "CompVis' VQGAN: codes, codebook loss, reconstruction", lac_vqgan_keys, vqgan_ports,
                                  "z, indices, quantized, loss, decoded", .network = &lac_network_vqgan, .forward = forward_vqgan };
