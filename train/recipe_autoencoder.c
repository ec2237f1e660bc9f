/* First stages of latent diffusion, AutoencoderKL and VQGAN (arXiv:2112.10752, arXiv:2012.09841), as latent-diffusion trains them (instinpaint.md 2.3):
 * reconstruction, LPIPS, divergence or codebook, and a patch discriminator whose weight follows from gradients. */
#include "train/recipe.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/gan_loss/gan_loss.h"
#include "autograd/ops/l1_loss/l1_loss.h"
#include "autograd/ops/mse_loss/mse_loss.h"
#include "autograd/ops/norm_ratio/norm_ratio.h"
#include "autograd/ops/rank_sum/rank_sum.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "core/memory.h"
#include "models/autoencoder/autoencoder.h"
#include "models/lpips/lpips.h"
#include "models/patchgan/patchgan.h"

#include <string.h>

typedef struct autoencoder {
    const lac_autoencoder *a;
    const lac_lpips *lpips;                 /* NULL: without */
    const lac_patchgan *d;                  /* NULL: without */
    bool squared, vanilla;
    int64_t start;                          /* the first step that the discriminator has a part in */
    double weight;                          /* of what it says, beside the adaptive one */
} autoencoder;

enum { IMAGE, NOISE };
enum { G_REC, G_LATENT };                   /* of the phase g; then, where they are, LPIPS and the discriminator's */
enum { D_REAL, D_FAKE };

static const char with_discriminator[] = "gan";

static const lac_key model_keys[] = {
    { "kl", LAC_KEY_TABLE, "", .sub = lac_autoencoder_kl_keys, .help = "as probe autoencoder-kl; this, or vq" },
    { "vq", LAC_KEY_TABLE, "", .sub = lac_vqgan_keys, .help = "as probe vqgan" },
    { "discriminator", LAC_KEY_TABLE, "{}", .sub = lac_patchgan_keys, .help = "as probe patchgan; trained where loss.gan is above 0" },
    { "lpips", LAC_KEY_TABLE, "{\"net\": \"vgg\"}", .sub = lac_lpips_keys, .help = "as probe lpips; there where loss.perceptual is above 0" },
    { NULL },
};

static const lac_key loss_keys[] = {
    { "pixel", LAC_KEY_STR, "\"l1\"", .choices = "l1|l2", .help = "difference of a value: absolute (published) or squared" },
    { "perceptual", LAC_KEY_NUM, "1", .min = 0, .max = 1e6, .help = "of LPIPS, whose weights come by init; 0: without it" },
    { "kl", LAC_KEY_NUM, "1e-6", .min = 0, .max = 1e6, .help = "of the divergence; kl: all is by picture, sums over its values" },
    { "codebook", LAC_KEY_NUM, "1", .min = 0, .max = 1e6, .help = "of the codebook's loss; vq: all is by value" },
    { "gan", LAC_KEY_NUM, "0.5", .min = 0, .max = 1e6, .help = "of the discriminator, times the adaptive weight; 0: without it" },
    { "disc_start", LAC_KEY_INT, "50001", .min = 0, .max = 1e12, .help = "steps of the stage before it has a part" },
    { "disc_loss", LAC_KEY_STR, "\"hinge\"", .choices = "hinge|vanilla", .help = "its own loss" },
    { NULL },
};

/* ---- networks and phases ---- */

static lac_status open_autoencoder(lac_recipe *r, autoencoder *m, const json_t *model)
{
    const json_t *kl = lac_config_at(model, "kl"), *vq = lac_config_at(model, "vq");
    const lac_network *n;
    if ((kl == NULL) == (vq == NULL))
        return LAC_FAIL(LAC_ERR_CONFIG, "model wants one of kl and vq, found %s", kl == NULL ? "neither" : "both");
    LAC_TRY(lac_recipe_open_network(r, "vae", kl != NULL ? &lac_network_autoencoder_kl : &lac_network_vqgan, kl != NULL ? kl : vq, &n));
    m->a = n->model;
    if (m->a->in != 3)
        return LAC_FAIL(LAC_ERR_CONFIG, "photographs have 3 channels, the autoencoder takes %lld", (long long)m->a->in);
    if (r->size % m->a->factor != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "data.train.size must be a multiple of %lld, found %lld", (long long)m->a->factor, (long long)r->size);
    return LAC_OK;
}

/* What it measures with weights out of a generator of random numbers is no likeness. */
static lac_status open_lpips(lac_recipe *r, autoencoder *m, const json_t *config)
{
    const json_t *entry, *list = lac_config_at(config, "init");
    const lac_network *n;
    bool given = false;
    size_t i;
    json_array_foreach(list, i, entry)
        given |= strcmp(lac_config_str(entry, "network"), "lpips") == 0 || strcmp(lac_config_str(entry, "network"), "all") == 0;
    if (!given)
        return LAC_FAIL(LAC_ERR_CONFIG, "loss.perceptual = %g wants the weights of LPIPS: init = { { from = FILE, network = \"lpips\" } }, or loss.perceptual = 0",
                        lac_config_num(config, "loss.perceptual"));
    LAC_TRY(lac_recipe_open_network(r, "lpips", &lac_network_lpips, lac_config_at(config, "model.lpips"), &n));
    n->params->frozen = true;
    m->lpips = n->model;
    return LAC_OK;
}

static lac_status open_discriminator(lac_recipe *r, autoencoder *m, const json_t *model)
{
    const lac_network *n;
    LAC_TRY(lac_recipe_open_network(r, "discriminator", &lac_network_patchgan, lac_config_at(model, "discriminator"), &n));
    m->d = n->model;
    if (m->d->conv[0].weight->value->dim[3] != 3)
        return LAC_FAIL(LAC_ERR_CONFIG, "model.discriminator.input_nc must be 3");
    return lac_patchgan_logits(m->d, r->size, r->size) > 0 ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "data.train.size = %lld is too small for model.discriminator.n_layers = %d", (long long)r->size, m->d->n_convs - 2);
}

/* Losses are means over values, over latent's values, over pictures. What the published objective of `kl` sums over a picture is that many times as much. */
static lac_status make_phases(lac_recipe *r, const autoencoder *m, const json_t *loss)
{
    const bool kl = m->a->codebook == NULL;
    const double values = kl ? 3.0 * (double)(r->size * r->size) : 1;
    lac_phase *g, *d;
    LAC_TRY(lac_recipe_phase(r, &g, "g", "vae", m->a->ps));
    LAC_TRY(lac_phase_loss(g, m->squared ? "l2" : "l1", values));
    LAC_TRY(lac_phase_loss(g, kl ? "kl" : "codebook", lac_config_num(loss, kl ? "kl" : "codebook")));
    if (m->lpips != NULL)
        LAC_TRY(lac_phase_loss(g, "lpips", values * lac_config_num(loss, "perceptual")));
    if (m->d == NULL)
        return LAC_OK;
    LAC_TRY(lac_phase_loss_in(g, with_discriminator, "g_gan", 1));
    LAC_TRY(lac_phase_shown_in(g, with_discriminator, "gan_weight"));
    LAC_TRY(lac_recipe_phase(r, &d, "d", "discriminator", m->d->params));
    d->mode = with_discriminator;
    LAC_TRY(lac_phase_loss(d, "d_real", 0.5));
    return lac_phase_loss(d, "d_fake", 0.5);
}

static lac_status open(lac_recipe *r, const json_t *config)
{
    const json_t *model = lac_config_at(config, "model"), *loss = lac_config_at(config, "loss");
    LAC_TRY(lac_calloc(&r->state, 1, sizeof(autoencoder)));
    autoencoder *m = r->state;
    m->squared = strcmp(lac_config_str(loss, "pixel"), "l2") == 0;
    m->vanilla = strcmp(lac_config_str(loss, "disc_loss"), "vanilla") == 0;
    m->start = lac_config_int(loss, "disc_start");
    m->weight = lac_config_num(loss, "gan");
    LAC_TRY(open_autoencoder(r, m, model));
    const int64_t side = r->size / m->a->factor;
    LAC_TRY(lac_recipe_derive(r, "noise", LAC_F32, 3, (int64_t[]){ side, side, m->a->z }));
    if (lac_config_num(loss, "perceptual") > 0)
        LAC_TRY(open_lpips(r, m, config));
    if (m->weight > 0)
        LAC_TRY(open_discriminator(r, m, model));
    return make_phases(r, m, loss);
}

static const char *mode(const lac_recipe *r, int64_t step)
{
    const autoencoder *m = r->state;
    return m->d != NULL && step >= m->start ? with_discriminator : "";
}

/* What the posterior is sampled with: the same for both phases of a step. */
static lac_status derive(const lac_recipe *r, const lac_draws *draws, lac_batch *batch)
{
    const lac_tensor *noise = lac_batch_field(batch, "noise");
    const int64_t each = noise->dim[0] > 0 ? lac_numel(noise) / noise->dim[0] : 0;
    for (int64_t i = 0; i < noise->dim[0]; i++) {
        lac_stream s = lac_draws_at(draws, "posterior", i);
        for (int64_t k = 0; k < each; k++)
            ((float *)noise->data)[i * each + k] = lac_stream_normal(&s);
    }
    return (void)r, LAC_OK;
}

/* ---- a step ---- */

/* Pictures come in f32; the network has its own dtype. */
static lac_tensor *in_dtype(lac_tape *t, lac_tensor *image, lac_dtype d)
{
    return d == LAC_F32 ? image : lac_channel_affine(t, image, &(lac_channel_affine_attr){ { 1, 1, 1 }, { 0 }, d });
}

/* Of a sample of the posterior, or of the nearest codes; latent, where asked for: the sum of divergences, or the codebook's loss. */
static lac_tensor *reconstruct(lac_tape *t, const autoencoder *m, lac_tensor *image, lac_tensor *noise, lac_tensor **latent)
{
    lac_tensor *z = lac_autoencoder_encode(t, m->a, in_dtype(t, image, m->a->ps->dtype)), *sum;
    if (m->a->codebook != NULL) {
        const lac_vector_quantize_out q = lac_autoencoder_quantize(t, m->a, z);
        z = q.quantized;
        sum = q.sum;
    } else {
        const lac_gaussian_out q = lac_gaussian(t, z, noise);
        z = q.sample;
        sum = latent != NULL ? lac_gan_loss(t, q.kl, LAC_LOGIT_PLUS) : NULL;
    }
    if (latent != NULL)
        *latent = sum;
    return lac_autoencoder_decode(t, m->a, z);
}

static lac_status discriminate(lac_tape *t, const autoencoder *m, lac_tensor *image, lac_tensor *made, lac_phase_out *out)
{
    lac_patchgan_state state = { 0 };
    lac_tensor *real = lac_patchgan_forward(t, m->d, in_dtype(t, image, m->d->params->dtype), true, &state);
    lac_tensor *fake = lac_patchgan_forward(t, m->d, lac_detach(t, made), true, &state);
    lac_patchgan_commit(t, m->d, &state);
    out->sum[D_REAL] = lac_gan_loss(t, real, m->vanilla ? LAC_SOFTPLUS_REAL : LAC_HINGE_REAL);
    out->sum[D_FAKE] = lac_gan_loss(t, fake, m->vanilla ? LAC_SOFTPLUS_FAKE : LAC_HINGE_FAKE);
    return lac_tape_status(t);
}

/* |d nll / d W| by |d g / d W| at the decoder's last convolution, over the ranks; nll is all that compares pictures. */
static lac_status adaptive_weight(const lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_phase_out *out, int n_nll, const int *nll, int gan)
{
    const autoencoder *m = r->state;
    const float *seed = run->seed[run->phase];
    lac_tensor *w = m->a->decoder.conv_out.weight->value, *of_nll, *of_g;
    lac_root root[LAC_MAX_LOSSES];
    for (int i = 0; i < n_nll; i++)
        root[i] = (lac_root){ .y = out->sum[nll[i]], .seed = &seed[nll[i]] };
    LAC_TRY(lac_grad(t, root, n_nll, &w, 1, &of_nll));
    LAC_TRY(lac_grad(t, &(lac_root){ .y = out->sum[gan], .seed = &seed[gan] }, 1, &w, 1, &of_g));
    lac_tensor *ratio = lac_norm_ratio(t, lac_rank_sum(t, of_nll), lac_rank_sum(t, of_g), &(lac_norm_ratio_attr){ 1e-4f, 1e4f });
    out->scale[gan] = out->shown[0] = lac_weighted_sum(t, &ratio, (float[]){ (float)m->weight }, 1);
    return lac_tape_status(t);
}

static lac_status generate(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *image, lac_tensor *noise, lac_phase_out *out)
{
    const autoencoder *m = r->state;
    int n = 2, n_nll = 1, nll[2] = { G_REC };
    lac_tensor *w = m->a->decoder.conv_out.weight->value;
    const bool gan = strcmp(run->mode, with_discriminator) == 0;
    if (gan)
        lac_tape_watch(t, w);
    lac_tensor *made = reconstruct(t, m, image, noise, &out->sum[G_LATENT]);
    LAC_TRY(lac_tape_status(t));
    out->sum[G_REC] = m->squared ? lac_mse_loss(t, made, image, NULL, NULL, NULL) : lac_l1_loss(t, made, image, NULL, LAC_REGION_ALL, NULL);
    if (m->lpips != NULL) {
        nll[n_nll++] = n;
        out->sum[n++] = lac_gan_loss(t, lac_lpips_forward(t, m->lpips, image, made, NULL), LAC_LOGIT_PLUS);
    }
    if (!gan)
        return lac_tape_status(t);
    lac_patchgan_state state = { 0 };
    out->sum[n] = lac_gan_loss(t, lac_patchgan_forward(t, m->d, made, true, &state), LAC_LOGIT_MINUS);
    LAC_TRY(lac_tape_status(t));
    return adaptive_weight(r, run, t, out, n_nll, nll, n);
}

static lac_status forward(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *field, lac_phase_out *out)
{
    const autoencoder *m = r->state;
    if (strcmp(run->name, "g") == 0)
        return generate(r, run, t, field[IMAGE], field[NOISE], out);
    lac_tensor *made = reconstruct(t, m, field[IMAGE], field[NOISE], NULL);
    LAC_TRY(lac_tape_status(t));
    return discriminate(t, m, field[IMAGE], made, out);
}

static void count(const lac_recipe *r, int phase, const lac_batch *batch, double *to)
{
    const autoencoder *m = r->state;
    const lac_tensor *image = lac_batch_field(batch, "image");
    const double n = (double)image->dim[0], side = (double)(r->size / m->a->factor);
    const double logits = m->d != NULL ? n * (double)lac_patchgan_logits(m->d, r->size, r->size) : 0;
    for (int i = 0; i < r->phase[phase].n_losses; i++) {
        const char *name = r->phase[phase].loss[i].name;
        to[i] = strcmp(name, "l1") == 0 || strcmp(name, "l2") == 0 ? (double)lac_numel(image)
              : strcmp(name, "codebook") == 0 ? n * side * side * (double)m->a->z : strcmp(name, "kl") == 0 || strcmp(name, "lpips") == 0 ? n : logits;
    }
}

static void inpainter(const lac_recipe *r, const json_t *config, lac_inpainter *ip)
{
    (void)config;
    *ip = (lac_inpainter){ .def = &lac_inpainter_autoencoder, .network = { r->network[0] } };
}

static const char *const fields[] = { "image", NULL }, *const optims[] = { "vae", "discriminator", NULL };

const lac_recipe_def lac_recipe_autoencoder = {
    .name = "autoencoder", .about = "AutoencoderKL or VQGAN: reconstruction, LPIPS, patch discriminator", .model_keys = model_keys, .loss_keys = loss_keys,
    .fields = fields, .optims = optims, .inpainter = inpainter, .open = open, .mode = mode, .forward = forward, .derive = derive, .count = count,
};
