/* A recipe of tests that uses all that train/recipe.h offers: DeepFill's generator against L1 in the hole, against features of a network that is
 * frozen or learns, and, where loss.gan is above 0, against a discriminator. The weight of that follows from gradients:
 *
 *     lambda = tanh(sum |d rec / d W - d gan / d W|)        W: the weights of the generator's last layer
 *
 * Both are the global batch's: a phase that trains nothing sums them up in buffers, which the generator's phase reads. */
#include "tests/harness/program.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/gan_loss/gan_loss.h"
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
    lac_param *last, *rec_grad, *gan_grad;      /* the generator's; the two gradients with respect to it, as buffers */
    bool gan, learn;
} balance;

enum { IMAGE, MASK };
enum { D_REAL, D_FAKE };
enum { G_HOLE, G_FEATURES, G_GAN };
enum { M_HOLE };
enum { F_FEATURES };

static const lac_key model_keys[] = {
    { "generator", LAC_KEY_TABLE, "{}", .sub = lac_deepfill_keys, .help = "as probe deepfillv2" },
    { "discriminator", LAC_KEY_TABLE, "{}", .sub = lac_sn_patchgan_keys, .help = "as probe sn-patchgan" },
    { "learn", LAC_KEY_BOOL, "false", .help = "the features learn" },
    { NULL },
};

static const lac_key loss_keys[] = {
    { "hole", LAC_KEY_NUM, "1", .min = 0, .max = 1e6, .help = "weight of L1 in the hole, by masked value" },
    { "features", LAC_KEY_NUM, "1", .min = 0, .max = 1e6, .help = "weight of the L1 between features of result and truth" },
    { "gan", LAC_KEY_NUM, "0", .min = 0, .max = 1e6, .help = "weight of the adversarial term; 0: no discriminator" },
    { NULL },
};

static lac_status gan_phases(lac_recipe *r, const balance *m)
{
    lac_phase *d, *measure;
    LAC_TRY(lac_recipe_phase(r, &d, "d", "discriminator", m->d.params));
    LAC_TRY(lac_phase_loss(d, "d_real", 0.5));
    LAC_TRY(lac_phase_loss(d, "d_fake", 0.5));
    LAC_TRY(lac_recipe_phase(r, &measure, "measure", NULL, NULL));
    return lac_phase_loss(measure, "measured", 1);
}

static lac_status make_phases(lac_recipe *r, const balance *m, const json_t *loss)
{
    lac_phase *f, *g;
    if (m->learn) {
        LAC_TRY(lac_recipe_phase(r, &f, "f", "features", m->features));
        LAC_TRY(lac_phase_loss(f, "learnt", 1));
    }
    if (m->gan)
        LAC_TRY(gan_phases(r, m));
    LAC_TRY(lac_recipe_phase(r, &g, "g", "generator", m->g.params));
    LAC_TRY(lac_phase_loss(g, "hole", lac_config_num(loss, "hole")));
    LAC_TRY(lac_phase_loss(g, "features", lac_config_num(loss, "features")));
    if (m->gan) {
        LAC_TRY(lac_phase_loss(g, "g_gan", lac_config_num(loss, "gan")));
        LAC_TRY(lac_phase_shown(g, "lambda"));
    }
    return LAC_OK;
}

static lac_status open_features(lac_recipe *r, balance *m)
{
    LAC_TRY(m->learn ? lac_recipe_network(r, "features", &m->features) : lac_recipe_frozen(r, "features", &m->features));
    LAC_TRY(lac_param_new(m->features, &m->filter, LAC_ROLE_CONV, 4, (int64_t[]){ FEATURES, 3, 3, 3 }, LAC_INIT_XAVIER, 0, "conv.weight"));
    return lac_param_new(m->features, &m->bias, LAC_ROLE_BIAS, 1, (int64_t[]){ FEATURES }, LAC_INIT_ZERO, 0, "conv.bias");
}

static lac_status open_gan(lac_recipe *r, balance *m, const json_t *model)
{
    lac_params *ps;
    lac_sn_patchgan_config c;
    const lac_tensor *w = m->last->value;
    LAC_TRY(lac_sn_patchgan_configure(&c, lac_config_at(model, "discriminator")));
    LAC_TRY(lac_recipe_network(r, "discriminator", &ps));
    LAC_TRY(lac_sn_patchgan_init(&m->d, ps, &c));
    LAC_TRY(lac_recipe_network(r, "balance", &ps));
    LAC_TRY(lac_param_new(ps, &m->rec_grad, LAC_ROLE_BUFFER, w->ndim, w->dim, LAC_INIT_ZERO, 0, "rec_grad"));
    return lac_param_new(ps, &m->gan_grad, LAC_ROLE_BUFFER, w->ndim, w->dim, LAC_INIT_ZERO, 0, "gan_grad");
}

static lac_status open(lac_recipe *r, const json_t *config)
{
    const json_t *model = lac_config_at(config, "model");
    lac_deepfill_config gc;
    lac_params *ps;
    LAC_TRY(lac_deepfill_configure(&gc, lac_config_at(model, "generator")));
    LAC_TRY(lac_calloc(&r->state, 1, sizeof(balance)));
    balance *m = r->state;
    m->gan = lac_config_num(config, "loss.gan") > 0;
    LAC_TRY(lac_recipe_network(r, "generator", &ps));
    LAC_TRY(lac_deepfill_init(&m->g, ps, &gc));
    for (int i = 0; i < LAC_DEEPFILL_LAYERS; i++)       /* as large a signal as the network gets by training */
        if (m->g.layer[i].kind != LAC_BLOCK_PLAIN)
            m->g.layer[i].weight->gain = 3;
    m->last = m->g.layer[LAC_DEEPFILL_LAYERS - 1].weight;
    m->learn = lac_config_bool(model, "learn");
    LAC_TRY(open_features(r, m));
    if (m->gan)
        LAC_TRY(open_gan(r, m, model));
    return make_phases(r, m, lac_config_at(config, "loss"));
}

static lac_tensor *features(const lac_recipe *r, lac_tape *t, lac_tensor *picture, lac_tensor *mask)
{
    const balance *m = r->state;
    const lac_conv2d_attr a = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .pad = { 1, 1, 1, 1 }, .groups = 1, .act = lac_act_of(LAC_ACT_RELU) };
    lac_tensor *x = lac_composite(t, NULL, picture, mask, &(lac_composite_attr){ .whole = true, .dtype = r->dtype });
    return lac_conv2d(t, x, m->filter->value, m->bias->value, NULL, &a);
}

/* The discriminator on n pictures one after another, each with its mask; its new vectors are handed over, where they are to be. */
static lac_tensor *discriminate(const lac_recipe *r, lac_tape *t, lac_tensor *const *picture, int n, lac_tensor *mask, bool commit)
{
    const balance *m = r->state;
    lac_tensor *in[2] = { NULL };
    for (int i = 0; i < n; i++)
        in[i] = lac_composite(t, NULL, picture[i], mask, &(lac_composite_attr){ .whole = true, .append_mask = true, .dtype = r->dtype });
    const lac_sn_patchgan_out y = lac_sn_patchgan_forward(t, &m->d, lac_concat(t, in, n, 0));
    if (commit)
        lac_sn_patchgan_commit(t, &m->d, &y);
    return y.logits;
}

static lac_tensor *feature_loss(const lac_recipe *r, lac_tape *t, lac_tensor *made, lac_tensor *image, lac_tensor *mask)
{
    return lac_l1_loss(t, features(r, t, made, mask), features(r, t, image, mask), NULL, LAC_REGION_ALL, NULL);
}

static void reconstruct(const lac_recipe *r, lac_tape *t, const lac_deepfill_out *y, lac_tensor *const *field, lac_tensor **sum)
{
    sum[G_HOLE] = lac_l1_loss(t, y->x2, field[IMAGE], field[MASK], LAC_REGION_HOLE, NULL);
    sum[G_FEATURES] = feature_loss(r, t, y->complete, field[IMAGE], field[MASK]);
}

static lac_status forward_d(const lac_recipe *r, lac_tape *t, const lac_deepfill_out *y, lac_tensor *const *field, lac_phase_out *out)
{
    const int64_t n = field[IMAGE]->dim[0];
    lac_tensor *logits = discriminate(r, t, (lac_tensor *[]){ field[IMAGE], y->complete }, 2, field[MASK], true);
    out->sum[D_REAL] = lac_gan_loss(t, lac_rows(t, logits, 0, n), LAC_HINGE_REAL);
    out->sum[D_FAKE] = lac_gan_loss(t, lac_rows(t, logits, n, n), LAC_HINGE_FAKE);
    return lac_tape_status(t);
}

/* Both gradients that lambda is made of, this micro-batch's part, with the seeds of the generator's phase. */
static lac_status forward_measure(const lac_recipe *r, const lac_phase_run *run, lac_tape *t, const lac_deepfill_out *y, lac_tensor *const *field,
                                  lac_phase_out *out)
{
    const balance *m = r->state;
    const float *seed = run->seed[r->n_phases - 1];
    lac_tensor *rec[2], *gan = lac_gan_loss(t, discriminate(r, t, &y->complete, 1, field[MASK], false), LAC_LOGIT_MINUS), *rec_grad, *gan_grad;
    reconstruct(r, t, y, field, rec);
    const lac_root roots[] = { { .y = rec[G_HOLE], .seed = &seed[G_HOLE] }, { .y = rec[G_FEATURES], .seed = &seed[G_FEATURES] },
                               { .y = gan, .seed = &seed[G_GAN] } };
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(lac_grad(t, roots, 2, &m->last->value, 1, &rec_grad));
    LAC_TRY(lac_grad(t, roots + 2, 1, &m->last->value, 1, &gan_grad));
    lac_tape_commit_sum(t, m->rec_grad, rec_grad);
    lac_tape_commit_sum(t, m->gan_grad, gan_grad);
    out->sum[M_HOLE] = rec[G_HOLE];
    return lac_tape_status(t);
}

static lac_status forward_g(const lac_recipe *r, lac_tape *t, const lac_deepfill_out *y, lac_tensor *const *field, lac_phase_out *out)
{
    const balance *m = r->state;
    reconstruct(r, t, y, field, out->sum);
    if (m->gan) {
        lac_tensor *gap = lac_l1_loss(t, m->rec_grad->value, m->gan_grad->value, NULL, LAC_REGION_ALL, NULL);
        out->shown[0] = out->scale[G_GAN] = lac_activation(t, gap, LAC_ACT_TANH);
        out->sum[G_GAN] = lac_gan_loss(t, discriminate(r, t, &y->complete, 1, field[MASK], true), LAC_LOGIT_MINUS);
    }
    return lac_tape_status(t);
}

static lac_status forward(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *field, lac_phase_out *out)
{
    const balance *m = r->state;
    const char phase = run->name[0];
    if (phase == 'm')
        lac_tape_watch(t, m->last->value);
    const lac_deepfill_out y = lac_deepfill_forward(t, &m->g, field[IMAGE], field[MASK]);
    LAC_TRY(lac_tape_status(t));
    if (phase == 'd')
        return forward_d(r, t, &y, field, out);
    if (phase == 'm')
        return forward_measure(r, run, t, &y, field, out);
    if (phase == 'g')
        return forward_g(r, t, &y, field, out);
    out->sum[F_FEATURES] = feature_loss(r, t, y.complete, field[IMAGE], field[MASK]);
    return lac_tape_status(t);
}

static void count(const lac_recipe *r, int phase, const lac_batch *batch, double *to)
{
    const balance *m = r->state;
    const lac_tensor *image = lac_batch_field(batch, "image"), *mask = lac_batch_field(batch, "mask");
    const int64_t n = image->dim[0], h = image->dim[1], w = image->dim[2];
    const double logits = m->gan ? (double)lac_sn_patchgan_logits(&m->d, n, h, w) : 0;
    const double hole = 3.0 * (double)lac_mask_area(mask->data, lac_numel(mask)), values = (double)(n * h * w * FEATURES);
    for (int i = 0; i < r->phase[phase].n_losses; i++) {
        const char *loss = r->phase[phase].loss[i].name;
        to[i] = strcmp(loss, "hole") == 0 || strcmp(loss, "measured") == 0 ? hole
              : strcmp(loss, "features") == 0 || strcmp(loss, "learnt") == 0 ? values : logits;
    }
}

static void inpainter(const lac_recipe *r, const json_t *config, lac_inpainter *ip)
{
    balance *m = r->state;
    *ip = (lac_inpainter){ .def = &lac_inpainter_deepfill, .network = { {
        .def = &lac_network_deepfill, .params = m->g.params, .model = &m->g, .config = (json_t *)lac_config_at(config, "model.generator"),
    } } };
}

static const char *const fields[] = { "image", "mask", NULL }, *const optims[] = { "generator", "discriminator", "features", NULL };

const lac_recipe_def lac_recipe_balance = {
    .name = "balance", .about = "a test's", .model_keys = model_keys, .loss_keys = loss_keys, .fields = fields, .optims = optims,
    .inpainter = inpainter, .open = open, .forward = forward, .count = count,
};
