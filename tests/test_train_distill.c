/* SemInpainter's lesson: its losses on a first step against formulas on what the networks say. */
#include "data/field.h"
#include "models/catdiff/sem_inpainter.h"
#include "models/clip/text.h"
#include "models/clip/vision.h"
#include "tests/harness/catdiff.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>

enum { SIDE = LAC_TEST_SIDE, N = LAC_TEST_BATCH, PATCH = 4, ROW = SIDE / PATCH, CELLS = ROW * ROW, WIDTH = 12, IDS = 6, TEXT = 8 };

static lac_test_training t;

/* ---- what the networks say ---- */

static const lac_network *network(const char *name)
{
    for (int i = 0; i < t.trainer.recipe.n_nets; i++)
        if (strcmp(t.trainer.recipe.network[i].params->name, name) == 0)
            return &t.trainer.recipe.network[i];
    fail_msg("no network '%s'", name);
    return NULL;
}

/* What the networks say of the pictures, and of the holes. */
typedef struct said { float v[N * CELLS * WIDTH], truth[N * CELLS * WIDTH], seen[N * CELLS * WIDTH], g[N * WIDTH], g_truth[N * WIDTH], cells[N * CELLS]; } said;
typedef struct inputs { lac_tensor *truth, *seen, *cells, *ids; } inputs;
typedef struct heard { const inputs *in; lac_tensor *truth, *seen, *v, *g, *g_truth; } heard;

/* By the definition: the hole 127, CLIP's normalisation, a patch is of the hole if any pixel of it is. */
static void look(const lac_batch *b, inputs *in)
{
    static const double mean[3] = { 0.48145466, 0.4578275, 0.40821073 }, deviation[3] = { 0.26862954, 0.26130258, 0.27577711 };
    const uint8_t *image = lac_batch_field(b, "image")->data, *mask = lac_batch_field(b, "mask")->data;
    for (int k = 0; k < N * SIDE * SIDE * 3; k++) {
        ((float *)in->truth->data)[k] = (float)((image[k] / 255.0 - mean[k % 3]) / deviation[k % 3]);
        ((float *)in->seen->data)[k] = (float)(((mask[k / 3] ? 127 : image[k]) / 255.0 - mean[k % 3]) / deviation[k % 3]);
    }
    for (int k = 0; k < N * SIDE * SIDE; k++)
        if (mask[k])
            ((float *)in->cells->data)[k / (SIDE * SIDE) * CELLS + k / SIDE % SIDE / PATCH * ROW + k % SIDE / PATCH] = 1;
}

static void read(const lac_batch *b, inputs *in)
{
    lac_prompts p;
    const char *caption = lac_batch_field(b, "caption")->data;
    LAC_CHECK_STATUS(lac_prompts_open(&p, LAC_SOURCE_DIR "/data/stamps/tokenizer", json_object_get(json_object_get(t.stages.stage[0].config, "model"), "prompts")));
    for (int i = 0; i < N; i++)
        LAC_CHECK_STATUS(lac_prompts_ids(&p, caption + i * LAC_CAPTION_BYTES, (int32_t *)in->ids->data + i * IDS, NULL));
    lac_prompts_close(&p);
}

static lac_status hear(lac_tape *tape, void *context)
{
    heard *h = context;
    lac_sem_inpainter sem = *(const lac_sem_inpainter *)network("sem_inpainter")->model;
    const lac_clip_vision *eyes = network("clip_vision")->model;
    sem.c.sample = false;
    const lac_clip_text_out text = lac_clip_text_forward(tape, network("text_encoder")->model, lac_tape_input(tape, h->in->ids, LAC_I32));
    const lac_clip_vision_out truth = lac_clip_vision_forward(tape, eyes, lac_tape_input(tape, h->in->truth, LAC_F32));
    const lac_clip_vision_out seen = lac_clip_vision_forward(tape, eyes, lac_tape_input(tape, h->in->seen, LAC_F32));
    const lac_sem_inpainter_in in = { seen.last, lac_tape_input(tape, h->in->cells, LAC_F32), lac_reshape(tape, text.pooled, 3, (int64_t[]){ N, 1, TEXT }),
                                      sem.c.global_token ? lac_reshape(tape, seen.pooled, 3, (int64_t[]){ N, 1, WIDTH }) : NULL };
    const lac_sem_inpainter_out out = lac_sem_inpainter_forward(tape, &sem, &in);
    LAC_TRY(lac_tape_status(tape));
    LAC_TRY(lac_keep(tape, truth.last, &h->truth));
    LAC_TRY(lac_keep(tape, seen.last, &h->seen));
    LAC_TRY(lac_keep(tape, truth.pooled, &h->g_truth));
    LAC_TRY(lac_keep(tape, out.spatial, &h->v));
    return out.pooled != NULL ? lac_keep(tape, out.pooled, &h->g) : LAC_OK;
}

/* Behind the class token. */
static void take_patches(lac_tensor *last, float *to)
{
    for (int i = 0; i < N; i++)
        memcpy(to + i * CELLS * WIDTH, (const float *)last->data + (i * (CELLS + 1) + 1) * WIDTH, CELLS * WIDTH * sizeof *to);
    lac_tensor_free(last);
}

static void take(lac_tensor *x, float *to)
{
    if (x != NULL)
        memcpy(to, x->data, lac_bytes(x));
    lac_tensor_free(x);
}

static void ask_networks(said *s)
{
    lac_tape *tape;
    lac_batch b;
    inputs in;
    heard h = { .in = &in };
    lac_test_catdiff_batch(&t, &b, 0);
    LAC_CHECK_STATUS(lac_tensor_new(&in.truth, LAC_F32, 4, (int64_t[]){ N, SIDE, SIDE, 3 }));
    LAC_CHECK_STATUS(lac_tensor_new(&in.seen, LAC_F32, 4, (int64_t[]){ N, SIDE, SIDE, 3 }));
    LAC_CHECK_STATUS(lac_tensor_new(&in.cells, LAC_F32, 4, (int64_t[]){ N, ROW, ROW, 1 }));
    LAC_CHECK_STATUS(lac_tensor_new(&in.ids, LAC_I32, 2, (int64_t[]){ N, IDS }));
    memset(in.cells->data, 0, lac_bytes(in.cells));
    look(&b, &in);
    read(&b, &in);
    LAC_CHECK_STATUS(lac_tape_new(&tape, t.trainer.recipe.backend));
    LAC_CHECK_STATUS(lac_tape_run(tape, "hear", hear, &h));
    memcpy(s->cells, in.cells->data, sizeof s->cells);
    take_patches(h.truth, s->truth);
    take_patches(h.seen, s->seen);
    take(h.v, s->v), take(h.g, s->g), take(h.g_truth, s->g_truth);
    lac_tensor_free(in.truth), lac_tensor_free(in.seen), lac_tensor_free(in.cells), lac_tensor_free(in.ids);
    lac_tape_free(tape);
    lac_batch_free(&b);
}

/* ---- formulas ---- */

static double holes_of(const said *s)
{
    double n = 0;
    for (int i = 0; i < N * CELLS; i++)
        n += s->cells[i];
    return n;
}

static double patches_loss(const said *s, bool masked)
{
    double sum = 0;
    for (int i = 0; i < N * CELLS; i++)
        for (int c = 0; c < WIDTH && (!masked || s->cells[i] == 1); c++)
            sum += pow((double)s->v[i * WIDTH + c] - s->truth[i * WIDTH + c], 2) / WIDTH;
    return sum / (holes_of(s) + 1);
}

static double global_loss(const said *s)
{
    double sum = 0;
    for (int i = 0; i < N * WIDTH; i++)
        sum += pow((double)s->g[i] - s->g_truth[i], 2);
    return sum / (N * WIDTH);
}

static double apart(const said *s, const float *x)
{
    double sum = 0;
    for (int i = 0; i < N * CELLS; i++) {
        double xy = 0, xx = 0, yy = 0;
        for (int c = i * WIDTH; c < (i + 1) * WIDTH; c++) {
            xy += (double)x[c] * s->truth[c];
            xx += (double)x[c] * x[c];
            yy += (double)s->truth[c] * s->truth[c];
        }
        sum += s->cells[i] == 1 ? 1 - xy / sqrt(xx * yy) : 0;
    }
    return sum / holes_of(s);
}

/* 1e-5: sums in f32. */
static bool is(double found, double wanted) { return wanted > 0 && fabs(found / wanted - 1) < 1e-5; }

static void check_lesson(bool masked, bool global_token)
{
    said s;
    double loss[LAC_TEST_LOSSES];
    char more[256];
    snprintf(more, sizeof more, "{ 'loss': { 'kd_region': '%s' }, 'model': { 'sem_inpainter': { 'config': { 'global_token': %s } } } }", masked ? "masked" : "all",
             global_token ? "true" : "false");
    lac_test_catdiff_begin(&t, "distill", LAC_TEST_CATDIFF_DISTILL, more);
    ask_networks(&s);
    LAC_CHECK(holes_of(&s) > 0 && holes_of(&s) < N * CELLS);
    LAC_CHECK_STATUS(lac_test_step(&t, 0, N));
    lac_test_losses(&t, loss);
    LAC_CHECK(t.trainer.recipe.phase[0].n_losses == 3 + global_token && is(loss[0], patches_loss(&s, masked)));
    LAC_CHECK(!global_token || is(loss[1], global_loss(&s)));
    LAC_CHECK(is(loss[1 + global_token], apart(&s, s.v)) && is(loss[2 + global_token], apart(&s, s.seen)));
    lac_test_end(&t);
}

LAC_TEST(the_lesson_counts_the_patches_of_the_hole) { check_lesson(true, true); }
LAC_TEST(the_lesson_counts_all_patches) { check_lesson(false, true); }
LAC_TEST(the_lesson_without_a_class_token_is_of_patches_alone) { check_lesson(true, false); check_lesson(false, false); }

/* Beside the denoiser's loss it is the same. */
LAC_TEST(the_lesson_beside_the_denoiser_is_that_of_the_first_stage)
{
    for (int masked = 0; masked < 2; masked++) {
        said s;
        double loss[LAC_TEST_LOSSES];
        char more[256];
        snprintf(more, sizeof more, "{ 'loss': { 'distill': 0.1, 'kd_region': '%s' }, 'model': { 'train_sem_inpainter': true } }", masked ? "masked" : "all");
        lac_test_catdiff_begin(&t, "latent", LAC_TEST_CATDIFF_LATENT, more);
        ask_networks(&s);
        LAC_CHECK_STATUS(lac_test_step(&t, 0, N));
        lac_test_losses(&t, loss);
        LAC_CHECK(t.trainer.recipe.phase[0].n_losses == 3 && is(loss[1], patches_loss(&s, masked)) && is(loss[2], global_loss(&s)));
        lac_test_end(&t);
    }
}
