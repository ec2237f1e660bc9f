#include "tests/harness/training.h"

#include "tests/harness/program.h"
#include "tests/harness/test.h"
#include "train/checkpoint.h"

enum { SIDE = LAC_TEST_SIDE, BATCH = LAC_TEST_BATCH };

/* This rank's share of the first n of a step's batch. */
static void draw_batch(const lac_test_training *t, int64_t at, int64_t n, lac_batch *b)
{
    n /= t->comm->size;
    const lac_loader_config c = { .fields = t->trainer.recipe.fields, .latent = { t->trainer.recipe.latents[0].one, t->trainer.recipe.latents[1].one }, .view.size = SIDE, .first = t->comm->rank * n, .count = n };
    LAC_CHECK_STATUS(lac_batch_random(b, &c, at));
}

void lac_test_begin(lac_test_training *t, const char *recipe, json_t *config, const lac_backend *b, lac_dtype d, lac_comm *comm)
{
    *t = (lac_test_training){ 0 };
    LAC_CHECK(config != NULL);
    LAC_CHECK_STATUS(lac_test_recipes());
    t->config = json_pack("{s:s,s:s,s:i,s:{s:i,s:i},s:{s:{s:i}}}", "name", "device", "recipe", recipe, "steps", 1, "batch", "global", BATCH, "micro", 1,
                          "data", "train", "size", SIDE);
    LAC_CHECK(t->config != NULL && json_object_update_recursive(t->config, config) == 0);
    json_decref(config);
    LAC_CHECK_STATUS(lac_stages_resolve(&t->stages, t->config, NULL, NULL));
    if (comm == NULL)
        LAC_CHECK_STATUS(lac_comm_alone(&t->own));
    t->comm = comm != NULL ? comm : t->own;
    const lac_stage *s = &t->stages.stage[0];
    LAC_CHECK_STATUS(lac_trainer_open(&t->trainer, s->recipe, s->config, "main", b, d, t->comm));
}

void lac_test_begin_deepfill(lac_test_training *t, const lac_backend *b, lac_dtype d, json_t *debug, lac_comm *comm)
{
    json_t *config = json_pack("{s:{s:{s:i},s:{s:i}},s:{s:{s:f,s:{s:i}}},s:o}", "model", "generator", "cnum", 4, "discriminator", "width", 4, "optim",
                               "generator", "ema", 0.9, "schedule", "warmup", 10, "debug", debug);
    lac_test_begin(t, "deepfill", config, b, d, comm);
}

void lac_test_end(lac_test_training *t)
{
    lac_trainer_close(&t->trainer);
    lac_comm_free(t->own);
    lac_stages_free(&t->stages);
    json_decref(t->config);
}

/* The pictures are the caller's again when a step has begun: they are spoiled. */
lac_status lac_test_step(lac_test_training *t, int64_t at, int64_t n)
{
    lac_batch batch;
    const lac_batch *all[LAC_MAX_PHASES];
    for (int p = 0; p < LAC_MAX_PHASES; p++)
        all[p] = &batch;
    draw_batch(t, at, n, &batch);
    const lac_status s = lac_trainer_step(&t->trainer, at, all, NULL);
    for (int f = 0; f < batch.n_fields; f++)
        memset(batch.field[f].tensor.data, 0x55, lac_bytes(&batch.field[f].tensor));
    lac_batch_free(&batch);
    return s;
}

void lac_test_losses(lac_test_training *t, double loss[LAC_TEST_LOSSES])
{
    int n = 0;
    LAC_CHECK_STATUS(lac_trainer_settle(&t->trainer));
    memset(loss, 0, LAC_TEST_LOSSES * sizeof loss[0]);
    for (int p = 0; p < t->trainer.recipe.n_phases; p++) {
        for (int i = 0; i < t->trainer.recipe.phase[p].n_losses; i++)
            loss[n++] = t->trainer.loss[p][i];
        for (int i = 0; i < t->trainer.recipe.phase[p].n_shown; i++)
            loss[n++] = t->trainer.shown[p][i];
    }
}

void lac_test_save(lac_test_training *t, const char *path)
{
    lac_state s = { 0 };
    const lac_checkpoint about = { .step = 1, .stage = (char *)"main", .model = (char *)t->stages.stage[0].recipe->name, .config = (char *)"{}", .numbers = (char *)"{}", .code = (char *)"" };
    LAC_CHECK_STATUS(lac_trainer_state(&t->trainer, &s));
    LAC_CHECK_STATUS(lac_checkpoint_write(path, &about, &s));
    lac_trainer_state_end(&t->trainer);
    lac_state_free(&s);
}

void lac_test_load(lac_test_training *t, const char *path)
{
    lac_state s = { 0 };
    LAC_CHECK_STATUS(lac_trainer_state(&t->trainer, &s));
    LAC_CHECK_STATUS(lac_checkpoint_load(path, t->stages.stage[0].recipe->name, &s));
    LAC_CHECK_STATUS(lac_trainer_restored(&t->trainer));
    lac_trainer_state_end(&t->trainer);
    lac_state_free(&s);
}

void lac_test_paint(lac_test_training *t, lac_image *made)
{
    lac_inpainter ip;
    lac_tape *tape;
    const lac_recipe *r = &t->trainer.recipe;
    lac_batch batch;
    draw_batch(t, 0, BATCH, &batch);
    const lac_image image = { SIDE, SIDE, 3, lac_batch_field(&batch, "image")->data }, mask = { SIDE, SIDE, 1, lac_batch_field(&batch, "mask")->data };
    LAC_CHECK_STATUS(lac_trainer_swap_ema(&t->trainer));
    r->def->inpainter(r, t->stages.stage[0].config, &ip);
    LAC_CHECK_STATUS(lac_tape_new(&tape, r->backend));
    LAC_CHECK_STATUS(lac_inpaint(&ip, tape, &image, &mask, NULL, made));
    lac_tape_free(tape);
    LAC_CHECK_STATUS(lac_trainer_swap_ema(&t->trainer));
    lac_batch_free(&batch);
}
