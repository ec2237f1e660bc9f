/* The recipe `glide`: losses and gradients of networks that say nothing, against the formulas; who learns; and that micro-batches change nothing. */
#include "autograd/ops/backend_cpu.h"
#include "data/field.h"
#include "tests/harness/latent.h"
#include "tests/harness/test.h"
#include "tests/harness/training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = LAC_TEST_SIDE, SMALL = SIDE / 2, C = 3, STEPS = 1000 };

static lac_test_training t;

#define UNET(channels) "'config': { 'in_channels': " channels ", 'out_channels': 6, " LAC_TEST_LATENT_UNET " }"

static const char config_text[] =
    "{ 'optim': { 'unet': { 'lr': 0.1, 'eps': 1 }, 'upsampler': { 'lr': 0.1, 'eps': 1 } }, 'batch': { 'micro': %d }, 'loss': { 'prompt_dropout': %g, 'vlb': %g },"
    "  'model': { 'train_unet': %s, 'train_upsampler': %s, 'train_text': %s, 'settings': { 'factor': 2, 'steps': 2, 'upsampler_sections': [1, 2], 'upsampler_first': null },"
    "             'unet': { " UNET("7") " }, 'upsampler': { " UNET("10") " }, 'tokenizer': 'data/stamps/tokenizer', 'prompts': { 'max_length': 6 },"
    "             'text_encoder': { 'config': { 'max_position_embeddings': 6, " LAC_TEST_LATENT_TEXT " } } } }";

typedef struct setting { int micro; double drop, vlb; bool unet, upsampler, text; } setting;

static const char *word(bool x) { return x ? "true" : "false"; }

static json_t *config_of(const setting *s)
{
    char text[4096];
    snprintf(text, sizeof text, config_text, s->micro, s->drop, s->vlb, word(s->unet), word(s->upsampler), word(s->text));
    return lac_test_json(text);
}

static void begin(const setting *s)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    lac_test_begin(&t, "glide", config_of(s), b, LAC_F32, NULL);
}

static const float *derived(const char *prefix, const char *name)
{
    char field[64];
    snprintf(field, sizeof field, "%s%s", prefix, name);
    const lac_tensor *x = lac_batch_field(&t.trainer.derived.batch[0], field);
    LAC_CHECK(x != NULL && x->data != NULL);
    return x->data;
}

static lac_param *param_of(const char *network, const char *name) { return lac_params_find(lac_recipe_find_network(&t.trainer.recipe, network), name); }

static void silence(const char *network)
{
    static const char *const last[] = { "conv_out.weight", "conv_out.bias" };
    for (int i = 0; i < 2; i++)
        memset(param_of(network, last[i])->value->data, 0, lac_bytes(param_of(network, last[i])->value));
}

/* alpha_bar after so many of the steps, by the definitions. */
static double level(bool cosine, int steps)
{
    double product = 1;
    if (cosine)             /* beta is cut at the last step alone */
        return steps < STEPS ? pow(cos((steps / 1000.0 + 0.008) / 1.008 * acos(-1) / 2) / cos(0.008 / 1.008 * acos(-1) / 2), 2) : level(true, steps - 1) * 0.001;
    for (int i = 0; i < steps; i++)
        product *= 1 - (1e-4 + i / 999.0 * (0.02 - 1e-4));
    return product;
}

/* Of a network that says 0 of noise and variance: the term of a value with that noise, in bits, and its slope by the number that it says of the variance. */
static double bound(bool cosine, int timestep, double noise, double *slope)
{
    const double before = level(cosine, timestep), now = level(cosine, timestep + 1), beta = 1 - now / before;
    const double least = log(beta * (1 - before) / (1 - now)), most = log(beta), log_variance = (least + most) / 2;
    const double off = beta * noise / sqrt((1 - now) * (1 - beta)), square = off * off * exp(-log_variance);
    *slope = 0.5 * (1 - exp(least - log_variance) - square) * (most - least) / 2 / log(2);
    return 0.5 * (exp(least - log_variance) - 1 - least + log_variance + square) / log(2);
}

typedef struct sums { double squares, bits, noise[C], slope[C]; int64_t n; } sums;

static sums sums_of(const char *prefix, int side, bool cosine)
{
    const float *noise = derived(prefix, "noise"), *when = derived(prefix, "timestep");
    sums s = { .n = (int64_t)LAC_TEST_BATCH * side * side * C };
    for (int64_t k = 0; k < s.n; k++) {
        const int timestep = (int)when[k / (side * side * C)];
        double slope;
        LAC_CHECK(timestep > 0 && timestep < STEPS);        /* t = 0 is a test of the op */
        s.squares += pow((double)noise[k], 2);
        s.bits += bound(cosine, timestep, (double)noise[k], &slope);
        s.noise[k % C] += (double)noise[k];
        s.slope[k % C] += slope;
    }
    return s;
}

/* Adam's first step with an eps of 1 goes 0.1 g / (|g| + 1) against the gradient g, which the bias of the last layer shows. */
static double gradient_of(const lac_param *bias, int channel)
{
    const double went = -(double)((const float *)bias->value->data)[channel] / 0.1;
    return went / (1 - fabs(went));
}

static void check_silent(const char *network, const char *prefix, int side, bool cosine, const double *loss)
{
    const sums s = sums_of(prefix, side, cosine);
    const lac_param *bias = param_of(network, "conv_out.bias");
    LAC_CHECK(fabs(loss[0] / (s.squares / (double)s.n) - 1) < 1e-5 && fabs(loss[1] / (s.bits / (double)s.n) - 1) < 1e-5);      /* sums in f32 */
    for (int c = 0; c < C; c++) {
        LAC_CHECK(fabs(gradient_of(bias, c) + 2 * s.noise[c] / (double)s.n) < 1e-6);
        LAC_CHECK(fabs(gradient_of(bias, C + c) / (s.slope[c] / (double)s.n) - 1) < 1e-4);
    }
}

LAC_TEST(silent_networks_have_the_losses_and_gradients_of_the_formulas)
{
    double loss[LAC_TEST_LOSSES];
    begin(&(setting){ 2, 0.1, 1, true, true, true });
    silence("unet");
    silence("upsampler");
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    lac_test_losses(&t, loss);
    check_silent("unet", "", SMALL, true, loss);
    check_silent("upsampler", "upsampler_", SIDE, false, loss + 2);
    lac_test_end(&t);
}

static float *values(const char *network, int64_t *n)
{
    const lac_params *ps = lac_recipe_find_network(&t.trainer.recipe, network);
    float *x = malloc((size_t)(*n = lac_params_numel(ps)) * sizeof *x), *at = x;
    LAC_CHECK(x != NULL);
    for (int64_t k = 0; k < ps->n; at += lac_numel(ps->param[k++]->value))
        LAC_CHECK_STATUS(lac_param_get(ps->param[k], at));
    return x;
}

/* How far that network goes in three steps, and where it ends. */
static double way(const setting *s, const char *network, float **end, int64_t *n)
{
    begin(s);
    float *start = values(network, n);
    for (int i = 0; i < 3; i++)
        LAC_CHECK_STATUS(lac_test_step(&t, i, LAC_TEST_BATCH));
    LAC_CHECK_STATUS(lac_trainer_settle(&t.trainer));
    *end = values(network, n);
    const double far = lac_farthest(start, *end, *n);
    free(start);
    lac_test_end(&t);
    return far;
}

static bool moves(const setting *s, const char *network)
{
    float *end;
    int64_t n;
    const double far = way(s, network, &end, &n);
    free(end);
    return far > 0;
}

LAC_TEST(each_network_learns_where_it_is_asked_to)
{
    const setting all = { 2, 0.1, 1, true, true, true }, small = { 2, 0.1, 1, true, false, false }, large = { 2, 0.1, 1, false, true, false };
    LAC_CHECK(moves(&all, "unet") && moves(&all, "upsampler") && moves(&all, "text_encoder"));
    LAC_CHECK(moves(&small, "unet") && !moves(&small, "upsampler") && !moves(&small, "text_encoder"));
    LAC_CHECK(!moves(&large, "unet") && moves(&large, "upsampler") && !moves(&large, "text_encoder"));
}

/* Sums in another order differ by 1e-5 of the way at most. */
LAC_TEST(micro_batches_change_nothing)
{
    static const char *const network[] = { "unet", "upsampler", "text_encoder" };
    const setting one = { 2, 0.25, 1, true, true, true }, two = { 1, 0.25, 1, true, true, true };
    for (int i = 0; i < 3; i++) {
        float *whole, *parts;
        int64_t n;
        const double far = way(&one, network[i], &whole, &n);
        way(&two, network[i], &parts, &n);
        LAC_CHECK(lac_farthest(whole, parts, n) < 1e-5 * far);
        free(whole), free(parts);
    }
}

/* The upsampler's phase moves nothing of the base's. */
LAC_TEST(the_base_learns_the_same_beside_an_upsampler)
{
    float *alone, *beside;
    int64_t n;
    way(&(setting){ 2, 0.25, 1, true, false, true }, "unet", &alone, &n);
    way(&(setting){ 2, 0.25, 1, true, true, true }, "unet", &beside, &n);
    LAC_CHECK(memcmp(alone, beside, (size_t)n * sizeof *alone) == 0);
    free(alone), free(beside);
}

/* The bound moves what is said of the variance, and nothing of the last layer else. */
LAC_TEST(the_bound_moves_the_variance_alone)
{
    float bias[2][2 * C];
    for (int with = 0; with < 2; with++) {
        begin(&(setting){ 2, 0.1, with, true, false, false });
        silence("unet");
        LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
        LAC_CHECK_STATUS(lac_trainer_settle(&t.trainer));
        memcpy(bias[with], param_of("unet", "conv_out.bias")->value->data, sizeof bias[with]);
        lac_test_end(&t);
    }
    LAC_CHECK(memcmp(bias[0], bias[1], C * sizeof(float)) == 0);
    for (int c = C; c < 2 * C; c++)
        LAC_CHECK(bias[0][c] == 0 && bias[1][c] != 0);
}

LAC_TEST(a_training_of_glide_paints)
{
    lac_image made;
    begin(&(setting){ 2, 0.1, 1, true, true, true });
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    lac_test_paint(&t, &made);
    LAC_CHECK(made.height == SIDE && made.width == SIDE);
    lac_image_free(&made);
    lac_test_end(&t);
}

static void check_refused(const char *path, const char *key, json_t *value, const char *says)
{
    lac_stages stages;
    lac_trainer trainer = { 0 };
    const lac_backend *b;
    lac_comm *comm;
    begin(&(setting){ 2, 0.1, 1, true, true, true });
    json_t *wrong = json_deep_copy(t.config), *table = json_object_get(wrong, "model");
    lac_test_end(&t);
    if (path[0] != '\0')
        table = json_object_get(table, path);
    json_object_set_new(json_object_get(table, "config") != NULL ? json_object_get(table, "config") : table, key, value);
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    LAC_CHECK_STATUS(lac_stages_resolve(&stages, wrong, NULL, NULL));
    LAC_CHECK_FAILS(lac_trainer_open(&trainer, stages.stage[0].recipe, stages.stage[0].config, "main", b, LAC_F32, comm), LAC_ERR_CONFIG, says);
    lac_trainer_close(&trainer);
    lac_stages_free(&stages);
    lac_comm_free(comm);
    json_decref(wrong);
}

LAC_TEST(what_does_not_go_together_is_refused)
{
    check_refused("unet", "in_channels", json_integer(9), "its 'unet' has 9 channels in, should have 7");
    check_refused("upsampler", "out_channels", json_integer(3), "its 'upsampler' has 3 channels out, should have 6");
    check_refused("settings", "factor", json_integer(3), "'factor' is 3, expected 2, 4 or 8");
    check_refused("settings", "upsampler_first", json_integer(1), "'upsampler_scheduler': 'timesteps' must fall");
    check_refused("text_encoder", "vocab_size", json_integer(1526), "the tokenizer has 1527 ids, the text encoder 'clip-text' only 1526");
    check_refused("", "train_unet", json_false(), "model.train_text: the text's encoder moves with the base");
}
