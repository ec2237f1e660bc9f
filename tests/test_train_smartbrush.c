/* The recipe `latent` for SmartBrush: its losses where the denoiser says nothing, and the masks that are drawn for a sample. */
#include "autograd/ops/backend_cpu.h"
#include "core/image/coarse_mask.h"
#include "data/field.h"
#include "tests/harness/latent.h"
#include "tests/harness/test.h"
#include "tests/harness/training.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = LAC_TEST_SIDE, LATENT = SIDE / 2, CELLS = LATENT * LATENT, Z = 4, LEVELS = 4 };

static lac_test_training t;

/* 512 / 16 is 32: blurs of 2 and 5 pixels of these pictures. */
static const char config_text[] =
    "{ 'optim': { 'unet': { 'lr': 10, 'eps': 1 } }, 'loss': { 'whole': %g, 'known': %s, 'coarse': [64, 160] },"
    "  'model': { 'system': 'smartbrush', 'tokenizer': 'data/stamps/tokenizer', 'prompts': { 'max_length': 6 },"
    "             'vae': { 'config': { " LAC_TEST_LATENT_VAE " } },"
    "             'unet': { 'config': { 'in_channels': 5, 'out_channels': 5, 'num_class_embeds': 4, " LAC_TEST_LATENT_UNET " } },"
    "             'text_encoder': { 'config': { 'max_position_embeddings': 6, " LAC_TEST_LATENT_TEXT " } } } }";

static json_t *config_of(double whole, bool known)
{
    char text[2048];
    snprintf(text, sizeof text, config_text, whole, known ? "true" : "false");
    return lac_test_json(text);
}

static void begin(double whole, bool known)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    lac_test_begin(&t, "latent", config_of(whole, known), b, LAC_F32, NULL);
}

static const void *derived(const char *name)
{
    const lac_tensor *x = lac_batch_field(&t.trainer.derived.batch[0], name);
    LAC_CHECK(x != NULL && x->data != NULL);
    return x->data;
}

/* A last layer of zeros predicts no noise and a mask of halves. 1e-5: sums in f32. */
static void check_zeros(bool known)
{
    double loss[LAC_TEST_LOSSES], squares = 0, dice = 0;
    begin(0, known);
    lac_param *last = lac_params_find(lac_recipe_find_network(&t.trainer.recipe, "unet"), "conv_out.weight");
    memset(last->value->data, 0, lac_bytes(last->value));
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    lac_test_losses(&t, loss);
    const float *noise = derived("noise"), *exact = derived("exact"), *cells = derived("cells");
    for (int i = 0; i < LAC_TEST_BATCH; i++) {
        double object = 0;
        for (int k = 0; k < CELLS * Z; k++)
            squares += known || cells[i * CELLS + k / Z] != 0 ? pow((double)noise[i * CELLS * Z + k], 2) : 0;
        for (int k = 0; k < CELLS; k++)
            object += (double)exact[i * CELLS + k];
        dice += 1 - object / (0.5 * CELLS + object);
    }
    LAC_CHECK(fabs(loss[0] / (squares / (LAC_TEST_BATCH * CELLS * Z)) - 1) < 1e-5 && fabs(loss[1] / (dice / LAC_TEST_BATCH) - 1) < 1e-5);
    lac_test_end(&t);
}

LAC_TEST(a_brush_of_zeros_has_the_losses_of_the_formulas) { check_zeros(true); }
LAC_TEST(known_cells_may_be_left_out_of_a_brushs_loss) { check_zeros(false); }

/* The hole is the object's mask made as coarse as the sample's level says, or all; the mask to be said is the object's. Returns the level. */
static int check_sample(const lac_batch *b, int i, bool *whole)
{
    static const double sigma[LEVELS] = { 0, 2, 5, -1 };
    const uint8_t *mask = (const uint8_t *)lac_batch_field(b, "mask")->data + i * SIDE * SIDE;
    const float *hole = (const float *)derived("hole") + i * SIDE * SIDE, *exact = (const float *)derived("exact") + i * CELLS, *cells = (const float *)derived("cells") + i * CELLS;
    const int level = ((const int32_t *)derived("level"))[i];
    lac_image coarse;
    LAC_CHECK(level >= 0 && level < LEVELS);
    LAC_CHECK_STATUS(lac_image_new(&coarse, SIDE, SIDE, 1));
    *whole = true;
    for (int k = 0; k < SIDE * SIDE; k++) {
        coarse.pixels[k] = mask[k] ? 255 : 0;
        *whole &= hole[k] == 1;
    }
    LAC_CHECK_STATUS(lac_mask_coarsen(&coarse, sigma[level]));
    for (int k = 0; k < SIDE * SIDE; k++)
        LAC_CHECK(*whole || hole[k] == (coarse.pixels[k] != 0));
    for (int k = 0; k < CELLS; k++) {
        const int at = k / LATENT * 2 * SIDE + k % LATENT * 2;
        LAC_CHECK(cells[k] == hole[at] && exact[k] == (*whole ? 1.0f : mask[at] != 0));
    }
    lac_image_free(&coarse);
    return level;
}

/* Levels are uniform among the pictures that are not whole, which are as often as asked for: 4 sigma of 400 draws. */
LAC_TEST(a_brush_reads_masks_of_all_precisions)
{
    int found[LEVELS] = { 0 }, wholes = 0;
    begin(0.2, true);
    for (int step = 0; step < 200; step++) {
        lac_batch b;
        const lac_batch *all[LAC_MAX_PHASES] = { &b }, *made[LAC_MAX_PHASES];
        bool whole;
        LAC_CHECK_STATUS(lac_batch_random(&b, &(lac_loader_config){ .fields = t.trainer.recipe.fields, .view.size = SIDE, .count = 2 }, step));
        LAC_CHECK_STATUS(lac_derived_take(&t.trainer.derived, &t.trainer.recipe, all, made));
        for (int i = 0; i < 2; i++) {
            const int level = check_sample(&b, i, &whole);
            wholes += whole;
            found[level] += !whole;
        }
        lac_batch_free(&b);
    }
    LAC_CHECK(abs(wholes - 80) < 4 * sqrt(400 * 0.2 * 0.8));
    for (int i = 0; i < LEVELS; i++)
        LAC_CHECK(abs(found[i] - 80) < 4 * sqrt(400 * 0.2 * 0.8));
    lac_test_end(&t);
}

static void check_refused(const char *key, json_t *value, const char *says)
{
    lac_stages stages;
    lac_trainer trainer = { 0 };
    const lac_backend *b;
    lac_comm *comm;
    begin(0, true);
    json_t *wrong = json_deep_copy(t.config);
    lac_test_end(&t);
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    json_t *unet = json_object_get(json_object_get(json_object_get(wrong, "model"), "unet"), "config");
    json_object_set_new(strcmp(key, "coarse") == 0 ? json_object_get(wrong, "loss") : unet, key, value);
    LAC_CHECK_STATUS(lac_stages_resolve(&stages, wrong, NULL, NULL));
    LAC_CHECK_FAILS(lac_trainer_open(&trainer, stages.stage[0].recipe, stages.stage[0].config, "main", b, LAC_F32, comm), LAC_ERR_CONFIG, says);
    lac_trainer_close(&trainer);
    lac_stages_free(&stages);
    lac_comm_free(comm);
    json_decref(wrong);
}

LAC_TEST(a_brush_wants_its_channels_and_levels)
{
    check_refused("in_channels", json_integer(9), "in_channels is 9, expected 5, with the hole");
    check_refused("out_channels", json_integer(4), "out_channels is 4, expected 5");
    check_refused("num_class_embeds", json_integer(3), "3 num_class_embeds, expected 4 for 'smartbrush'");
    check_refused("coarse", json_pack("[i]", 8), "loss.coarse has 1 entries, expected 2");
}
