/* CLIP's features that are kept: a run with them learns what a run without learns, in every stage of CAT-Diffusion, and looks at no picture any more. */
#include "data/batch.h"
#include "tests/harness/catdiff.h"
#include "tests/harness/said.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

/* Batches in which the records, as they are and flipped, are looked at: two at once, the largest power of two that is no more than a micro-batch of 2 or 3. */
enum { LOOKS = LAC_TEST_SAID };

static const char *place;       /* folder of this test */

static void make_set(int objects)
{
    char path[512];
    place = lac_test_folder();
    snprintf(path, sizeof path, "%s/set.h5", place);
    lac_test_said(path, LAC_TEST_SAID_SIDE, objects);
}

static const char *folder_of(const char *name)
{
    static char folder[512];
    snprintf(folder, sizeof folder, "%s/%s", place, name);
    return folder;
}

/* A stage of its own: recipe, model and loss are the config's and what `more` says; Adam with an eps of 1 walks as far as gradients are large (docs/howto/recipe.md). */
typedef struct stage { const char *recipe, *config, *more, *mask; int micro; } stage;

static json_t *config_of(const stage *s, int steps, const char *cache)
{
    char text[1024];
    snprintf(text, sizeof text, "{ 'recipe': '%s', 'name': 'a', 'precision': 'f32', 'device': 'cpu', 'threads': 1, 'steps': %d, 'batch': { 'global': %d, 'micro': %d },"
             "  'log': { 'tensorboard': false }, 'data': { 'train': { 'set': '%s/set.h5', 'size': 16, 'flip': true, 'mask': '%s' } },"
             "  'optim': { '%s': { 'lr': 10, 'eps': 1 } }, 'model': { 'cache_features': '%s', 'cache_folder': '%s/cache' } }",
             s->recipe, steps, s->micro == 2 ? 4 : s->micro, s->micro, place, s->mask, strcmp(s->recipe, "distill") == 0 ? "sem_inpainter" : "unet", cache, place);
    json_t *config = lac_test_catdiff(s->config, s->more), *run = lac_test_catdiff(text, "{}");
    LAC_CHECK(json_object_update_recursive(config, run) == 0);
    json_decref(run);
    return config;
}

static lac_status run(const stage *s, const char *name, int steps, const char *cache, lac_test_watch *w) { return lac_test_run(config_of(s, steps, cache), folder_of(name), w); }
static void learnt(const char *name, lac_test_snapshot *s) { lac_test_learnt(s, folder_of(name)); }

/* Micro-batches of two are the cache's own: its rows are the step's, to the bit. In others they round otherwise: 1e-5 of the way that the weights have gone. */
static void compare(const stage *s, const char *cache)
{
    lac_test_watch none = { 0 }, first = { 0 }, again = { 0 };
    lac_test_snapshot start, off, kept, parts;
    make_set(1);
    LAC_CHECK_STATUS(run(s, "start", 0, "off", &none));
    LAC_CHECK_STATUS(run(s, "off", 6, "off", &none));
    LAC_CHECK_STATUS(run(s, "kept", 6, cache, &first));
    LAC_CHECK_STATUS(run(s, "parts", 3, cache, &again));
    LAC_CHECK_STATUS(run(s, "parts", 6, cache, &again));
    LAC_CHECK(none.made == 0 && first.made == LOOKS && again.made == 0);
    learnt("start", &start), learnt("off", &off), learnt("kept", &kept), learnt("parts", &parts);
    const double way = lac_test_farthest(&start, &off, "");
    LAC_CHECK(way > 0 && lac_test_farthest(&off, &kept, "") <= (s->micro == 2 ? 0 : 1e-5 * way) && lac_test_same(&kept, &parts, ""));
    lac_test_drop(&start), lac_test_drop(&off), lac_test_drop(&kept), lac_test_drop(&parts);
}

#define DISTILL "distill", LAC_TEST_CATDIFF_DISTILL
#define LATENT "latent", LAC_TEST_CATDIFF_LATENT

LAC_TEST(the_lesson_on_kept_features_is_the_lesson) { compare(&(stage){ DISTILL, "{}", "object-box", 2 }, "both"); }
LAC_TEST(features_of_batches_of_another_size_round_otherwise) { compare(&(stage){ DISTILL, "{}", "object-box", 3 }, "both"); }
LAC_TEST(holes_are_looked_at_where_pictures_alone_are_kept) { compare(&(stage){ DISTILL, "{}", "object", 2 }, "pictures"); }
LAC_TEST(holes_that_are_drawn_are_looked_at) { compare(&(stage){ DISTILL, "{}", "rect", 2 }, "both"); }

LAC_TEST(a_denoiser_on_kept_features_of_the_truth_learns_the_same)
{
    compare(&(stage){ LATENT, "{ 'model': { 'visual': 'truth', 'ref_zero_init': false } }", "rect", 2 }, "pictures");
}

/* With pictures that are hole altogether, whose features are kept once, and prompts that are left out. */
#define DROPPED "'loss': { 'whole': 0.25, 'prompt_dropout': 0.25 "
LAC_TEST(a_denoiser_on_kept_features_of_holes_learns_the_same)
{
    compare(&(stage){ "latent", LAC_TEST_CATDIFF_ROW2, "{ 'model': { 'ref_zero_init': false }, " DROPPED "} }", "object-box", 2 }, "both");
    compare(&(stage){ LATENT, "{ 'model': { 'ref_zero_init': false, 'train_sem_inpainter': true }, " DROPPED "} }", "object-box", 3 }, "both");
}

LAC_TEST(the_lesson_beside_the_denoiser_is_the_same_on_kept_features)
{
    compare(&(stage){ LATENT, "{ 'model': { 'ref_zero_init': false, 'train_sem_inpainter': true }, " DROPPED ", 'distill': 0.1 } }", "object-box", 2 }, "both");
}

LAC_TEST(nothing_looks_at_pictures_when_all_is_kept)
{
    static const char *const all[][2] = { { DISTILL }, { LATENT } };
    for (int i = 0; i < 2; i++)
        for (int kept = 0; kept < 2; kept++) {
            lac_test_training t;
            lac_batch b;
            char more[512];
            snprintf(more, sizeof more, "{ 'data': { 'train': { 'mask': 'object-box' } }, 'model': { 'cache_features': '%s' %s } }", kept ? "both" : "off", i > 0 ? ", 'cache': 'latents'" : "");
            lac_test_catdiff_begin(&t, all[i][0], all[i][1], more);
            LAC_CHECK_STATUS(lac_derived_describe(&t.trainer.recipe, 1, &b));
            LAC_CHECK((lac_batch_find(&b, "image") == NULL) == (kept == 1));
            lac_test_end(&t);
        }
}

/* Records of two objects have no hole of their own. */
LAC_TEST(what_is_no_function_of_its_record_is_not_kept)
{
    const stage s = { DISTILL, "{}", "object", 2 };
    lac_test_watch w = { 0 };
    make_set(2);
    LAC_CHECK_FAILS(run(&s, "a", 1, "both", &w), LAC_ERR_CONFIG, "data.train: features cannot be kept: mask: '0.png' has 2 objects");
    LAC_CHECK_STATUS(run(&s, "a", 1, "pictures", &w));
}

LAC_TEST(who_is_stopped_while_features_are_made_begins_again)
{
    const stage s = { DISTILL, "{}", "object-box", 2 };
    lac_test_watch w = { .stop_made = 2 };
    make_set(1);
    LAC_CHECK_FAILS(run(&s, "a", 1, "both", &w), LAC_ERR_STOPPED, "stopped while features were made");
    w = (lac_test_watch){ 0 };
    LAC_CHECK_STATUS(run(&s, "a", 1, "both", &w));
    LAC_CHECK(w.made == LOOKS);
}
