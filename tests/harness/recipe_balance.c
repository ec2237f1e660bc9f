/* A recipe of tests: DeepFill's generator against L1 in the hole, against features of a frozen network, and, where loss.gan is above 0,
 * against a discriminator. */
#include "tests/harness/program.h"

#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/hinge_loss/hinge_loss.h"
#include "autograd/ops/l1_loss/l1_loss.h"
#include "core/memory.h"
#include "data/mask.h"
#include "models/deepfill/generator.h"
#include "models/deepfill/sn_patchgan.h"

#include <string.h>

enum { FEATURES = 8 };

typedef struct balance {
    lac_deepfill g;
    lac_sn_patchgan d;
    lac_params *features;
    lac_param *filter, *bias;
    bool gan;
} balance;

enum { IMAGE, MASK };
enum { D_REAL, D_FAKE };
enum { G_HOLE, G_FEATURES, G_GAN };

static const lac_key model_keys[] = {
    { "generator", LAC_KEY_TABLE, "{}", .sub = lac_deepfill_keys, .help = "as probe deepfillv2" },
    { "discriminator", LAC_KEY_TABLE, "{}", .sub = lac_sn_patchgan_keys, .help = "as probe sn-patchgan" },
    { NULL },
};

static const lac_key loss_keys[] = {
    { "hole", LAC_KEY_NUM, "1", .min = 0, .max = 1e6, .help = "weight of L1 in the hole, by masked value" },
    { "features", LAC_KEY_NUM, "1", .min = 0, .max = 1e6, .help = "weight of the L1 between features of result and truth" },
    { "gan", LAC_KEY_NUM, "0", .min = 0, .max = 1e6, .help = "weight of the adversarial term; 0: no discriminator" },
    { NULL },
};

static void add_loss(lac_phase *p, const char *name, double weight)
{
    p->loss[p->n_losses].name = name;
    p->loss[p->n_losses++].weight = weight;
}

static void make_phases(lac_recipe *r, const balance *m, const json_t *loss)
{
    if (m->gan) {
        lac_phase *d = &r->phase[r->n_phases++];
        *d = (lac_phase){ .name = "d", .optim = "discriminator", .trains = m->d.params };
        add_loss(d, "d_real", 0.5);
        add_loss(d, "d_fake", 0.5);
    }
    lac_phase *g = &r->phase[r->n_phases++];
    *g = (lac_phase){ .name = "g", .optim = "generator", .trains = m->g.params };
    add_loss(g, "hole", lac_config_num(loss, "hole"));
    add_loss(g, "features", lac_config_num(loss, "features"));
    if (m->gan)
        add_loss(g, "g_gan", lac_config_num(loss, "gan"));
}

static lac_status open_features(lac_recipe *r, balance *m)
{
    LAC_TRY(lac_recipe_frozen(r, "features", &m->features));
    LAC_TRY(lac_param_new(m->features, &m->filter, LAC_ROLE_CONV, 4, (int64_t[]){ FEATURES, 3, 3, 3 }, LAC_INIT_XAVIER, 0, "conv.weight"));
    return lac_param_new(m->features, &m->bias, LAC_ROLE_BIAS, 1, (int64_t[]){ FEATURES }, LAC_INIT_ZERO, 0, "conv.bias");
}

static lac_status open(lac_recipe *r, const json_t *config)
{
    const json_t *model = lac_config_at(config, "model");
    lac_deepfill_config gc;
    lac_sn_patchgan_config dc;
    lac_params *ps;
    LAC_TRY(lac_deepfill_configure(&gc, lac_config_at(model, "generator")));
    LAC_TRY(lac_sn_patchgan_configure(&dc, lac_config_at(model, "discriminator")));
    LAC_TRY(lac_calloc(&r->state, 1, sizeof(balance)));
    balance *m = r->state;
    m->gan = lac_config_num(config, "loss.gan") > 0;
    LAC_TRY(lac_recipe_network(r, "generator", &ps));
    LAC_TRY(lac_deepfill_init(&m->g, ps, &gc));
    LAC_TRY(open_features(r, m));
    if (m->gan) {
        LAC_TRY(lac_recipe_network(r, "discriminator", &ps));
        LAC_TRY(lac_sn_patchgan_init(&m->d, ps, &dc));
    }
    make_phases(r, m, lac_config_at(config, "loss"));
    return LAC_OK;
}

static lac_tensor *features(const lac_recipe *r, lac_tape *t, lac_tensor *picture, lac_tensor *mask)
{
    const balance *m = r->state;
    const lac_conv2d_attr a = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .pad = { 1, 1, 1, 1 }, .groups = 1, .act = LAC_ACT_RELU };
    lac_tensor *x = lac_composite(t, NULL, picture, mask, &(lac_composite_attr){ .whole = true, .dtype = r->dtype });
    return lac_conv2d(t, x, m->filter->value, m->bias->value, NULL, &a);
}

/* The discriminator on n pictures one after another, each with its mask; its new vectors are handed over. */
static lac_tensor *discriminate(const lac_recipe *r, lac_tape *t, lac_tensor *const *picture, int n, lac_tensor *mask)
{
    const balance *m = r->state;
    lac_tensor *in[2] = { NULL };
    for (int i = 0; i < n; i++)
        in[i] = lac_composite(t, NULL, picture[i], mask, &(lac_composite_attr){ .whole = true, .append_mask = true, .dtype = r->dtype });
    const lac_sn_patchgan_out y = lac_sn_patchgan_forward(t, &m->d, lac_concat(t, in, n, LAC_CONCAT_BATCH));
    lac_sn_patchgan_commit(t, &m->d, &y);
    return y.logits;
}

static lac_status forward(lac_recipe *r, int phase, lac_tape *t, lac_tensor *const *field, lac_tensor **sum)
{
    const balance *m = r->state;
    lac_tensor *image = field[IMAGE], *mask = field[MASK];
    const lac_deepfill_out y = lac_deepfill_forward(t, &m->g, image, mask);
    LAC_TRY(lac_tape_status(t));
    if (strcmp(r->phase[phase].name, "d") == 0) {
        const int64_t n = image->dim[0];
        lac_tensor *logits = discriminate(r, t, (lac_tensor *[]){ image, y.complete }, 2, mask);
        sum[D_REAL] = lac_hinge_loss(t, lac_rows(t, logits, 0, n), LAC_HINGE_REAL);
        sum[D_FAKE] = lac_hinge_loss(t, lac_rows(t, logits, n, n), LAC_HINGE_FAKE);
        return lac_tape_status(t);
    }
    sum[G_HOLE] = lac_l1_loss(t, y.x2, image, mask, LAC_REGION_HOLE, NULL);
    sum[G_FEATURES] = lac_l1_loss(t, features(r, t, y.complete, mask), features(r, t, image, mask), NULL, LAC_REGION_ALL, NULL);
    if (m->gan)
        sum[G_GAN] = lac_hinge_loss(t, discriminate(r, t, &y.complete, 1, mask), LAC_HINGE_MINUS);
    return lac_tape_status(t);
}

static void count(const lac_recipe *r, int phase, const lac_batch *batch, double *to)
{
    const balance *m = r->state;
    const lac_tensor *image = lac_batch_field(batch, "image"), *mask = lac_batch_field(batch, "mask");
    const int64_t n = image->dim[0], h = image->dim[1], w = image->dim[2];
    const double logits = m->gan ? (double)lac_sn_patchgan_logits(&m->d, n, h, w) : 0;
    if (strcmp(r->phase[phase].name, "d") == 0) {
        to[D_REAL] = to[D_FAKE] = logits;
        return;
    }
    to[G_HOLE] = 3.0 * (double)lac_mask_area(mask->data, lac_numel(mask));
    to[G_FEATURES] = (double)(n * h * w * FEATURES);
    if (m->gan)
        to[G_GAN] = logits;
}

static void inpainter(const lac_recipe *r, const json_t *config, lac_inpainter *ip, const json_t **network_config)
{
    balance *m = r->state;
    *ip = (lac_inpainter){ .def = &lac_inpainter_deepfill, .params = m->g.params, .model = &m->g };
    *network_config = lac_config_at(config, "model.generator");
}

static const char *const fields[] = { "image", "mask", NULL }, *const optims[] = { "generator", "discriminator", NULL };

const lac_recipe_def lac_recipe_balance = {
    .name = "balance", .about = "a test's", .model_keys = model_keys, .loss_keys = loss_keys, .fields = fields, .optims = optims,
    .inpainter = inpainter, .open = open, .forward = forward, .count = count,
};
