/* The patch discriminator, and an autoencoder's losses with it. */
#include "cli/probe/probe.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/gan_loss/gan_loss.h"
#include "autograd/ops/gaussian/gaussian.h"
#include "autograd/ops/l1_loss/l1_loss.h"
#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/norm_ratio/norm_ratio.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "models/lpips/lpips.h"
#include "models/patchgan/patchgan.h"

#include <stdio.h>
#include <string.h>

/* ---- patchgan ---- */

static lac_key patchgan_keys[8];

__attribute__((constructor)) static void make_keys(void)
{
    lac_key *to = patchgan_keys;
    for (const lac_key *k = lac_patchgan_keys; k->name != NULL; k++)
        *to++ = *k;
    *to++ = (lac_key){ "training", LAC_KEY_BOOL, "true", .help = "norms by the batch's statistics, and the new running ones come out" };
    *to = (lac_key){ NULL };
}

static const lac_port image_port[] = { { "image", LAC_LAYOUT_IMAGE, 4, 0, "[B,input_nc,H,W]" }, { NULL } };

/* Named after the input, not after a layer. */
static lac_status check_image(const lac_patchgan *d, const lac_tensor *image)
{
    const int64_t channels = d->conv[0].weight->value->dim[3];
    if (image->dim[3] != channels)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'image' has %lld channels, expected %lld", (long long)image->dim[3], (long long)channels);
    return lac_patchgan_logits(d, image->dim[1], image->dim[2]) > 0 ? LAC_OK
         : LAC_FAIL(LAC_ERR_SHAPE, "input 'image' of %lld x %lld pixels is too small for so many layers", (long long)image->dim[1], (long long)image->dim[2]);
}

static lac_status out_statistics(lac_probe *p, lac_tape *t, const lac_patchgan *d, const lac_patchgan_state *state)
{
    for (int i = 1; i < d->n_convs - 1; i++) {
        LAC_TRY(lac_probe_out_into(p, t, d->norm[i].mean->name, LAC_LAYOUT_PLAIN, state->norm[i].mean, NULL, true));
        LAC_TRY(lac_probe_out_into(p, t, d->norm[i].var->name, LAC_LAYOUT_PLAIN, state->norm[i].var, NULL, true));
    }
    return LAC_OK;
}

static lac_status forward_patchgan(lac_probe *p, lac_tape *t)
{
    const lac_patchgan *d = lac_probe_model(p, 0);
    const bool training = lac_config_bool(p->config, "training");
    lac_patchgan_state state = { 0 };
    LAC_TRY(check_image(d, lac_probe_host(p, "image")));
    lac_tensor *logits = lac_patchgan_forward(t, d, lac_probe_tensor(p, "image"), training, &state);
    LAC_TRY(lac_probe_out(p, t, "logits", LAC_LAYOUT_IMAGE, logits));
    return training ? out_statistics(p, t, d, &state) : LAC_OK;
}

const lac_kind lac_kind_patchgan = { "patchgan", "patch discriminator with batch normalisation", patchgan_keys, image_port,
                                     "logits, main.I.running_mean, main.I.running_var", .network = &lac_network_patchgan, .forward = forward_patchgan };

/* ---- vae-loss ---- */

enum { DISCRIMINATOR, PERCEPTUAL };

static const lac_key loss_keys[] = {
    { "type", LAC_KEY_STR, "\"kl\"", .choices = "kl|vq", .help = "sums and the posterior's divergence, or means and the codebook's loss" },
    { "phase", LAC_KEY_STR, "\"generator\"", .choices = "generator|discriminator", .help = "whose loss" },
    { "disc_start", LAC_KEY_INT, "50001", .help = "the first step that the discriminator counts in" },
    { "disc_factor", LAC_KEY_NUM, "1", .help = "of everything adversarial from then on" },
    { "disc_weight", LAC_KEY_NUM, "0.5", .help = "times the adaptive weight" },
    { "disc_loss", LAC_KEY_STR, "\"hinge\"", .choices = "hinge|vanilla", .help = "of the discriminator" },
    { "disc_num_layers", LAC_KEY_INT, "3", .min = 1, .max = LAC_PATCHGAN_CONVS - 2, .help = "patchgan's n_layers" },
    { "disc_in_channels", LAC_KEY_INT, "3", .min = 3, .max = 3, .help = "patchgan's input_nc" },
    { "ndf", LAC_KEY_INT, "64", .min = 1, .max = 1024, .help = "patchgan's" },
    { "perceptual_weight", LAC_KEY_NUM, "1", .min = 0, .max = 1e9, .help = "of LPIPS (vgg); above 0 --weights has its network" },
    { "kl_weight", LAC_KEY_NUM, "1e-6", .help = "of the divergence, a sum by sample" },
    { "codebook_weight", LAC_KEY_NUM, "1", .help = "of codebook_loss" },
    { NULL },
};

static const lac_port loss_ports[] = {
    { "image", LAC_LAYOUT_IMAGE, 4, LAC_PORT_F32, "[B,3,H,W]" }, { "hidden", LAC_LAYOUT_IMAGE, 4, 0, "[B,C,H,W]" },
    { "conv_out.weight", LAC_LAYOUT_CONV, 4, LAC_PORT_PARAMETER, "[3,C,3,3]" }, { "conv_out.bias", LAC_LAYOUT_PLAIN, 1, LAC_PORT_F32 | LAC_PORT_PARAMETER, "[3]" },
    { "moments", LAC_LAYOUT_IMAGE, 4, LAC_PORT_OPTIONAL | LAC_PORT_F32, "[B,2z,h,w]" }, { "codebook_loss", LAC_LAYOUT_PLAIN, 0, LAC_PORT_OPTIONAL | LAC_PORT_F32, "[]" },
    { "step", LAC_LAYOUT_PLAIN, 0, LAC_PORT_I64, "[]" }, { NULL },
};

static bool is(const lac_probe *p, const char *key, const char *word) { return strcmp(lac_config_str(p->config, key), word) == 0; }

static lac_status check_loss_inputs(const lac_probe *p)
{
    const lac_tensor *image = lac_probe_host(p, "image"), *hidden = lac_probe_host(p, "hidden"), *weight = lac_probe_host(p, "conv_out.weight");
    const lac_tensor *moments = lac_probe_host(p, "moments");
    const char *wanted = is(p, "type", "kl") ? "moments" : "codebook_loss", *other = is(p, "type", "kl") ? "codebook_loss" : "moments";
    if (lac_probe_host(p, wanted) == NULL)
        return LAC_FAIL(LAC_ERR_KEY, "input '%s' is missing: type \"%s\" wants it", wanted, lac_config_str(p->config, "type"));
    if (lac_probe_host(p, other) != NULL)
        return LAC_FAIL(LAC_ERR_KEY, "'%s' is not an input of type \"%s\"", other, lac_config_str(p->config, "type"));
    if (memcmp(hidden->dim, image->dim, 3 * sizeof *hidden->dim) != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'hidden' is [%lld,.,%lld,%lld], 'image' [%lld,.,%lld,%lld]", (long long)hidden->dim[0], (long long)hidden->dim[1],
                        (long long)hidden->dim[2], (long long)image->dim[0], (long long)image->dim[1], (long long)image->dim[2]);
    if (weight->dim[3] != hidden->dim[3])
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'conv_out.weight' is of %lld channels, 'hidden' has %lld", (long long)weight->dim[3], (long long)hidden->dim[3]);
    if (moments != NULL && (moments->dim[0] != image->dim[0] || moments->dim[3] % 2 != 0))
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'moments' is [%lld,%lld,.,.], expected [%lld,2z,.,.]", (long long)moments->dim[0], (long long)moments->dim[3],
                        (long long)image->dim[0]);
    return image->dim[0] > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_SHAPE, "input 'image' has no pictures: there is no mean of their losses");
}

static lac_status open_network(lac_probe *p, const lac_network_def *def, const char *name, const char *prefix, json_t *config)
{
    const lac_status s = config == NULL ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config of %s", name) : lac_probe_network(p, def, name, prefix, config);
    json_decref(config);
    return s;
}

static lac_status open_loss(lac_probe *p)
{
    LAC_TRY(check_loss_inputs(p));
    json_t *c = json_pack("{sI sI sI}", "input_nc", (json_int_t)lac_config_int(p->config, "disc_in_channels"), "ndf", (json_int_t)lac_config_int(p->config, "ndf"),
                          "n_layers", (json_int_t)lac_config_int(p->config, "disc_num_layers"));
    LAC_TRY(open_network(p, &lac_network_patchgan, "discriminator", "discriminator.", c));
    p->net[DISCRIMINATOR].params->frozen = is(p, "phase", "generator");
    if (lac_config_num(p->config, "perceptual_weight") > 0) {
        LAC_TRY(open_network(p, &lac_network_lpips, "perceptual_loss", "perceptual_loss.", json_pack("{ss}", "net", "vgg")));
        p->net[PERCEPTUAL].params->frozen = true;
    }
    return check_image(lac_probe_model(p, DISCRIMINATOR), lac_probe_host(p, "image"));
}

static lac_tensor *times(lac_tape *t, lac_tensor *x, double weight) { return lac_weighted_sum(t, &x, (float[]){ (float)weight }, 1); }
static lac_tensor *mean_logit(lac_tape *t, lac_tensor *x, lac_gan_term term) { return lac_tape_status(t) != LAC_OK ? NULL : times(t, lac_gan_loss(t, x, term), 1 / (double)lac_numel(x)); }

static lac_tensor *decoded(lac_probe *p, lac_tape *t)
{
    const lac_conv2d_attr a = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .pad = { 1, 1, 1, 1 }, .groups = 1 };
    return lac_conv2d(t, lac_probe_tensor(p, "hidden"), lac_probe_tensor(p, "conv_out.weight"), lac_probe_tensor(p, "conv_out.bias"), NULL, &a);
}

/* disc_factor from disc_start on, before it 0. */
static double factor(const lac_probe *p)
{
    const int64_t step = *(const int64_t *)lac_probe_host(p, "step")->data;
    return step >= lac_config_int(p->config, "disc_start") ? lac_config_num(p->config, "disc_factor") : 0;
}

/* Of kl the sum over everything by picture, of vq the mean; a picture's LPIPS counts at each of its values. */
static lac_tensor *reconstruction(lac_probe *p, lac_tape *t, lac_tensor *made)
{
    lac_tensor *image = lac_probe_tensor(p, "image");
    const double weight = lac_config_num(p->config, "perceptual_weight"), n = (double)image->dim[0], values = (double)lac_numel(image) / n;
    const double per = is(p, "type", "kl") ? 1 / n : 1 / (n * values);
    lac_tensor *part[2] = { lac_l1_loss(t, image, made, NULL, LAC_REGION_ALL, NULL), NULL };
    if (!(weight > 0))
        return times(t, part[0], per);
    part[1] = lac_gan_loss(t, lac_lpips_forward(t, lac_probe_model(p, PERCEPTUAL), image, made, NULL), LAC_LOGIT_PLUS);
    return lac_weighted_sum(t, part, (float[]){ (float)per, (float)(per * weight * values) }, 2);
}

/* |d nll / d W| by |d g / d W|, a constant. */
static lac_status adaptive_weight(lac_probe *p, lac_tape *t, lac_tensor *nll, lac_tensor *g, lac_tensor **weight)
{
    static const float one = 1;
    lac_tensor *w = lac_probe_tensor(p, "conv_out.weight"), *of_nll, *of_g;
    LAC_TRY(lac_tape_status(t));
    if (!p->want_grad)
        lac_tape_watch(t, w);
    LAC_TRY(lac_grad(t, &(lac_root){ .y = nll, .seed = &one }, 1, &w, 1, &of_nll));
    LAC_TRY(lac_grad(t, &(lac_root){ .y = g, .seed = &one }, 1, &w, 1, &of_g));
    *weight = times(t, lac_norm_ratio(t, of_nll, of_g, &(lac_norm_ratio_attr){ 1e-4f, 1e4f }), lac_config_num(p->config, "disc_weight"));
    return lac_tape_status(t);
}

static lac_status generator(lac_probe *p, lac_tape *t)
{
    lac_patchgan_state state = { 0 };
    lac_tensor *weight, *made = decoded(p, t), *nll = reconstruction(p, t, made);
    lac_tensor *logits = lac_patchgan_forward(t, lac_probe_model(p, DISCRIMINATOR), made, true, &state), *g = mean_logit(t, logits, LAC_LOGIT_MINUS);
    LAC_TRY(adaptive_weight(p, t, nll, g, &weight));
    const lac_tensor *moments = lac_probe_host(p, "moments");
    lac_tensor *kl = moments != NULL ? times(t, lac_gan_loss(t, lac_gaussian(t, lac_probe_tensor(p, "moments"), NULL).kl, LAC_LOGIT_PLUS), 1 / (double)moments->dim[0]) : NULL;
    lac_tensor *one_g = lac_reshape(t, g, 1, (int64_t[]){ 1 }), *lambda = lac_reshape(t, weight, 1, (int64_t[]){ 1 });
    lac_tensor *part[3] = { nll, lac_reshape(t, lac_lincomb(t, lambda, &one_g, 1, LAC_F32), 0, NULL), kl != NULL ? kl : lac_probe_tensor(p, "codebook_loss") };
    const float weights[3] = { 1, (float)factor(p), (float)lac_config_num(p->config, kl != NULL ? "kl_weight" : "codebook_weight") };
    LAC_TRY(lac_probe_out(p, t, "loss", LAC_LAYOUT_PLAIN, lac_weighted_sum(t, part, weights, 3)));
    LAC_TRY(lac_probe_out(p, t, "nll", LAC_LAYOUT_PLAIN, nll));
    LAC_TRY(lac_probe_out(p, t, "g", LAC_LAYOUT_PLAIN, g));
    LAC_TRY(lac_probe_out_into(p, t, "adaptive_weight", LAC_LAYOUT_PLAIN, weight, NULL, true));
    LAC_TRY(lac_probe_out(p, t, "logits_fake", LAC_LAYOUT_IMAGE, logits));
    return kl != NULL ? lac_probe_out(p, t, "kl", LAC_LAYOUT_PLAIN, kl) : LAC_OK;
}

static lac_status discriminator(lac_probe *p, lac_tape *t)
{
    const lac_patchgan *d = lac_probe_model(p, DISCRIMINATOR);
    const bool hinge = is(p, "disc_loss", "hinge");
    const float half = (float)(0.5 * factor(p));
    lac_patchgan_state state = { 0 };
    lac_tensor *image = lac_channel_affine(t, lac_detach(t, lac_probe_tensor(p, "image")), &(lac_channel_affine_attr){ { 1, 1, 1 }, { 0 }, p->dtype });
    lac_tensor *real = lac_patchgan_forward(t, d, image, true, &state);
    lac_tensor *fake = lac_patchgan_forward(t, d, lac_detach(t, decoded(p, t)), true, &state);
    lac_tensor *part[2] = { mean_logit(t, real, hinge ? LAC_HINGE_REAL : LAC_SOFTPLUS_REAL), mean_logit(t, fake, hinge ? LAC_HINGE_FAKE : LAC_SOFTPLUS_FAKE) };
    LAC_TRY(lac_probe_out_into(p, t, "loss", LAC_LAYOUT_PLAIN, lac_weighted_sum(t, part, (float[]){ half, half }, 2), d->params, false));
    LAC_TRY(lac_probe_out_into(p, t, "logits_real", LAC_LAYOUT_IMAGE, real, d->params, false));
    return lac_probe_out_into(p, t, "logits_fake", LAC_LAYOUT_IMAGE, fake, d->params, false);
}

static lac_status forward_loss(lac_probe *p, lac_tape *t) { return is(p, "phase", "generator") ? generator(p, t) : discriminator(p, t); }

const lac_kind lac_kind_vae_loss = { "vae-loss", "an autoencoder's objectives: L1, LPIPS, divergence or codebook, and a discriminator's", loss_keys, loss_ports,
                                     "loss, nll, g, adaptive_weight, logits_fake, kl; of the discriminator loss, logits_real, logits_fake",
                                     .open = open_loss, .forward = forward_loss };
