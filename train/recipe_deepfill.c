/* DeepFill v2 (arXiv:1806.03589): hinge GAN and L1 of both stages, discriminator first (deepfillv2.md 2.1, 2.3). */
#include "train/recipe.h"

#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/gan_loss/gan_loss.h"
#include "autograd/ops/l1_loss/l1_loss.h"
#include "core/memory.h"
#include "data/mask.h"
#include "models/deepfill/generator.h"
#include "models/deepfill/sn_patchgan.h"

#include <string.h>

typedef struct deepfill { lac_deepfill *g; lac_sn_patchgan *d; bool gan, hole_only; } deepfill;

enum { IMAGE, MASK };
enum { D_REAL, D_FAKE };
enum { G_COARSE, G_REFINE, G_GAN };

static const lac_key discriminator_keys[] = {
    LAC_SN_PATCHGAN_KEYS,
    { "kind", LAC_KEY_STR, "\"patch\"", .choices = "patch|global|none", .help = "SN-PatchGAN, one global logit, or L1 alone" },
    { NULL },
};

static const lac_key model_keys[] = {
    { "generator", LAC_KEY_TABLE, "{}", .sub = lac_deepfill_keys, .help = "as probe deepfillv2" },
    { "discriminator", LAC_KEY_TABLE, "{}", .sub = discriminator_keys, .help = "as probe sn-patchgan; its mode is the generator's" },
    { "init_gain", LAC_KEY_NUM, "1", .min = 0.01, .max = 100, .help = "of the gated or vanilla layers' weights; 1: Glorot, as released" },
    { NULL },
};

static const lac_key loss_keys[] = {
    { "l1", LAC_KEY_NUM, "1", .min = 0, .max = 1e6, .help = "weight of both stages' L1" },
    { "gan", LAC_KEY_NUM, "1", .min = 0, .max = 1e6, .help = "weight of the generator's adversarial term" },
    { "region", LAC_KEY_STR, "\"all\"", .choices = "all|hole", .help = "where L1 counts: the whole picture (published), or the hole alone" },
    { "separate_batches", LAC_KEY_BOOL, "false", .help = "the generator's phase sees other pictures than the discriminator's" },
    { NULL },
};

/* With what the generator and the pictures say of it. */
static lac_status open_discriminator(lac_recipe *r, deepfill *m, const json_t *model)
{
    json_t *given = json_copy((json_t *)lac_config_at(model, "discriminator"));
    int failed = given == NULL || json_object_set(given, "mode", (json_t *)lac_config_at(model, "generator.mode"));
    if (!failed && strcmp(lac_config_str(given, "kind"), "global") == 0)
        failed = json_object_set_new(given, "size", json_integer(r->size));
    const lac_network *n;
    const lac_status s = failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config of the discriminator")
                                : lac_recipe_open_network(r, "discriminator", &lac_network_sn_patchgan, given, &n);
    json_decref(given);
    LAC_TRY(s);
    m->d = n->model;
    return LAC_OK;
}

static lac_status make_phases(lac_recipe *r, const deepfill *m, const json_t *loss)
{
    lac_phase *d, *g;
    if (m->gan) {
        LAC_TRY(lac_recipe_phase(r, &d, "d", "discriminator", m->d->params));
        LAC_TRY(lac_phase_loss(d, "d_real", 0.5));
        LAC_TRY(lac_phase_loss(d, "d_fake", 0.5));
    }
    LAC_TRY(lac_recipe_phase(r, &g, "g", "generator", m->g->params));
    g->own_batch = m->gan && lac_config_bool(loss, "separate_batches");
    LAC_TRY(lac_phase_loss(g, "l1_coarse", lac_config_num(loss, "l1")));
    LAC_TRY(lac_phase_loss(g, "l1_refine", lac_config_num(loss, "l1")));
    return m->gan ? lac_phase_loss(g, "g_gan", lac_config_num(loss, "gan")) : LAC_OK;
}

static lac_status open(lac_recipe *r, const json_t *config)
{
    const json_t *model = lac_config_at(config, "model");
    const lac_network *n;
    if (r->size % 8 != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "data.train.size must be a multiple of 8, found %lld", (long long)r->size);
    LAC_TRY(lac_calloc(&r->state, 1, sizeof(deepfill)));
    deepfill *m = r->state;
    LAC_TRY(lac_recipe_open_network(r, "generator", &lac_network_deepfill, lac_config_at(model, "generator"), &n));
    m->g = n->model;
    for (int i = 0; i < LAC_DEEPFILL_LAYERS; i++)
        if (m->g->layer[i].kind != LAC_BLOCK_PLAIN)
            m->g->layer[i].weight->gain = (float)lac_config_num(model, "init_gain");
    m->hole_only = strcmp(lac_config_str(config, "loss.region"), "hole") == 0;
    m->gan = strcmp(lac_config_str(model, "discriminator.kind"), "none") != 0;
    if (m->gan)
        LAC_TRY(open_discriminator(r, m, model));
    return make_phases(r, m, lac_config_at(config, "loss"));
}

/* The discriminator on [real, fake], both with the mask; its new vectors are handed over. */
static lac_tensor *discriminate(lac_recipe *r, lac_tape *t, lac_tensor *real, lac_tensor *fake, lac_tensor *mask)
{
    const deepfill *m = r->state;
    const lac_composite_attr with_mask = { .whole = true, .append_mask = true, .dtype = r->dtype };
    lac_tensor *pair[2] = { lac_composite(t, NULL, real, mask, &with_mask), lac_composite(t, NULL, fake, mask, &with_mask) };
    const lac_sn_patchgan_out y = lac_sn_patchgan_forward(t, m->d, lac_concat(t, pair, 2, 0));
    lac_sn_patchgan_commit(t, m->d, &y);
    return y.logits;
}

static lac_status forward(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *field, lac_phase_out *out)
{
    const deepfill *m = r->state;
    lac_tensor **sum = out->sum;
    const lac_deepfill_out y = lac_deepfill_forward(t, m->g, field[IMAGE], field[MASK]);
    LAC_TRY(lac_tape_status(t));
    const int64_t n = field[IMAGE]->dim[0];
    lac_tensor *logits = m->gan ? discriminate(r, t, field[IMAGE], y.complete, field[MASK]) : NULL;
    if (strcmp(run->name, "d") == 0) {
        sum[D_REAL] = lac_gan_loss(t, lac_rows(t, logits, 0, n), LAC_HINGE_REAL);
        sum[D_FAKE] = lac_gan_loss(t, lac_rows(t, logits, n, n), LAC_HINGE_FAKE);
        return lac_tape_status(t);
    }
    lac_tensor *where = m->hole_only ? field[MASK] : NULL;
    const lac_region_kind region = m->hole_only ? LAC_REGION_HOLE : LAC_REGION_ALL;
    sum[G_COARSE] = lac_l1_loss(t, y.x1, field[IMAGE], where, region, NULL);
    sum[G_REFINE] = lac_l1_loss(t, y.x2, field[IMAGE], where, region, NULL);
    if (m->gan)
        sum[G_GAN] = lac_gan_loss(t, lac_rows(t, logits, n, n), LAC_LOGIT_MINUS);
    return lac_tape_status(t);
}

static double hole_values(const lac_batch *batch)
{
    const lac_tensor *mask = lac_batch_field(batch, "mask");
    return 3.0 * (double)lac_mask_area(mask->data, lac_numel(mask));
}

static void count(const lac_recipe *r, int phase, const lac_batch *batch, double *to)
{
    const deepfill *m = r->state;
    const lac_tensor *image = lac_batch_field(batch, "image");
    const double pixels = m->hole_only ? hole_values(batch) : (double)lac_numel(image);
    const double logits = m->gan ? (double)lac_sn_patchgan_logits(m->d, image->dim[0], image->dim[1], image->dim[2]) : 0;
    for (int i = 0; i < r->phase[phase].n_losses; i++)
        to[i] = strncmp(r->phase[phase].loss[i].name, "l1_", 3) == 0 ? pixels : logits;
}

static void inpainter(const lac_recipe *r, const json_t *config, lac_inpainter *ip)
{
    (void)config;
    *ip = (lac_inpainter){ .def = &lac_inpainter_deepfill, .network = { r->network[0] } };
}

static const char *const fields[] = { "image", "mask", NULL }, *const optims[] = { "generator", "discriminator", NULL };

const lac_recipe_def lac_recipe_deepfill = {
    .name = "deepfill", .about = "DeepFill v2: gated convolution, contextual attention, SN-PatchGAN", .model_keys = model_keys,
    .loss_keys = loss_keys, .fields = fields, .optims = optims, .inpainter = inpainter, .open = open, .forward = forward, .count = count,
};
