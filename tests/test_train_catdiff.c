/* CAT-Diffusion's training, a stage at a time: who moves, at which rate, that RefAdapters that say nothing change nothing, and which conditions are left out. */
#include "core/memory.h"
#include "data/field.h"
#include "models/autoencoder/autoencoder.h"
#include "tests/harness/catdiff.h"
#include "tests/harness/test.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>

enum { N = LAC_TEST_BATCH, WIDTH = 12, IDS = 6 };

static lac_test_training t;

/* ---- who moves ---- */

/* Of a key's bias every query's score gets as much: it has no gradient but rounding. */
static bool is_key_bias(const char *name) { return strstr(name, "k_proj.bias") != NULL; }

typedef struct moving { const char *trained[2], *deaf; } moving;      /* networks by name; parameters that hear nothing of the loss (fnmatch), or NULL */

static void check_param(const moving *m, const lac_param *p, const char *name, const float *before, const float *after)
{
    const bool moved = memcmp(before, after, lac_bytes(p->value)) != 0, deaf = m->deaf != NULL && fnmatch(m->deaf, name, 0) == 0;
    bool trained = false;
    for (int i = 0; i < 2 && m->trained[i] != NULL; i++)
        trained |= strcmp(m->trained[i], p->of->name) == 0;
    if (moved != (trained && !deaf) && !(trained && is_key_bias(name)))
        fail_msg("%s has %smoved", name, moved ? "" : "not ");
    LAC_CHECK(p->of->frozen == !trained && (p->grad != NULL) == trained && (p->master != NULL) == trained);
}

/* Every parameter of the networks that a stage trains moves, none of the others by a bit; and those have no gradients. */
static void check_moves(const char *recipe, const char *config, const char *more, const moving *m)
{
    lac_test_snapshot before, after;
    lac_test_catdiff_begin(&t, recipe, config, more);
    lac_test_catdiff_draw(&t);
    lac_test_snap(&before, &t.trainer.recipe);
    for (int step = 0; step < 2; step++)
        LAC_CHECK_STATUS(lac_test_step(&t, step, N));
    LAC_CHECK_STATUS(lac_trainer_settle(&t.trainer));
    lac_test_snap(&after, &t.trainer.recipe);
    for (int k = 0; k < after.n; k++)
        check_param(m, lac_test_param_at(&t.trainer.recipe, k), after.name[k], before.x[k], after.x[k]);
    lac_test_drop(&before), lac_test_drop(&after);
    lac_test_end(&t);
}

/* The class token that SemInpainter says is no part of the visual prompt: its norm learns by the lesson alone. */
LAC_TEST(each_stage_moves_what_it_trains_and_nothing_else)
{
    check_moves("distill", LAC_TEST_CATDIFF_DISTILL, "{}", &(moving){ { "sem_inpainter" } });
    check_moves("latent", LAC_TEST_CATDIFF_LATENT, "{ 'model': { 'visual': 'truth' } }", &(moving){ { "unet" } });
    check_moves("latent", LAC_TEST_CATDIFF_LATENT, "{ 'model': { 'train_unet': false, 'train_sem_inpainter': true } }", &(moving){ { "sem_inpainter" }, "*post_layernorm*" });
    check_moves("latent", LAC_TEST_CATDIFF_LATENT, "{ 'model': { 'train_sem_inpainter': true } }", &(moving){ { "unet", "sem_inpainter" }, "sem_inpainter/*post_layernorm*" });
    check_moves("latent", LAC_TEST_CATDIFF_LATENT, "{ 'model': { 'train_sem_inpainter': true }, 'loss': { 'distill': 0.1 } }", &(moving){ { "unet", "sem_inpainter" } });
    check_moves("latent", LAC_TEST_CATDIFF_ROW2, "{}", &(moving){ { "unet" } });
}

/* ---- rates ---- */

/* How far the parameters went of whose names the pattern fits, and the other does not. */
static double longest_way(const lac_test_snapshot *before, const lac_test_snapshot *after, const char *pattern, const char *but)
{
    double longest = 0;
    for (int k = 0; k < after->n; k++)
        if (fnmatch(pattern, after->name[k], 0) == 0 && (but == NULL || fnmatch(but, after->name[k], 0) != 0))
            longest = fmax(longest, lac_farthest(before->x[k], after->x[k], lac_numel(lac_test_param_at(&t.trainer.recipe, k)->value)));
    return longest;
}

/* Adam's first step is as long as the rate wherever there is a gradient. 1e-3: what an eps of 1e-8 and f32 leave of that. */
static bool goes(const lac_test_snapshot *before, const lac_test_snapshot *after, const char *pattern, const char *but, double rate)
{
    const double way = longest_way(before, after, pattern, but);
    return rate == 0 ? way == 0 : fabs(way / rate - 1) < 1e-3;
}

LAC_TEST(each_group_goes_at_its_own_rate)
{
    lac_test_snapshot before, after;
    lac_test_catdiff_begin(&t, "latent", LAC_TEST_CATDIFF_LATENT, "{ 'model': { 'train_sem_inpainter': true }, 'optim': { 'unet': { 'lr': 1e-3, 'groups': [ { 'match': '*.attn3.*', 'lr': 4e-3 },"
          "  { 'match': '*.norm4.*', 'lr': 3e-3 }, { 'match': 'sem_inpainter/*', 'lr': 2e-3 }, { 'match': 'sem_inpainter/*spatial_mlp*', 'lr': 0 } ] } } }");
    lac_test_catdiff_draw(&t);
    lac_test_snap(&before, &t.trainer.recipe);
    LAC_CHECK_STATUS(lac_test_step(&t, 0, N));
    LAC_CHECK_STATUS(lac_trainer_settle(&t.trainer));
    lac_test_snap(&after, &t.trainer.recipe);
    LAC_CHECK(goes(&before, &after, "unet/*.attn3.*", NULL, 4e-3) && goes(&before, &after, "unet/*.norm4.*", NULL, 3e-3));
    LAC_CHECK(goes(&before, &after, "sem_inpainter/*", "*spatial_mlp*", 2e-3) && goes(&before, &after, "*spatial_mlp*", NULL, 0));
    LAC_CHECK(goes(&before, &after, "unet/conv_in*", NULL, 1e-3) && goes(&before, &after, "unet/*.attn2.*", NULL, 1e-3) && goes(&before, &after, "unet/conv_out*", NULL, 1e-3));
    lac_test_drop(&before), lac_test_drop(&after);
    lac_test_end(&t);
}

/* ---- RefAdapters that say nothing ---- */

static double first_loss(const char *config, const char *more, const lac_test_snapshot *weights, lac_test_snapshot *drawn)
{
    double loss[LAC_TEST_LOSSES];
    lac_test_catdiff_begin(&t, "latent", config, more);
    if (drawn != NULL) {
        lac_test_catdiff_draw(&t);
        lac_test_snap(drawn, &t.trainer.recipe);
    }
    for (int k = 0; weights != NULL && k < weights->n; k++) {
        const char *name = strchr(weights->name[k], '/') + 1;
        char net[64];
        snprintf(net, sizeof net, "%.*s", (int)(name - 1 - weights->name[k]), weights->name[k]);
        LAC_CHECK_STATUS(lac_param_set(lac_params_find(lac_recipe_find_network(&t.trainer.recipe, net), name), weights->x[k]));
    }
    LAC_CHECK_STATUS(lac_test_step(&t, 0, N));
    lac_test_losses(&t, loss);
    lac_test_end(&t);
    return loss[0];
}

LAC_TEST(the_first_step_with_silent_adapters_is_to_the_bit_that_of_row_1)
{
    lac_test_snapshot row1;
    const double wanted = first_loss(LAC_TEST_CATDIFF_ROW1, "{}", NULL, &row1);
    LAC_CHECK(wanted > 0);
    LAC_CHECK(first_loss(LAC_TEST_CATDIFF_LATENT, "{ 'model': { 'visual': 'truth' } }", &row1, NULL) == wanted);
    LAC_CHECK(first_loss(LAC_TEST_CATDIFF_LATENT, "{}", &row1, NULL) == wanted && first_loss(LAC_TEST_CATDIFF_ROW2, "{}", &row1, NULL) == wanted);
    LAC_CHECK(first_loss(LAC_TEST_CATDIFF_LATENT, "{ 'model': { 'ref_zero_init': false } }", &row1, NULL) != wanted);
    lac_test_drop(&row1);
}

/* ---- what the autoencoder reads in the hole ---- */

enum { SIDE = LAC_TEST_SIDE, PIXELS = N * SIDE * SIDE };
typedef struct filled { lac_tensor *image, *mask, *by_hand, *found, *wanted; } filled;

static lac_status encode_both(lac_tape *tape, void *context)
{
    filled *f = context;
    const lac_recipe *r = &t.trainer.recipe;
    const lac_recipe_latents *l = &r->latents[LAC_LATENT_MOMENTS];
    lac_tensor *found = l->encode(r, tape, lac_tape_input(tape, f->image, LAC_F32), lac_tape_input(tape, f->mask, LAC_F32), true);
    lac_tensor *wanted = lac_autoencoder_encode(tape, l->encoder->model, lac_tape_input(tape, f->by_hand, LAC_F32));
    LAC_TRY(lac_tape_status(tape));
    LAC_TRY(lac_keep(tape, found, &f->found));
    return lac_keep(tape, wanted, &f->wanted);
}

/* Of the recipe's own encoding, and of pictures whose holes were filled by hand, to the bit. keep: with what is there. */
static bool fills_with(double value, bool keep)
{
    filled f = { 0 };
    lac_tape *tape;
    lac_stream random = lac_stream_at(7, 0, 0, 0);
    LAC_CHECK_STATUS(lac_tensor_new(&f.image, LAC_F32, 4, (int64_t[]){ N, SIDE, SIDE, 3 }));
    LAC_CHECK_STATUS(lac_tensor_new(&f.by_hand, LAC_F32, 4, (int64_t[]){ N, SIDE, SIDE, 3 }));
    LAC_CHECK_STATUS(lac_tensor_new(&f.mask, LAC_F32, 4, (int64_t[]){ N, SIDE, SIDE, 1 }));
    for (int k = 0; k < PIXELS; k++) {
        const bool hole = k / 5 % 3 == 0;
        ((float *)f.mask->data)[k] = hole;
        for (int c = 3 * k; c < 3 * k + 3; c++) {
            const float x = 2 * (float)lac_stream_uniform(&random) - 1;
            ((float *)f.image->data)[c] = x;
            ((float *)f.by_hand->data)[c] = hole && !keep ? (float)value : x;
        }
    }
    LAC_CHECK_STATUS(lac_tape_new(&tape, t.trainer.recipe.backend));
    LAC_CHECK_STATUS(lac_tape_run(tape, "fill", encode_both, &f));
    const bool same = memcmp(f.found->data, f.wanted->data, lac_bytes(f.found)) == 0;
    lac_tensor *const all[] = { f.image, f.mask, f.by_hand, f.found, f.wanted };
    for (size_t i = 0; i < LAC_COUNT(all); i++)
        lac_tensor_free(all[i]);
    lac_tape_free(tape);
    return same;
}

/* Training fills it as the system does when it paints. */
LAC_TEST(the_hole_is_filled_as_the_settings_say)
{
    static const struct { const char *fill; double value; } way[] = { { "grey", 0 }, { "black", -1 }, { "keep", 0 } };
    double loss[3];
    for (int i = 0; i < 3; i++) {
        char more[128];
        lac_test_snapshot weights;
        snprintf(more, sizeof more, "{ 'model': { 'cache': 'pictures', 'settings': { 'hole_fill': '%s' } } }", way[i].fill);
        lac_test_catdiff_begin(&t, "latent", LAC_TEST_CATDIFF_ROW1, more);
        LAC_CHECK(fills_with(way[i].value, i == 2));
        lac_test_end(&t);
        snprintf(more, sizeof more, "{ 'model': { 'settings': { 'hole_fill': '%s' } } }", way[i].fill);
        loss[i] = first_loss(LAC_TEST_CATDIFF_ROW1, more, NULL, &weights);
        lac_test_drop(&weights);
    }
    LAC_CHECK(loss[0] != loss[1] && loss[0] != loss[2] && loss[1] != loss[2]);
}

/* ---- what is left out ---- */

static const float *derived(const char *name)
{
    const lac_tensor *x = lac_batch_field(&t.trainer.derived.batch[0], name);
    LAC_CHECK(x != NULL && x->data != NULL);
    return x->data;
}

static bool is_empty(const int32_t *ids)
{
    static const int32_t none[] = { 1525, 1526 };           /* begin and end, then ends */
    bool is = ids[0] == none[0];
    for (int k = 1; k < IDS; k++)
        is &= ids[k] == none[1];
    return is;
}

enum { TEXT_LOST = 1, VISUAL_LOST = 2, BATCHES = 400 };

/* Which of its conditions each sample of so many batches loses, as the rank sees it whose first sample is that. */
static void hear_coins(const char *loss, int64_t first, int lost[BATCHES][N])
{
    lac_test_catdiff_begin(&t, "latent", LAC_TEST_CATDIFF_LATENT, loss);
    t.trainer.derived.first = first;
    for (int step = 0; step < BATCHES; step++) {
        lac_batch b;
        const lac_batch *all[LAC_MAX_PHASES] = { &b }, *made[LAC_MAX_PHASES];
        lac_test_catdiff_batch(&t, &b, step);
        LAC_CHECK_STATUS(lac_derived_take(&t.trainer.derived, &t.trainer.recipe, all, made));
        for (int i = 0; i < N; i++) {
            const float heard = derived("heard")[i];
            LAC_CHECK(heard == 0 || heard == 1);
            lost[step][i] = (is_empty((const int32_t *)derived("ids") + i * IDS) ? TEXT_LOST : 0) | (heard == 0 ? VISUAL_LOST : 0);
        }
        lac_batch_free(&b);
    }
    lac_test_end(&t);
}

/* How many samples lose just these, four sigma. */
static bool as_often(int lost[BATCHES][N], int what, int draws, double share)
{
    int n = 0;
    for (int k = 0; k < BATCHES * N; k++)
        n += lost[k / N][k % N] == what;
    const double each = (double)(BATCHES * N) / draws;
    return fabs(n / each - draws * share) <= 4 * sqrt(draws * share * (1 - share));
}

LAC_TEST(text_and_visual_prompt_go_together)
{
    int lost[BATCHES][N];
    hear_coins("{ 'loss': { 'drop': 'joint', 'prompt_dropout': 0.25, 'visual_dropout': 0.9 } }", 0, lost);
    LAC_CHECK(as_often(lost, TEXT_LOST | VISUAL_LOST, BATCHES * N, 0.25) && as_often(lost, 0, BATCHES * N, 0.75));
    LAC_CHECK(as_often(lost, TEXT_LOST, BATCHES * N, 0) && as_often(lost, VISUAL_LOST, BATCHES * N, 0));
}

LAC_TEST(text_and_visual_prompt_go_each_by_its_coin)
{
    int lost[BATCHES][N];
    hear_coins("{ 'loss': { 'drop': 'separate', 'prompt_dropout': 0.25, 'visual_dropout': 0.4 } }", 0, lost);
    LAC_CHECK(as_often(lost, TEXT_LOST | VISUAL_LOST, BATCHES * N, 0.1) && as_often(lost, TEXT_LOST, BATCHES * N, 0.15));
    LAC_CHECK(as_often(lost, VISUAL_LOST, BATCHES * N, 0.3) && as_often(lost, 0, BATCHES * N, 0.45));
}

/* One coin for all samples, on whatever rank; in the other two, each its own. */
LAC_TEST(a_whole_batch_loses_both_by_one_coin)
{
    int lost[BATCHES][N], of_another_rank[BATCHES][N];
    hear_coins("{ 'loss': { 'drop': 'per-batch', 'prompt_dropout': 0.25 } }", 0, lost);
    hear_coins("{ 'loss': { 'drop': 'per-batch', 'prompt_dropout': 0.25 } }", N, of_another_rank);
    for (int k = 0; k < BATCHES; k++)
        LAC_CHECK(lost[k][0] == lost[k][1]);
    LAC_CHECK(memcmp(lost, of_another_rank, sizeof lost) == 0);
    LAC_CHECK(as_often(lost, TEXT_LOST | VISUAL_LOST, BATCHES, 0.25) && as_often(lost, 0, BATCHES, 0.75));
    hear_coins("{ 'loss': { 'drop': 'joint', 'prompt_dropout': 0.25 } }", 0, lost);
    hear_coins("{ 'loss': { 'drop': 'joint', 'prompt_dropout': 0.25 } }", N, of_another_rank);
    LAC_CHECK(memcmp(lost, of_another_rank, sizeof lost) != 0);
}

/* Who has lost the visual prompt hears nothing of what CLIP sees, who has it does. */
static double loss_with(double dropout, float eyes)
{
    double loss[LAC_TEST_LOSSES];
    char more[128];
    snprintf(more, sizeof more, "{ 'loss': { 'prompt_dropout': %g }, 'model': { 'ref_zero_init': false } }", dropout);
    lac_test_catdiff_begin(&t, "latent", LAC_TEST_CATDIFF_LATENT, more);
    lac_test_catdiff_draw(&t);
    lac_param *p = lac_params_find(lac_recipe_find_network(&t.trainer.recipe, "clip_vision"), "vision_model.embeddings.class_embedding");
    float x[WIDTH];
    for (int i = 0; i < WIDTH; i++)
        x[i] = eyes * (float)(i + 1);
    LAC_CHECK(p != NULL);
    LAC_CHECK_STATUS(lac_param_set(p, x));
    LAC_CHECK_STATUS(lac_test_step(&t, 0, N));
    lac_test_losses(&t, loss);
    lac_test_end(&t);
    return loss[0];
}

LAC_TEST(a_lost_visual_prompt_is_not_heard)
{
    LAC_CHECK(loss_with(1, 0.1f) == loss_with(1, -0.3f));
    LAC_CHECK(loss_with(0, 0.1f) != loss_with(0, -0.3f));
}
