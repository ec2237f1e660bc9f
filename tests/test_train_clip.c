/* The recipe `clip`: its loss and gradients against PyTorch's, one batch over ranks, captions that are the same, what bounds the scale, and retrieval. */
#include "autograd/ops/backend_cpu.h"
#include "core/file/weights.h"
#include "data/field.h"
#include "models/clip/clip.h"
#include "tests/harness/ranks.h"
#include "tests/harness/test.h"
#include "tests/harness/training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PICTURES = 4, LENGTH = 6, SIDE = LAC_TEST_SIDE, STEPS = 3, LOSSES = LAC_TEST_LOSSES, SHOWN_SCALE = 1 };

static lac_test_training t;
static const char *const captions[PICTURES] = { "lion", "yellow pear", "flute", "lion" };

#define TOWER "'hidden_size': 8, 'intermediate_size': 16, 'num_hidden_layers': 1, 'num_attention_heads': 2"
static const char config_text[] =
    "{ 'optim': { 'clip': { 'lr': 10, 'eps': 1, 'decay': 0.1, 'kind': 'adamw' } }, 'batch': { 'global': 4, 'micro': %d }, 'loss': { 'scale_max': %g },"
    "  'model': { 'clip': { 'projection_dim': 8, 'vision_config': { " TOWER ", 'image_size': %d, 'patch_size': 8 },"
    "             'text_config': { " TOWER ", 'vocab_size': %d, 'max_position_embeddings': 6, 'eos_token_id': %d } },"
    "             'tokenizer': '" LAC_SOURCE_DIR "/data/stamps/tokenizer', 'prompts': { 'max_length': 6, 'template': '%s' } } }";

typedef struct wish { int micro; double scale_max; int side, vocabulary, eos; const char *template; } wish;
static const wish usual = { 4, 100, SIDE, 1527, 1526, "{}" };

static json_t *config_of(const wish *w)
{
    char text[2048];
    snprintf(text, sizeof text, config_text, w->micro, w->scale_max, w->side, w->vocabulary, w->eos, w->template);
    return lac_test_json(text);
}

static const lac_backend *cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    return b;
}

/* ---- the golden model ---- */

static lac_weights *golden(void)
{
    lac_weights *w;
    LAC_CHECK_STATUS(lac_weights_open(&w, lac_test_golden("clip_contrast.safetensors")));
    return w;
}

static void read(const lac_weights *w, const char *name, void *to, size_t bytes)
{
    LAC_CHECK(lac_weights_find(w, name) >= 0);
    LAC_CHECK_STATUS(lac_weights_read(w, lac_weights_find(w, name), to, bytes));
}

static double number(const lac_weights *w, const char *name)
{
    double x;
    read(w, name, &x, sizeof x);
    return x;
}

static lac_params *net(void) { return lac_recipe_find_network(&t.trainer.recipe, "clip"); }

static void begin(const wish *c, lac_comm *comm)
{
    lac_weights *w = golden();
    lac_test_begin(&t, "clip", config_of(c), cpu(), LAC_F32, comm);
    LAC_CHECK_STATUS(lac_params_load(net(), w, "weight.", true, NULL));
    lac_weights_close(w);
}

/* ---- its batch: this rank's share of the first n pictures ---- */

typedef struct own_batch { lac_batch b; uint8_t pixels[PICTURES][SIDE][SIDE][3]; char caption[PICTURES][LAC_CAPTION_BYTES]; } own_batch;

static void add_field(lac_batch *b, const char *name, lac_dtype d, int ndim, const int64_t *dim, void *data)
{
    lac_field *f = &b->field[b->n_fields++];
    LAC_CHECK_STATUS(lac_field_find(&f->def, name));
    lac_tensor_shape(&f->tensor, d, ndim, dim);
    f->tensor.data = data;
}

static void make_batch(own_batch *o, int64_t step, int64_t n)
{
    lac_weights *w = golden();
    memset(o, 0, sizeof *o);
    n /= t.comm->size;
    const int64_t first = t.comm->rank * n;
    read(w, "image", o->pixels, sizeof o->pixels);
    for (int i = 0; i < PICTURES; i++)
        snprintf(o->caption[i], sizeof o->caption[i], "%s", captions[i]);
    o->b.n = n;
    o->b.step = step;
    add_field(&o->b, "image", LAC_U8, 4, (int64_t[]){ n, SIDE, SIDE, 3 }, o->pixels[first]);
    add_field(&o->b, "caption", LAC_U8, 2, (int64_t[]){ n, LAC_CAPTION_BYTES }, o->caption[first]);
    lac_weights_close(w);
}

static lac_status step(int64_t at, int64_t n)
{
    own_batch o;
    const lac_batch *all[LAC_MAX_PHASES];
    make_batch(&o, at, n);
    for (int p = 0; p < LAC_MAX_PHASES; p++)
        all[p] = &o.b;
    return lac_trainer_step(&t.trainer, at, all, NULL);
}

/* ---- against PyTorch ---- */

/* |ours - theirs| / |theirs|. */
static double gradient_gap(const lac_weights *w, const lac_param *p)
{
    char name[2 * LAC_PARAM_NAME];
    const int64_t n = lac_numel(p->value);
    lac_shape ours = { .ndim = p->value->ndim };
    float *theirs = malloc((size_t)n * sizeof *theirs), *mine = malloc((size_t)n * sizeof *mine);
    memcpy(ours.dim, p->value->dim, sizeof ours.dim);
    snprintf(name, sizeof name, "grad.%s", p->name);
    read(w, name, theirs, (size_t)n * sizeof *theirs);
    lac_to_border(mine, p->grad, p->role, &ours);
    const double gap = lac_gap(mine, theirs, n);
    free(theirs), free(mine);
    return gap;
}

/* The shift of the keys changes no softmax: its gradient is nothing but rounding. */
static bool is_nothing(const lac_param *p) { return strstr(p->name, "k_proj.bias") != NULL; }

LAC_TEST(loss_and_gradients_are_pytorchs)
{
    double loss[LOSSES];
    lac_weights *w = golden();
    int32_t ids[PICTURES][LENGTH];
    begin(&usual, NULL);
    LAC_CHECK_STATUS(step(0, PICTURES));
    lac_test_losses(&t, loss);
    read(w, "ids", ids, sizeof ids);
    LAC_CHECK(memcmp(lac_batch_field(&t.trainer.derived.batch[0], "ids")->data, ids, sizeof ids) == 0);
    LAC_CHECK(fabs(loss[0] / number(w, "loss") - 1) < 1e-6 && fabs(loss[SHOWN_SCALE] - 2.6592) < 1e-4);
    for (int64_t i = 0; i < net()->n; i++)
        if (!is_nothing(net()->param[i]) && !(gradient_gap(w, net()->param[i]) < 2e-5))      /* f32 through two towers */
            fail_msg("%s: %g", net()->param[i]->name, gradient_gap(w, net()->param[i]));
    lac_weights_close(w);
    lac_test_end(&t);
}

/* Where no two captions are the same it is CLIP's own. */
LAC_TEST(of_different_captions_the_loss_is_clips_own)
{
    double loss[LOSSES];
    lac_weights *w = golden();
    begin(&usual, NULL);
    LAC_CHECK_STATUS(step(0, 3));
    lac_test_losses(&t, loss);
    const double scale = lac_params_find(net(), "logit_scale")->grad[0];
    LAC_CHECK(fabs(loss[0] / number(w, "plain") - 1) < 1e-6 && fabs(scale / number(w, "plain.scale") - 1) < 1e-5);
    lac_weights_close(w);
    lac_test_end(&t);
}

/* ---- ranks, going on ---- */

static float *values(int64_t *n)
{
    float *x, *at;
    *n = lac_params_numel(net());
    at = x = malloc((size_t)*n * sizeof *x);
    LAC_CHECK(x != NULL);
    for (int64_t k = 0; k < net()->n; k++) {
        LAC_CHECK_STATUS(lac_param_get(net()->param[k], at));
        at += lac_numel(net()->param[k]->value);
    }
    return x;
}

static float *train(int steps, lac_comm *comm, int64_t *n, double loss[STEPS])
{
    double all[LOSSES];
    begin(&usual, comm);
    for (int i = 0; i < steps; i++) {
        LAC_CHECK_STATUS(step(i, PICTURES));
        lac_test_losses(&t, all);
        loss[i] = all[0];
    }
    LAC_CHECK_STATUS(lac_trainer_settle(&t.trainer));
    return values(n);
}

typedef struct alone { float *start, *end; int64_t n; double loss[STEPS]; } alone;

/* 1e-5 of the way: sums in another order. The two lions lie on two ranks. */
static int train_as_rank(lac_ranks_here *h)
{
    const alone *a = h->context;
    double loss[STEPS];
    int64_t n;
    WANT(h->opened == LAC_OK);
    float *mine = train(STEPS, h->comm, &n, loss);
    WANT(n == a->n && lac_farthest(a->end, mine, n) < 1e-5 * lac_farthest(a->start, a->end, n));
    for (int i = 0; i < STEPS; i++)
        WANT(fabs(loss[i] / a->loss[i] - 1) < 1e-5);
    free(mine);
    lac_test_end(&t);
    return 0;
}

static void check_ranks(int ranks)
{
    alone a;
    a.start = train(0, NULL, &a.n, a.loss);
    lac_test_end(&t);
    a.end = train(STEPS, NULL, &a.n, a.loss);
    lac_test_end(&t);
    lac_play(train_as_rank, ranks, 0, 60, lac_test_port(NULL), &a);
    free(a.start), free(a.end);
}

LAC_TEST(ranks_train_as_one)
{
    check_ranks(2);
    check_ranks(4);         /* a picture each: without the others there would be nothing to tell it from */
}

LAC_TEST(a_training_that_goes_on_ends_as_one_that_was_not_interrupted)
{
    int64_t n;
    char path[512];
    double loss[STEPS];
    snprintf(path, sizeof path, "%s/clip.h5", lac_test_folder());
    float *whole = train(STEPS, NULL, &n, loss);
    lac_test_end(&t);
    free(train(1, NULL, &n, loss));
    lac_test_save(&t, path);
    lac_test_end(&t);
    begin(&usual, NULL);
    lac_test_load(&t, path);
    for (int i = 1; i < STEPS; i++)
        LAC_CHECK_STATUS(step(i, PICTURES));
    float *later = values(&n);
    LAC_CHECK(memcmp(whole, later, (size_t)n * sizeof *whole) == 0);
    lac_test_end(&t);
    free(whole), free(later);
}

/* ---- the scale ---- */

LAC_TEST(the_scale_stays_below_its_bound_and_is_not_decayed)
{
    wish low = usual;
    low.scale_max = 12;                 /* below the first scale, 1 / 0.07 */
    begin(&low, NULL);
    const lac_clip *m = t.trainer.recipe.network[0].model;
    LAC_CHECK(m->logit_scale->bounded && m->logit_scale->undecayed && m->vision.embed.class_token->undecayed && !m->text.token->undecayed);
    LAC_CHECK_STATUS(step(0, PICTURES));
    LAC_CHECK_STATUS(lac_trainer_settle(&t.trainer));
    LAC_CHECK(*(const float *)m->logit_scale->value->data <= (float)log(12));
    lac_test_end(&t);
}

/* ---- what is refused ---- */

static void check_refused(const wish *w, const char *says)
{
    lac_stages stages;
    lac_trainer trainer = { 0 };
    lac_comm *comm;
    begin(&usual, NULL);
    json_t *config = json_deep_copy(t.config), *own = config_of(w);
    lac_test_end(&t);
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    LAC_CHECK(json_object_update_recursive(config, own) == 0);
    LAC_CHECK_STATUS(lac_stages_resolve(&stages, config, NULL, NULL));
    LAC_CHECK_FAILS(lac_trainer_open(&trainer, stages.stage[0].recipe, stages.stage[0].config, "main", cpu(), LAC_F32, comm), LAC_ERR_CONFIG, says);
    lac_trainer_close(&trainer);
    lac_stages_free(&stages);
    lac_comm_free(comm);
    json_decref(own);
    json_decref(config);
}

LAC_TEST(towers_that_do_not_fit_are_refused)
{
    wish w = usual;
    w.side = 24;
    check_refused(&w, "data.train.size is 16, and model.clip.vision_config sees pictures of 24 x 24");
    w = usual;
    w.vocabulary = 1000;
    check_refused(&w, "the tokenizer has 1527 ids, the text encoder 'clip-model' only 1000");
    w = usual;
    w.eos = 1525;
    check_refused(&w, "eos_token_id is 1525, the tokenizer ends a text with 1526");
    w = usual;
    w.template = "a photo";
    check_refused(&w, "'template' wants {} once");
}

LAC_TEST(a_batch_goes_at_once)
{
    wish w = usual;
    w.micro = 2;
    begin(&w, NULL);
    LAC_CHECK_FAILS(step(0, PICTURES), LAC_ERR_CONFIG, "batch.micro: each picture is held against the whole batch");
    lac_test_end(&t);
}

/* ---- retrieval ---- */

enum { TOP1, TOP5, PICTURE_TOP1, WIDTH = 8 };

/* Pictures and texts along axes: picture k on axis of[k]. */
static void judge(const int *image_axis, const int *text_axis, const int64_t *name, int n, double value[LAC_MAX_JUDGED])
{
    float image[8][WIDTH] = { { 0 } }, text[8][WIDTH] = { { 0 } };
    for (int i = 0; i < n; i++)
        image[i][image_axis[i]] = text[i][text_axis[i]] = 1;
    const lac_held_rows rows = { n, { image, text, name } };
    LAC_CHECK_STATUS(t.trainer.recipe.def->judge(&t.trainer.recipe, &rows, value));
}

LAC_TEST(retrieval_counts_texts_once_and_ties_as_missed)
{
    double value[LAC_MAX_JUDGED];
    begin(&usual, NULL);
    judge((int[]){ 0, 1, 0, 2 }, (int[]){ 0, 1, 0, 2 }, (int64_t[]){ 7, 8, 7, 9 }, 4, value);       /* all in their places */
    LAC_CHECK(value[TOP1] == 1 && value[TOP5] == 1 && value[PICTURE_TOP1] == 1);
    judge((int[]){ 1, 0, 0, 2 }, (int[]){ 0, 1, 0, 2 }, (int64_t[]){ 7, 8, 7, 9 }, 4, value);       /* two changed places, the second lion stays */
    LAC_CHECK(value[TOP1] == 0.5 && value[TOP5] == 1 && fabs(value[PICTURE_TOP1] - 1.0 / 3) < 1e-12);
    judge((int[]){ 3, 3, 3, 3 }, (int[]){ 0, 1, 0, 2 }, (int64_t[]){ 7, 8, 7, 9 }, 4, value);       /* all alike */
    LAC_CHECK(value[TOP1] == 0 && value[TOP5] == 1 && value[PICTURE_TOP1] == 0);
    lac_test_end(&t);
}
