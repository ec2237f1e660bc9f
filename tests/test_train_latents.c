/* Latents that are kept: a run with them learns what a run without learns, goes on, finds them again, and says what cannot be kept. */
#include "autograd/ops/backend_cpu.h"
#include "data/field.h"
#include "tests/harness/latent.h"
#include "tests/harness/ranks.h"
#include "tests/harness/run.h"
#include "tests/harness/said.h"
#include "tests/harness/test.h"
#include "train/texts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = LAC_TEST_SAID_SIDE, RECORDS = LAC_TEST_SAID };

static const char *place;       /* folder of this test */
static bool keeps_texts;        /* as all runs from then on */
static const char *fill;        /* likewise: what the encoder reads in the hole */

/* place/set.h5 */
static void make_set(int height, int objects)
{
    char path[512];
    snprintf(path, sizeof path, "%s/set.h5", place);
    lac_test_said(path, height, objects);
}

/* ---- a run ---- */

static const char config_text[] =
    "{ 'recipe': 'latent', 'precision': 'f32', 'device': 'cpu', 'name': 'a', 'steps': %d, 'threads': 1, 'optim': { 'unet': { 'lr': 10, 'eps': 1 } }, 'batch': { 'global': 4, 'micro': 2 },"
    "  'data': { 'train': { 'set': '%s', 'size': 16, 'flip': true, 'mask': 'object-box' } }, 'log': { 'tensorboard': false },"
    "  'loss': { 'prompt_dropout': 0.25, 'whole': 0.25 },"
    "  'model': { 'cache': '%s', 'cache_texts': %s, 'cache_folder': '%s/cache', " LAC_TEST_LATENT_MODEL("9") " } }";

static json_t *config_of(int steps, const char *cache, const char *mask)
{
    char text[4096], set[512];
    snprintf(set, sizeof set, "%s/set.h5", place);
    snprintf(text, sizeof text, config_text, steps, set, cache, keeps_texts ? "true" : "false", place);
    json_t *config = lac_test_json(text);
    json_object_set_new(json_object_get(json_object_get(config, "data"), "train"), "mask", json_string(mask));
    json_object_set_new(json_object_get(config, "model"), "settings", json_pack("{s:s}", "hole_fill", fill));
    return config;
}

static const char *folder_of(const char *name)
{
    static char folder[512];
    snprintf(folder, sizeof folder, "%s/%s", place, name);
    return folder;
}

static lac_status run(const char *name, int steps, const char *cache, const char *mask, lac_test_watch *w)
{
    return lac_test_run(config_of(steps, cache, mask), folder_of(name), w);
}

static void learnt(const char *name, lac_test_snapshot *s) { lac_test_learnt(s, folder_of(name)); }

static void make_usual_set(void)
{
    place = lac_test_folder();
    keeps_texts = false;
    fill = "grey";
    make_set(SIDE, 1);
}

/* In f32 the rows are what the encoder gives; in batches of another size it rounds otherwise: 1e-5 of the way that the weights have gone. Samples of the posterior, flips and
 * pictures that are hole altogether are drawn alike. */
static void compare(const char *mask, const char *cache, int encoded)
{
    lac_test_watch none = { 0 }, first = { 0 }, again = { 0 };
    lac_test_snapshot start, off, kept, found;
    make_usual_set();
    LAC_CHECK_STATUS(run("start", 0, "off", mask, &none));
    LAC_CHECK_STATUS(run("off", 4, "off", mask, &none));
    LAC_CHECK_STATUS(run("kept", 4, cache, mask, &first));
    LAC_CHECK_STATUS(run("again", 4, cache, mask, &again));
    LAC_CHECK(none.made == 0 && first.made == encoded && again.made == 0);
    learnt("start", &start), learnt("off", &off), learnt("kept", &kept), learnt("again", &found);
    const double way = lac_test_farthest(&start, &off, "unet/");
    LAC_CHECK(way > 0 && lac_test_farthest(&off, &kept, "unet/") < 1e-5 * way);
    LAC_CHECK(lac_test_same(&kept, &found, ""));
    lac_test_drop(&start), lac_test_drop(&off), lac_test_drop(&kept), lac_test_drop(&found);
}

/* Six records, twice, two at once: micro-batches. */
LAC_TEST(a_run_on_kept_latents_learns_as_one_that_encodes) { compare("object-box", "latents", 6); }
LAC_TEST(surroundings_are_encoded_where_pictures_alone_are_kept) { compare("object", "pictures", 6); }
LAC_TEST(surroundings_of_drawn_masks_are_encoded) { compare("rect", "latents", 6); }

LAC_TEST(a_run_on_kept_latents_goes_on_to_the_bit)
{
    lac_test_watch w = { 0 };
    lac_test_snapshot whole, parts;
    make_usual_set();
    LAC_CHECK_STATUS(run("whole", 4, "latents", "object-box", &w));
    LAC_CHECK_STATUS(run("parts", 2, "latents", "object-box", &w));
    LAC_CHECK_STATUS(run("parts", 4, "latents", "object-box", &w));
    learnt("whole", &whole), learnt("parts", &parts);
    LAC_CHECK(lac_test_same(&whole, &parts, ""));
    lac_test_drop(&whole), lac_test_drop(&parts);
}

/* Three texts, the empty one among them, two at once: micro-batches. To the bit, since texts are read in the batches of a step. */
LAC_TEST(a_run_on_kept_texts_is_to_the_bit_one_that_reads_them)
{
    lac_test_watch off = { 0 }, kept = { 0 }, again = { 0 };
    lac_test_snapshot a, b, c;
    make_usual_set();
    LAC_CHECK_STATUS(run("off", 4, "off", "object-box", &off));
    keeps_texts = true;
    LAC_CHECK_STATUS(run("kept", 4, "off", "object-box", &kept));
    LAC_CHECK_STATUS(run("parts", 2, "off", "object-box", &again));
    LAC_CHECK_STATUS(run("parts", 4, "off", "object-box", &again));
    LAC_CHECK(off.made == 0 && kept.made == 2 && again.made == 0);
    learnt("off", &a), learnt("kept", &b), learnt("parts", &c);
    LAC_CHECK(lac_test_same(&a, &b, "") && lac_test_same(&a, &c, ""));
    lac_test_drop(&a), lac_test_drop(&b), lac_test_drop(&c);
}

/* Of pictures without captions the labels of their objects are the prompts. */
LAC_TEST(a_run_on_kept_labels_is_to_the_bit_one_that_reads_them)
{
    lac_test_watch w = { 0 };
    lac_test_snapshot a, b;
    char path[512];
    make_usual_set();
    snprintf(path, sizeof path, "%s/set.h5", place);
    lac_test_labelled(path);
    LAC_CHECK_STATUS(run("off", 4, "off", "object-box", &w));
    keeps_texts = true;
    LAC_CHECK_STATUS(run("kept", 4, "off", "object-box", &w));
    LAC_CHECK(w.made == 2);
    learnt("off", &a), learnt("kept", &b);
    LAC_CHECK(lac_test_same(&a, &b, ""));
    lac_test_drop(&a), lac_test_drop(&b);
}

static int made(const char *name, const char *cache, const char *with)
{
    lac_test_watch w = { 0 };
    fill = with;
    LAC_CHECK_STATUS(run(name, 1, cache, "object-box", &w));
    return w.made;
}

/* Surroundings of holes that are filled otherwise are other rows; pictures are the same. */
LAC_TEST(latents_of_holes_that_are_filled_otherwise_are_made_anew)
{
    make_usual_set();
    LAC_CHECK(made("a", "latents", "grey") == 6 && made("b", "latents", "black") == 6 && made("c", "latents", "keep") == 6 && made("d", "latents", "black") == 0);
    LAC_CHECK(made("e", "pictures", "grey") == 6 && made("f", "pictures", "black") == 0);
}

LAC_TEST(who_is_stopped_while_latents_are_made_begins_again)
{
    lac_test_watch w = { .stop_made = 2 };
    make_usual_set();
    LAC_CHECK_FAILS(run("a", 1, "latents", "object-box", &w), LAC_ERR_STOPPED, "stopped while latents were made");
    w = (lac_test_watch){ 0 };
    LAC_CHECK_STATUS(run("a", 1, "latents", "object-box", &w));
    LAC_CHECK(w.made == 6);
}

/* ---- what cannot be kept ---- */

LAC_TEST(samples_that_are_no_function_of_their_record_are_refused)
{
    lac_test_watch w = { 0 };
    make_usual_set();
    make_set(SIDE, 2);
    LAC_CHECK_FAILS(run("a", 1, "latents", "object", &w), LAC_ERR_CONFIG, "data.train: latents cannot be kept: mask: '0.png' has 2 objects");
    LAC_CHECK_STATUS(run("a", 1, "pictures", "object", &w));
    make_set(SIDE + 2, 1);
    LAC_CHECK_FAILS(run("b", 1, "latents", "object", &w), LAC_ERR_CONFIG, "crop: '0.png' is 18 x 16, of which each sample sees another window of 16");
}

/* ---- several ranks, several files ---- */

typedef struct opened { lac_trainer trainer; lac_stages stages; lac_set *set; lac_source source; lac_loader_config data; lac_tape *tape; lac_latents latents; lac_texts texts; } opened;

static lac_status open_latents(opened *o, lac_comm *comm, const char *folder)
{
    char set[512];
    snprintf(set, sizeof set, "%s/set.h5", place);
    *o = (opened){ 0 };
    keeps_texts = true;
    LAC_TRY(lac_backend_cpu_register());
    json_t *config = config_of(1, "latents", "object-box");
    LAC_TRY(lac_stages_resolve(&o->stages, config, NULL, NULL));
    json_decref(config);
    const lac_stage *s = &o->stages.stage[0];
    const lac_backend *b;
    LAC_TRY(lac_backend_get(&b, "cpu"));
    LAC_TRY(lac_trainer_open(&o->trainer, s->recipe, s->config, "main", b, LAC_F32, comm));
    LAC_TRY(lac_set_open(&o->set, set));
    LAC_TRY(lac_tape_new(&o->tape, b));
    o->source = (lac_source){ .set = o->set, .split = "train", .weight = 1 };
    o->data = (lac_loader_config){ .source = &o->source, .n_sources = 1, .view = { .size = SIDE, .crop = LAC_CROP_RANDOM, .flip = true }, .mask = "object-box", .fields = o->trainer.recipe.fields,
                                   .latent = { o->trainer.recipe.latents[0].one }, .stream = "train", .global = 2, .count = 2 };
    const lac_texts_from texts = { .recipe = &o->trainer.recipe, .folder = folder, .comm = comm, .tape = o->tape, .batch = 2 };
    LAC_TRY(lac_texts_add(&o->texts, &texts, &o->source));
    const lac_latents_from from = { .recipe = &o->trainer.recipe, .data = &o->data, .folder = folder, .comm = comm, .tape = o->tape, .batch = 2, .each = 2 };
    return lac_latents_open(&o->latents, &from);
}

static void end_latents(opened *o)
{
    lac_latents_close(&o->latents);
    lac_texts_close(&o->texts);
    lac_tape_free(o->tape);
    lac_set_close(o->set);
    lac_trainer_close(&o->trainer);
    lac_stages_free(&o->stages);
}

static bool same_rows(const opened *a, const opened *b)
{
    float x[8 * 8 * 8], y[8 * 8 * 8];
    bool same = true;
    for (int i = 0; same && i < RECORDS * 4; i++)
        same = lac_latent_cache_read(a->latents.cache[0][0], (lac_latent_kind)(i % 2), i / 4, i / 2 % 2, x) == LAC_OK &&
               lac_latent_cache_read(b->latents.cache[0][0], (lac_latent_kind)(i % 2), i / 4, i / 2 % 2, y) == LAC_OK && memcmp(x, y, sizeof x) == 0;
    return same && memcmp(a->trainer.recipe.latents[0].whole, b->trainer.recipe.latents[0].whole, sizeof x) == 0;
}

static bool same_states(const opened *a, const opened *b)
{
    static const char *const texts[] = { "", "star", "moon" };
    float x[3][6 * 8], y[6 * 8];
    bool same = true;
    for (int i = 0; same && i < 3; i++)
        same = lac_texts_read(&a->texts, texts[i], x[i]) == LAC_OK && lac_texts_read(&b->texts, texts[i], y) == LAC_OK && memcmp(x[i], y, sizeof y) == 0;
    return same && memcmp(x[0], x[1], sizeof y) != 0 && memcmp(x[1], x[2], sizeof y) != 0;
}

static int make_as_rank(lac_ranks_here *h)
{
    char folder[600];
    opened o;
    WANT(h->opened == LAC_OK);
    snprintf(folder, sizeof folder, "%s/ranks", place);
    WANT(open_latents(&o, h->comm, folder) == LAC_OK);
    WANT(lac_latent_cache_files(o.latents.cache[0][0]) == 3 && lac_latent_cache_has(o.latents.cache[0][0], 2));
    end_latents(&o);
    return 0;
}

/* Three files, two ranks: what they make is what one makes, to the bit, and one opens it. */
LAC_TEST(ranks_make_files_that_one_rank_makes)
{
    opened alone, found;
    lac_comm *comm;
    char folder[600], ranks[600];
    make_usual_set();
    snprintf(folder, sizeof folder, "%s/alone", place);
    snprintf(ranks, sizeof ranks, "%s/ranks", place);
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    lac_play(make_as_rank, 2, 0, 60, lac_test_port(NULL), NULL);
    LAC_CHECK_STATUS(open_latents(&alone, comm, folder));
    LAC_CHECK_STATUS(open_latents(&found, comm, ranks));
    LAC_CHECK(same_rows(&alone, &found) && same_states(&alone, &found));
    float x[6 * 8];
    LAC_CHECK_FAILS(lac_texts_read(&alone.texts, "sun", x), LAC_ERR_STATE, "the states of 'sun' are not kept");
    end_latents(&alone);
    end_latents(&found);
    lac_comm_free(comm);
}
