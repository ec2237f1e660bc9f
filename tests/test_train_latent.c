/* The recipe `latent`: its loss where the denoiser says nothing, what is drawn for a sample, and that micro-batches, ranks and going on change nothing. */
#include "autograd/ops/backend_cpu.h"
#include "data/field.h"
#include "models/prompts.h"
#include "tests/harness/latent.h"
#include "tests/harness/ranks.h"
#include "tests/harness/test.h"
#include "tests/harness/training.h"

#include <math.h>
#include <stdlib.h>

enum { LATENT = LAC_TEST_SIDE / 2, Z = 4, LOSSES = LAC_TEST_LOSSES };      /* two levels: half the picture's side */

static lac_test_training t;

static const char config_text[] =
    "{ 'optim': { 'unet': { 'lr': 10, 'eps': 1 } }, 'batch': { 'micro': %d },"
    "  'loss': { 'prompt_dropout': %g, 'whole': %g, 'objective': { 'snr_gamma': 5 } },"
    "  'model': { 'train_text': true, " LAC_TEST_LATENT_MODEL("%d") " } }";

static json_t *config_of(int micro, double drop, double whole, int channels)
{
    char text[2048];
    snprintf(text, sizeof text, config_text, micro, drop, whole, channels);
    return lac_test_json(text);
}

static void begin(int micro, double drop, double whole, int channels, lac_comm *comm)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    lac_test_begin(&t, "latent", config_of(micro, drop, whole, channels), b, LAC_F32, comm);
}

static const lac_tensor *derived(const char *name)
{
    const lac_tensor *x = lac_batch_field(&t.trainer.derived.batch[0], name);
    LAC_CHECK(x != NULL && x->data != NULL);
    return x;
}

/* A last layer of zeros predicts nothing: the loss is the mean of min(snr, 5) / snr times the noise's square. 1e-5: sums in f32. */
LAC_TEST(a_denoiser_of_zeros_has_the_loss_of_the_formula)
{
    double loss[LOSSES], sum = 0;
    begin(2, 0.1, 0, 2 * Z + 1, NULL);
    lac_param *last = lac_params_find(lac_recipe_find_network(&t.trainer.recipe, "unet"), "conv_out.weight");
    memset(last->value->data, 0, lac_bytes(last->value));
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    lac_test_losses(&t, loss);
    const float *noise = derived("noise")->data, *when = derived("timestep")->data;
    for (int i = 0; i < LAC_TEST_BATCH; i++) {
        const double ratio = lac_test_latent_snr((int64_t)when[i]);
        LAC_CHECK(when[i] >= 0 && when[i] <= 999 && when[i] == floorf(when[i]));
        for (int k = 0; k < LATENT * LATENT * Z; k++)
            sum += fmin(ratio, 5) / ratio * pow((double)noise[i * LATENT * LATENT * Z + k], 2);
    }
    LAC_CHECK(fabs(loss[0] / (sum / (LAC_TEST_BATCH * LATENT * LATENT * Z)) - 1) < 1e-5);
    lac_test_end(&t);
}

/* Timesteps are uniform, prompts are left out and pictures hole altogether as often as asked for: 4 sigma of 400 draws. A left-out prompt is the empty one. */
LAC_TEST(what_is_drawn_for_a_sample_is_as_often_as_asked_for)
{
    int dropped = 0, whole = 0, n = 0;
    double sum = 0;
    begin(2, 0.25, 0.5, 2 * Z + 1, NULL);
    int32_t empty[6];
    lac_prompts p;
    LAC_CHECK_STATUS(lac_prompts_open(&p, LAC_SOURCE_DIR "/data/stamps/tokenizer", json_object_get(json_object_get(t.stages.stage[0].config, "model"), "prompts")));
    LAC_CHECK_STATUS(lac_prompts_ids(&p, "", empty, NULL));
    for (int step = 0; step < 200; step++) {
        lac_batch b;
        const lac_batch *all[LAC_MAX_PHASES] = { &b }, *made[LAC_MAX_PHASES];
        LAC_CHECK_STATUS(lac_batch_random(&b, &(lac_loader_config){ .fields = t.trainer.recipe.fields, .view.size = LAC_TEST_SIDE, .count = 2 }, step));
        LAC_CHECK_STATUS(lac_derived_take(&t.trainer.derived, &t.trainer.recipe, all, made));
        for (int i = 0; i < 2; i++, n++) {
            const float *hole = (const float *)derived("hole")->data + i * LAC_TEST_SIDE * LAC_TEST_SIDE;
            const uint8_t *mask = (const uint8_t *)lac_batch_field(&b, "mask")->data + i * LAC_TEST_SIDE * LAC_TEST_SIDE;
            dropped += memcmp((const int32_t *)derived("ids")->data + 6 * i, empty, sizeof empty) == 0;
            sum += ((const float *)derived("timestep")->data)[i];
            whole += hole[0] == 1 && mask[0] == 0;
            for (int k = 0; k < LAC_TEST_SIDE * LAC_TEST_SIDE; k++)
                LAC_CHECK(hole[k] == mask[k] || hole[0] == 1);
        }
        lac_batch_free(&b);
    }
    LAC_CHECK(abs(dropped - 100) < 4 * sqrt(400 * 0.25 * 0.75) && abs(whole - 200) < 4 * sqrt(400 * 0.25));
    LAC_CHECK(fabs(sum / n - 499.5) < 4 * 1000 / sqrt(12.0 * 400));
    lac_prompts_close(&p);
    lac_test_end(&t);
}

static float *values(int64_t *n)
{
    float *x, *at;
    *n = 0;
    for (int i = 0; i < t.trainer.recipe.n_nets; i++)
        *n += lac_params_numel(t.trainer.recipe.net[i]);
    at = x = malloc((size_t)*n * sizeof *x);
    LAC_CHECK(x != NULL);
    for (int i = 0; i < t.trainer.recipe.n_nets; i++)
        for (int64_t k = 0; k < t.trainer.recipe.net[i]->n; k++) {
            LAC_CHECK_STATUS(lac_param_get(t.trainer.recipe.net[i]->param[k], at));
            at += lac_numel(t.trainer.recipe.net[i]->param[k]->value);
        }
    return x;
}

static float *train(int from, int to, int micro, lac_comm *comm, int64_t *n)
{
    begin(micro, 0.25, 0.25, 2 * Z + 1, comm);
    for (int i = from; i < to; i++)
        LAC_CHECK_STATUS(lac_test_step(&t, i, LAC_TEST_BATCH));
    LAC_CHECK_STATUS(lac_trainer_settle(&t.trainer));
    return values(n);
}

/* Denoiser and text encoder move, the autoencoder does not. Adam with an eps of 1 walks as far as gradients are large (docs/howto/recipe.md); sums in another order
 * differ by 1e-5 of the way at most. */
LAC_TEST(a_batch_in_micro_batches_trains_as_in_one)
{
    int64_t n;
    float *start = train(0, 0, 2, NULL, &n);
    const int64_t vae = lac_params_numel(lac_recipe_find_network(&t.trainer.recipe, "vae")), unet = lac_params_numel(lac_recipe_find_network(&t.trainer.recipe, "unet"));
    lac_test_end(&t);
    float *one = train(0, 3, 2, NULL, &n);
    lac_test_end(&t);
    float *two = train(0, 3, 1, NULL, &n);
    lac_test_end(&t);
    const double way = lac_farthest(start, one, n);
    LAC_CHECK(lac_farthest(start, one, unet) > 0 && lac_farthest(start + unet, one + unet, vae) == 0 && lac_farthest(start + unet + vae, one + unet + vae, n - unet - vae) > 0);
    LAC_CHECK(lac_farthest(one, two, n) < 1e-5 * way);
    free(start), free(one), free(two);
}

typedef struct alone { float *start, *end; int64_t n; } alone;

static int train_as_rank(lac_ranks_here *h)
{
    const alone *a = h->context;
    int64_t n;
    WANT(h->opened == LAC_OK);
    float *mine = train(0, 3, 1, h->comm, &n);
    WANT(n == a->n && lac_farthest(a->end, mine, n) < 1e-5 * lac_farthest(a->start, a->end, n));
    free(mine);
    lac_test_end(&t);
    return 0;
}

LAC_TEST(two_ranks_train_as_one)
{
    alone a;
    a.start = train(0, 0, 2, NULL, &a.n);
    lac_test_end(&t);
    a.end = train(0, 3, 2, NULL, &a.n);
    lac_test_end(&t);
    lac_play(train_as_rank, 2, 0, 60, lac_test_port(NULL), &a);
    free(a.start), free(a.end);
}

LAC_TEST(a_training_that_goes_on_ends_as_one_that_was_not_interrupted)
{
    int64_t n;
    char path[512];
    snprintf(path, sizeof path, "%s/a.h5", lac_test_folder());
    float *whole = train(0, 4, 2, NULL, &n);
    lac_test_end(&t);
    free(train(0, 2, 2, NULL, &n));
    lac_test_save(&t, path);
    lac_test_end(&t);
    begin(2, 0.25, 0.25, 2 * Z + 1, NULL);
    lac_test_load(&t, path);
    for (int i = 2; i < 4; i++)
        LAC_CHECK_STATUS(lac_test_step(&t, i, LAC_TEST_BATCH));
    float *later = values(&n);
    LAC_CHECK(memcmp(whole, later, (size_t)n * sizeof *whole) == 0);
    lac_test_end(&t);
    free(whole), free(later);
}

/* ---- latent diffusion's own inpainting: [z, surroundings, mask], the mask -1 and 1 ---- */

static const char ldm_text[] =
    "{ 'optim': { 'unet': { 'lr': 1 } }, 'batch': { 'micro': 2 }, 'loss': { 'whole': %g },"
    "  'model': { 'system': 'ldm', 'vae': { 'network': 'autoencoder-kl', 'config': { " LAC_TEST_LATENT_VAE " } },"
    "    'unet': { 'config': { 'in_channels': 9, 'out_channels': 4, 'model_channels': 32, 'num_res_blocks': 1, 'attention_resolutions': [], 'channel_mult': [1], 'num_heads': 4 } } } }";

static void begin_ldm(double whole)
{
    char text[1024];
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    snprintf(text, sizeof text, ldm_text, whole);
    lac_test_begin(&t, "latent", lac_test_json(text), b, LAC_F32, NULL);
}

enum { WIDTH = 32, TAPS = 9, READ = 2 * Z + 1 };

/* Of holes that are everything, by a denoiser that is deaf to the surroundings: what it reads of the mask, and what is added to its first layer's bias. */
static double loss_of(float heard, float added)
{
    double loss[LOSSES];
    float in[WIDTH][TAPS][READ], bias[WIDTH];
    begin_ldm(1);
    const lac_params *unet = lac_recipe_find_network(&t.trainer.recipe, "unet");
    for (int64_t i = 0; i < unet->n; i++) {
        float *v = unet->param[i]->value->data;
        for (int64_t k = 0; k < lac_numel(unet->param[i]->value); k++)
            v[k] = 0.1f * sinf((float)(7 * i + k));
        lac_param_changed(unet->param[i]);
    }
    lac_param *weight = lac_params_find(unet, "input_blocks.0.0.weight"), *shift = lac_params_find(unet, "input_blocks.0.0.bias");
    LAC_CHECK(lac_numel(weight->value) == WIDTH * READ * TAPS && lac_numel(shift->value) == WIDTH);
    LAC_CHECK_STATUS(lac_param_get(weight, in[0][0]));
    for (int o = 0; o < WIDTH; o++) {
        for (int k = 0; k < TAPS; k++)
            memset(in[o][k] + Z, 0, (READ - Z) * sizeof in[o][k][Z]);
        in[o][TAPS / 2][READ - 1] = heard * cosf((float)o);
        bias[o] = added * cosf((float)o);
    }
    LAC_CHECK_STATUS(lac_param_set(weight, in[0][0]));
    LAC_CHECK_STATUS(lac_param_set(shift, bias));
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    lac_test_losses(&t, loss);
    lac_test_end(&t);
    return loss[0];
}

/* As its inpainter reads them (models/latent/condition.h). A mask of ones, the last channel, through the middle of the kernel is a bias; 1e-6: sums in f32. */
LAC_TEST(ldm_learns_from_the_channels_that_it_paints_from)
{
    const double deaf = loss_of(0, 0), hears = loss_of(1, 0), biased = loss_of(0, 1);
    LAC_CHECK(fabs(hears / deaf - 1) > 1e-5 && fabs(hears / biased - 1) < 1e-6);
    begin_ldm(0);
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    const float *hole = derived("hole")->data, *cells = derived("cells")->data;
    for (int i = 0; i < LAC_TEST_BATCH; i++)
        for (int y = 0; y < LATENT; y++)
            for (int x = 0; x < LATENT; x++)
                LAC_CHECK(cells[(i * LATENT + y) * LATENT + x] == 2 * hole[(i * LAC_TEST_SIDE + 2 * y) * LAC_TEST_SIDE + 2 * x] - 1);
    lac_test_end(&t);
}

/* The config of a training, with a value of a network's that makes it no good. */
static void check_refused(const char *role, const char *key, json_t *value, const char *says)
{
    lac_stages stages;
    lac_trainer trainer = { 0 };
    const lac_backend *b;
    lac_comm *comm;
    begin(2, 0.1, 0, Z, NULL);                              /* without hole and surroundings: plain text to image */
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    json_t *wrong = json_deep_copy(t.config);
    lac_test_end(&t);
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    json_t *model = json_object_get(wrong, "model"), *network = json_object_get(model, role);
    json_object_set_new(strcmp(key, "network") == 0 ? network : json_object_get(network, "config"), key, value);
    LAC_CHECK_STATUS(lac_stages_resolve(&stages, wrong, NULL, NULL));
    LAC_CHECK_FAILS(lac_trainer_open(&trainer, stages.stage[0].recipe, stages.stage[0].config, "main", b, LAC_F32, comm), LAC_ERR_CONFIG, says);
    lac_trainer_close(&trainer);
    lac_stages_free(&stages);
    lac_comm_free(comm);
    json_decref(wrong);
}

LAC_TEST(networks_that_do_not_go_together_are_refused)
{
    check_refused("unet", "in_channels", json_integer(6), "in_channels is 6, expected 4, or 9");
    check_refused("text_encoder", "vocab_size", json_integer(1526), "the tokenizer has 1527 ids, the text encoder 'clip-text' only 1526");
    check_refused("text_encoder", "network", json_string("autoencoder-kl"), "'text_encoder' is the network 'autoencoder-kl', should be clip-text|bert-encoder");
}
