/* CAT-Diffusion's four stages in one run: where each begins, that they go on to the bit, and that one may be left out. */
#include "tests/harness/catdiff.h"
#include "tests/harness/said.h"
#include "tests/harness/test.h"

#include <stdio.h>

/* Four steps each: a fresh UNet hears its RefAdapters from the third on, through layers that are zero one after the other. */
enum { STAGES = 4, STEPS = 4 };
static const char *const stage_text[STAGES] = {
    "{ 'stage': 'distill', 'recipe': 'distill', 'model': { " LAC_TEST_CATDIFF_WORDS ", " LAC_TEST_CATDIFF_VISION ", " LAC_TEST_CATDIFF_SEM " }, 'optim': { 'sem_inpainter': { 'lr': 1e-2 } } }",
    "{ 'stage': 'unet', 'recipe': 'latent', 'model': { 'system': 'catdiff', 'visual': 'truth', " LAC_TEST_CATDIFF_FED ", " LAC_TEST_CATDIFF_VISION ", " LAC_TEST_CATDIFF_SEM " },"
    "  'optim': { 'unet': { 'lr': 1e-3, 'groups': [ { 'match': '*.attn3.*', 'lr': 1e-2 } ] } } }",
    "{ 'stage': 'sem', 'recipe': 'latent', 'model': { 'system': 'catdiff', 'train_unet': false, 'train_sem_inpainter': true, " LAC_TEST_CATDIFF_FED ", " LAC_TEST_CATDIFF_VISION ", " LAC_TEST_CATDIFF_SEM " },"
    "  'optim': { 'unet': { 'lr': 1e-2 } } }",
    "{ 'stage': 'joint', 'recipe': 'latent', 'model': { 'system': 'catdiff', 'train_sem_inpainter': true, " LAC_TEST_CATDIFF_FED ", " LAC_TEST_CATDIFF_VISION ", " LAC_TEST_CATDIFF_SEM " },"
    "  'loss': { 'distill': 0.1 }, 'optim': { 'unet': { 'lr': 1e-3, 'ema': 0.9, 'groups': [ { 'match': 'sem_inpainter/*', 'lr': 1e-2 } ] } } }",
};

static const char *place;

/* The stages whose steps are not below 0, of so many steps each. */
static json_t *config_of(const int steps[STAGES])
{
    char text[1024];
    snprintf(text, sizeof text, "{ 'name': 'a', 'precision': 'f32', 'device': 'cpu', 'threads': 1, 'batch': { 'global': 4, 'micro': 2 }, 'log': { 'tensorboard': false },"
             "  'data': { 'train': { 'set': '%s/set.h5', 'size': 16, 'flip': true, 'mask': 'object-box' } }, 'stages': [] }", place);
    json_t *config = lac_test_catdiff(text, "{}");
    for (int k = 0; k < STAGES; k++) {
        json_t *stage = lac_test_catdiff(stage_text[k], "{}");
        json_object_set_new(stage, "steps", json_integer(steps[k]));
        if (steps[k] >= 0)
            json_array_append(json_object_get(config, "stages"), stage);
        json_decref(stage);
    }
    return config;
}

static const char *folder_of(const char *name)
{
    static char folder[512];
    snprintf(folder, sizeof folder, "%s/%s", place, name);
    return folder;
}

/* Stops after so many steps; 0: does not. */
static lac_status run(const char *name, const int steps[STAGES], int stop_after)
{
    return lac_test_run(config_of(steps), folder_of(name), &(lac_test_watch){ .stop_steps = stop_after });
}

static void learnt(const char *name, lac_test_snapshot *s) { lac_test_learnt(s, folder_of(name)); }

static void make_set(void)
{
    char path[512];
    place = lac_test_folder();
    snprintf(path, sizeof path, "%s/set.h5", place);
    lac_test_said(path, LAC_TEST_SAID_SIDE, 1);
}

/* What a stage does not train comes out of it as it went in; what it trains begins where the stage before ended. */
LAC_TEST(each_stage_begins_where_the_one_before_ended)
{
    static const struct { bool sem, unet; } moves[STAGES] = { { true, false }, { false, true }, { true, false }, { true, true } };
    lac_test_snapshot after[STAGES];
    int steps[STAGES] = { -1, -1, -1, -1 };
    make_set();
    for (int k = 0; k < STAGES; k++) {
        char name[32];
        steps[k] = STEPS;
        snprintf(name, sizeof name, "until-%d", k);
        LAC_CHECK_STATUS(run(name, steps, 0));
        learnt(name, &after[k]);
    }
    for (int k = 1; k < STAGES; k++) {
        LAC_CHECK(lac_test_same(&after[k - 1], &after[k], "clip_vision/") && lac_test_same(&after[k - 1], &after[k], "text_encoder/"));
        LAC_CHECK(lac_test_same(&after[k - 1], &after[k], "sem_inpainter/") == !moves[k].sem);
        LAC_CHECK(k == 1 || (lac_test_same(&after[k - 1], &after[k], "unet/") == !moves[k].unet && lac_test_same(&after[k - 1], &after[k], "vae/")));
    }
    for (int k = 0; k < STAGES; k++)
        lac_test_drop(&after[k]);
}

static bool all_same(const lac_test_snapshot *a, const lac_test_snapshot *b) { return a->n == b->n && lac_test_same(a, b, ""); }

LAC_TEST(a_run_that_is_stopped_within_every_stage_ends_as_one_that_is_not)
{
    static const int steps[STAGES] = { STEPS, STEPS, STEPS, STEPS };
    lac_test_snapshot whole, parts;
    make_set();
    LAC_CHECK_STATUS(run("whole", steps, 0));
    for (int k = 0; k < STAGES; k++) {
        char at[64];
        snprintf(at, sizeof at, "stopped after step %d", k * STEPS + STEPS / 2);
        LAC_CHECK_FAILS(run("parts", steps, k == 0 ? STEPS / 2 : STEPS), LAC_ERR_STOPPED, at);
    }
    LAC_CHECK_STATUS(run("parts", steps, 0));
    learnt("whole", &whole), learnt("parts", &parts);
    LAC_CHECK(all_same(&whole, &parts));
    lac_test_drop(&whole), lac_test_drop(&parts);
}

/* A stage of no steps is as one that is not there. */
LAC_TEST(a_stage_of_no_steps_is_skipped)
{
    make_set();
    for (int k = 0; k < STAGES; k++) {
        lac_test_snapshot none, gone;
        int steps[STAGES] = { STEPS, STEPS, STEPS, STEPS };
        char name[2][32];
        snprintf(name[0], sizeof name[0], "none-%d", k), snprintf(name[1], sizeof name[1], "gone-%d", k);
        steps[k] = 0;
        LAC_CHECK_STATUS(run(name[0], steps, 0));
        steps[k] = -1;
        LAC_CHECK_STATUS(run(name[1], steps, 0));
        learnt(name[0], &none), learnt(name[1], &gone);
        LAC_CHECK(all_same(&none, &gone));
        lac_test_drop(&none), lac_test_drop(&gone);
    }
}
