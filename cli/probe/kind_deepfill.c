/* The generator, the discriminator, and both with the losses of one iteration. */
#include "cli/probe/probe.h"

#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/gan_loss/gan_loss.h"
#include "autograd/ops/l1_loss/l1_loss.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "models/deepfill/generator.h"
#include "models/deepfill/sn_patchgan.h"

#include <stdio.h>

static const lac_port image_ports[] = {
    { "image", LAC_LAYOUT_IMAGE, 4, 0, "[B,3,H,W]" }, { "mask", LAC_LAYOUT_IMAGE, 4, LAC_PORT_NO_GRAD, "[B or 1,1,H,W]" }, { NULL },
};

static lac_status out_image(lac_probe *p, lac_tape *t, const char *name, lac_tensor *y) { return lac_probe_out(p, t, name, LAC_LAYOUT_IMAGE, y); }

static lac_status forward_generator(lac_probe *p, lac_tape *t)
{
    const lac_deepfill_out y = lac_deepfill_forward(t, lac_probe_model(p, 0), lac_probe_tensor(p, "image"), lac_probe_tensor(p, "mask"));
    LAC_TRY(out_image(p, t, "x1", y.x1));
    LAC_TRY(out_image(p, t, "x2", y.x2));
    return out_image(p, t, "complete", y.complete);
}

/* The network's own, but for a width of null: here it is a number or is not given. */
static lac_key deepfill_keys[16];

const lac_kind lac_kind_deepfillv2 = { "deepfillv2", "two-stage gated generator with contextual attention", deepfill_keys, image_ports,
                                       "x1, x2, complete", .network = &lac_network_deepfill, .forward = forward_generator };

static const lac_key update_key[] = { { "update_u", LAC_KEY_BOOL, "true", .help = "convN.u of OUT is the new vector, else the stored one" }, { NULL } };

/* A schema made of several, in fixed memory of the caller. */
static void join(lac_key *to, const lac_key *const *parts, int n)
{
    for (int i = 0; i < n; i++)
        for (const lac_key *k = parts[i]; k->name != NULL; k++)
            *to++ = *k;
    *to = (lac_key){ NULL };
}

static lac_key patchgan_keys[16];

__attribute__((constructor)) static void make_keys(void)
{
    join(patchgan_keys, (const lac_key *const[]){ lac_sn_patchgan_keys, update_key }, 2);
    join(deepfill_keys, (const lac_key *const[]){ lac_deepfill_keys }, 1);
    for (lac_key *k = deepfill_keys; k->name != NULL; k++)
        if (k->type & LAC_KEY_NULL) {
            k->type &= ~(unsigned)LAC_KEY_NULL;
            k->value = "";
        }
}

static lac_tensor *with_mask(lac_tape *t, const lac_probe *p, lac_tensor *image, lac_tensor *mask)
{
    return lac_composite(t, NULL, image, mask, &(lac_composite_attr){ .whole = true, .append_mask = true, .dtype = p->dtype });
}

static lac_status out_vectors(lac_probe *p, lac_tape *t, const lac_sn_patchgan *d, const lac_sn_patchgan_out *y)
{
    char name[32];
    for (int i = 0; i < d->n_layers; i++) {
        snprintf(name, sizeof name, "%s.u", d->layer[i].conv.name);
        lac_tensor *u = lac_config_bool(p->config, "update_u") ? y->u[i] : d->layer[i].u->value;
        LAC_TRY(lac_probe_out_into(p, t, name, LAC_LAYOUT_PLAIN, u, NULL, true));
    }
    return LAC_OK;
}

static lac_status forward_patchgan(lac_probe *p, lac_tape *t)
{
    const lac_sn_patchgan *d = lac_probe_model(p, 0);
    const lac_tensor *image = lac_probe_host(p, "image");
    if (image->dim[1] < 1 || image->dim[2] < 1 || image->dim[3] != 3)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'image' must be [N,3,H,W] with pixels, found %lld channels of %lld x %lld", (long long)image->dim[3],
                        (long long)image->dim[1], (long long)image->dim[2]);
    const lac_sn_patchgan_out y = lac_sn_patchgan_forward(t, d, with_mask(t, p, lac_probe_tensor(p, "image"), lac_probe_tensor(p, "mask")));
    lac_tensor *sigma[LAC_SN_LAYERS];
    LAC_TRY(lac_tape_status(t));
    for (int i = 0; i < d->n_layers; i++)
        sigma[i] = lac_reshape(t, y.sigma[i], 1, (int64_t[]){ 1 });
    LAC_TRY(out_image(p, t, "logits", y.logits));
    LAC_TRY(lac_probe_out(p, t, "sigma", LAC_LAYOUT_PLAIN, lac_concat(t, sigma, d->n_layers, 0)));
    return out_vectors(p, t, d, &y);
}

const lac_kind lac_kind_sn_patchgan = { "sn-patchgan", "spectral-norm patch discriminator", patchgan_keys, image_ports,
                                        "logits, sigma, conv1.u .. conv6.u", .network = &lac_network_sn_patchgan, .forward = forward_patchgan };

static const lac_key gan_keys[] = {
    { "cnum", LAC_KEY_INT, "48", .min = 2, .max = 1024, .help = "filters of the generator's first layer" },
    { "width", LAC_KEY_INT, "64", .min = 1, .max = 1024, .help = "filters of the discriminator's first layer" },
    { "gan_weight", LAC_KEY_NUM, "1", .help = "of the adversarial term" },
    { "l1_weight", LAC_KEY_NUM, "1", .help = "of both L1 terms" },
    { NULL },
};

enum { GENERATOR, DISCRIMINATOR };

static lac_status open_gan(lac_probe *p)
{
    LAC_TRY(lac_probe_network(p, &lac_network_deepfill, "generator", "generator.", NULL));
    return lac_probe_network(p, &lac_network_sn_patchgan, "discriminator", "discriminator.", NULL);
}

static lac_tensor *scaled(lac_tape *t, lac_tensor *sum, double weight) { return lac_weighted_sum(t, &sum, (float[]){ (float)weight }, 1); }

static lac_status forward_gan(lac_probe *p, lac_tape *t)
{
    const lac_deepfill *g_net = lac_probe_model(p, GENERATOR);
    const lac_sn_patchgan *d_net = lac_probe_model(p, DISCRIMINATOR);
    lac_tensor *image = lac_probe_tensor(p, "image"), *mask = lac_probe_tensor(p, "mask");
    const lac_deepfill_out y = lac_deepfill_forward(t, g_net, image, mask);
    LAC_TRY(lac_tape_status(t));
    lac_tensor *pair[2] = { with_mask(t, p, image, mask), with_mask(t, p, y.complete, mask) };
    lac_tensor *logits = lac_sn_patchgan_forward(t, d_net, lac_concat(t, pair, 2, 0)).logits;
    LAC_TRY(lac_tape_status(t));
    lac_tensor *real = lac_rows(t, logits, 0, image->dim[0]), *fake = lac_rows(t, logits, image->dim[0], image->dim[0]);
    const double n = (double)lac_numel(logits) / 2, pixels = (double)lac_numel(image);
    lac_tensor *d[2] = { scaled(t, lac_gan_loss(t, real, LAC_HINGE_REAL), 0.5 / n), scaled(t, lac_gan_loss(t, fake, LAC_HINGE_FAKE), 0.5 / n) };
    lac_tensor *g[3] = { scaled(t, lac_gan_loss(t, fake, LAC_LOGIT_MINUS), 1 / n),
                         scaled(t, lac_l1_loss(t, y.x1, image, NULL, LAC_REGION_ALL, NULL), 1 / pixels),
                         scaled(t, lac_l1_loss(t, y.x2, image, NULL, LAC_REGION_ALL, NULL), 1 / pixels) };
    const float l1 = (float)lac_config_num(p->config, "l1_weight"), adversarial = (float)lac_config_num(p->config, "gan_weight");
    LAC_TRY(lac_probe_out_into(p, t, "d_loss", LAC_LAYOUT_PLAIN, lac_weighted_sum(t, d, (float[]){ 1, 1 }, 2), d_net->params, false));
    LAC_TRY(lac_probe_out_into(p, t, "g_loss", LAC_LAYOUT_PLAIN, lac_weighted_sum(t, g, (float[]){ adversarial, l1, l1 }, 3), g_net->params, false));
    LAC_TRY(lac_probe_out_into(p, t, "l1_coarse", LAC_LAYOUT_PLAIN, g[1], NULL, true));
    LAC_TRY(lac_probe_out_into(p, t, "l1_refine", LAC_LAYOUT_PLAIN, g[2], NULL, true));
    LAC_TRY(lac_probe_out_into(p, t, "x1", LAC_LAYOUT_IMAGE, y.x1, NULL, true));
    LAC_TRY(lac_probe_out_into(p, t, "x2", LAC_LAYOUT_IMAGE, y.x2, NULL, true));
    return lac_probe_out_into(p, t, "complete", LAC_LAYOUT_IMAGE, y.complete, NULL, true);
}

static const lac_port gan_ports[] = {
    { "image", LAC_LAYOUT_IMAGE, 4, LAC_PORT_NO_GRAD, "[B,3,H,W]" }, { "mask", LAC_LAYOUT_IMAGE, 4, LAC_PORT_NO_GRAD, "[B or 1,1,H,W]" }, { NULL },
};

const lac_kind lac_kind_deepfillv2_gan = { "deepfillv2-gan", "both networks and both losses of one iteration", gan_keys, gan_ports,
                                           "d_loss, g_loss, l1_coarse, l1_refine, x1, x2, complete", .open = open_gan, .forward = forward_gan };
