/* The recipe's loss on pictures that no step sees: its value, the same numbers each time, on kept latents, on any number of ranks. */
#include "autograd/ops/backend_cpu.h"
#include "core/memory.h"
#include "data/eval_set.h"
#include "tests/harness/latent.h"
#include "tests/harness/ranks.h"
#include "tests/harness/cuda_host_queue.h"
#include "tests/harness/said.h"
#include "tests/harness/sealed.h"
#include "tests/harness/test.h"
#include "tests/harness/training.h"
#include "train/held_out.h"
#include "train/latents.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = LAC_TEST_SAID_SIDE, LATENT = SIDE / 2, Z = 4 };

static const char *place;       /* folder of this test */
static bool sealed;             /* on a device whose memory the host may not touch (tests/harness/sealed.h) */

static const char config_text[] =
    "{ 'data': { 'train': { 'mask': 'object-box' }, 'eval': { 'set': '%s/set.h5', 'split': 'train', 'size': 16, 'mask': 'rect' } }, 'loss': { 'objective': { 'snr_gamma': 5 } },"
    "  'model': { 'cache': '%s', " LAC_TEST_LATENT_MODEL("9") " } }";

typedef struct opened { lac_test_training t; lac_set *set; lac_source source; lac_tape *tape; lac_latents latents; lac_held_out *held_out; } opened;

static json_t *config_of(const char *cache)
{
    char text[4096];
    snprintf(text, sizeof text, config_text, place, cache);
    return lac_test_json(text);
}

static lac_status locate(void *context, const char *name, char **path) { return (void)context, lac_strdup(path, name); }

static lac_status keep_latents(opened *o, const lac_loader_config *c)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s/cache", place);
    if (o->t.trainer.recipe.latents[0].encoder == NULL)
        return LAC_OK;
    LAC_TRY(lac_latents_open(&o->latents, &(lac_latents_from){ .recipe = &o->t.trainer.recipe, .data = c, .folder = folder, .comm = o->t.comm, .tape = o->tape, .batch = 2 }));
    o->source.latents[0] = o->latents.cache[0][0];
    return LAC_OK;
}

static lac_status begin(opened *o, const char *cache, int64_t draws, int64_t limit, lac_comm *comm)
{
    const lac_backend *b;
    lac_loader_config c;
    *o = (opened){ .set = NULL };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    b = sealed ? lac_sealed_device() : b;
    lac_test_begin(&o->t, "latent", config_of(cache), b, LAC_F32, comm);
    const json_t *data = lac_config_at(o->t.stages.stage[0].config, "data.eval");
    LAC_TRY(lac_set_open(&o->set, lac_config_str(data, "set")));
    LAC_TRY(lac_tape_new(&o->tape, b));
    LAC_TRY(lac_eval_loader(&c, &o->source, o->set, data, locate, NULL));
    c.fields = o->t.trainer.recipe.fields;
    c.latent[0] = o->t.trainer.recipe.latents[0].one;
    c.limit = limit;
    LAC_TRY(keep_latents(o, &c));
    return lac_held_out_open(&o->held_out, &(lac_held_out_from){ .trainer = &o->t.trainer, .data = &c, .draws = draws, .batch = 2, .tape = o->tape });
}

static void end(opened *o)
{
    lac_held_out_close(o->held_out);
    lac_latents_close(&o->latents);
    lac_tape_free(o->tape);
    lac_set_close(o->set);
    lac_test_end(&o->t);
}

static void make_set(void)
{
    char path[512];
    place = lac_test_folder();
    snprintf(path, sizeof path, "%s/set.h5", place);
    lac_test_said(path, SIDE, 1);
}

static double loss_of(opened *o)
{
    double loss[LAC_MAX_PHASES][LAC_MAX_LOSSES], total;
    LAC_CHECK_STATUS(lac_held_out_run(o->held_out, loss, &total));
    LAC_CHECK(loss[0][0] == total && isnan(loss[0][1]) && isnan(loss[1][0]));
    return total;
}

/* Picture i, taken for the draw-th time, where the denoiser says nothing. */
static double silent_loss(uint32_t draw, uint32_t i)
{
    const uint32_t stream = lac_draw_stream("eval/derived/denoise");
    lac_stream time = lac_draw(0, stream, "time", draw, i), random = lac_draw(0, stream, "noise", draw, i);
    const double ratio = lac_test_latent_snr(lac_stream_below(&time, 1000));
    float noise[LATENT * LATENT * Z];
    double sum = 0;
    lac_philox_normals(&random.philox, noise, LATENT * LATENT * Z);
    for (int k = 0; k < LATENT * LATENT * Z; k++)
        sum += (double)noise[k] * (double)noise[k];
    return fmin(ratio, 5) / ratio * sum;
}

/* A fresh denoiser's last layer is not zero: it is made so. 1e-5: sums in f32. */
LAC_TEST(a_denoiser_of_zeros_has_the_loss_of_what_is_drawn_by_picture)
{
    opened o;
    double sum = 0;
    make_set();
    LAC_CHECK_STATUS(begin(&o, "off", 3, 5, NULL));
    lac_param *last = lac_params_find(lac_recipe_find_network(&o.t.trainer.recipe, "unet"), "conv_out.weight");
    memset(last->value->data, 0, lac_bytes(last->value));
    LAC_CHECK(lac_held_out_pictures(o.held_out) == 5);
    for (uint32_t draw = 0; draw < 3; draw++)
        for (uint32_t i = 0; i < 5; i++)
            sum += silent_loss(draw, i);
    LAC_CHECK(fabs(loss_of(&o) / (sum / (15 * LATENT * LATENT * Z)) - 1) < 1e-5);
    end(&o);
}

static void check_values(const opened *o, const float *before, const char *name)
{
    const lac_params *ps = lac_recipe_find_network(&o->t.trainer.recipe, name);
    LAC_CHECK(memcmp(ps->param[0]->value->data, before, lac_bytes(ps->param[0]->value)) == 0);
}

/* Nothing is drawn by the step, and nothing is learnt: a second time, and by a run of another seed's draws, the same bits. */
LAC_TEST(the_loss_is_the_same_each_time_and_moves_nothing)
{
    opened o;
    make_set();
    LAC_CHECK_STATUS(begin(&o, "off", 1, 0, NULL));
    const lac_tensor *value = lac_recipe_find_network(&o.t.trainer.recipe, "unet")->param[0]->value;
    float *before = malloc(lac_bytes(value));
    LAC_CHECK(before != NULL);
    memcpy(before, value->data, lac_bytes(value));
    const double once = loss_of(&o);
    LAC_CHECK(once > 0.1 && loss_of(&o) == once);
    check_values(&o, before, "unet");
    LAC_CHECK_STATUS(lac_test_step(&o.t, 0, LAC_TEST_BATCH));
    LAC_CHECK_STATUS(lac_trainer_settle(&o.t.trainer));
    LAC_CHECK(loss_of(&o) != once);                             /* it has learnt, and the loss says so */
    end(&o);
    free(before);
}

/* 1e-5: the encoder rounds otherwise in batches of another size. Holes are drawn by record, so surroundings may be kept too. */
LAC_TEST(kept_latents_give_the_loss_of_those_that_are_made)
{
    opened off, kept;
    make_set();
    LAC_CHECK_STATUS(begin(&off, "off", 2, 0, NULL));
    LAC_CHECK_STATUS(begin(&kept, "latents", 2, 0, NULL));
    LAC_CHECK(fabs(loss_of(&kept) / loss_of(&off) - 1) < 1e-5);
    end(&off);
    end(&kept);
}

/* Beside steps that the device may be late with; in those the autoencoder works, or its latents come from files. */
static void compare_sealed(const char *cache)
{
    opened cpu, device;
    make_set();
    LAC_CHECK_STATUS(begin(&cpu, cache, 2, 0, NULL));
    sealed = true;
    lac_cuda_host_late(true);
    LAC_CHECK_STATUS(begin(&device, cache, 2, 0, NULL));
    for (int64_t at = 0; at < 3; at++) {
        LAC_CHECK(fabs(loss_of(&device) / loss_of(&cpu) - 1) < 1e-5);
        LAC_CHECK_STATUS(lac_test_step(&cpu.t, at, LAC_TEST_BATCH));
        LAC_CHECK_STATUS(lac_test_step(&device.t, at, LAC_TEST_BATCH));
        LAC_CHECK_STATUS(lac_trainer_settle(&device.t.trainer));
        LAC_CHECK(fabs(device.t.trainer.loss[0][0] / cpu.t.trainer.loss[0][0] - 1) < 1e-5);
    }
    end(&device);
    lac_cuda_host_late(false);
    sealed = false;
    end(&cpu);
}

LAC_TEST(the_loss_on_sealed_memory_is_the_cpus)
{
    compare_sealed("off");
    compare_sealed("latents");
}

static int lose_as_rank(lac_ranks_here *h)
{
    opened o;
    WANT(h->opened == LAC_OK);
    WANT(begin(&o, "off", 2, 5, h->comm) == LAC_OK);
    WANT(loss_of(&o) == *(const double *)h->context);
    end(&o);
    return 0;
}

/* Five pictures in batches of two: ranks have unlike shares. */
LAC_TEST(any_number_of_ranks_has_the_same_bits)
{
    opened o;
    make_set();
    LAC_CHECK_STATUS(begin(&o, "off", 2, 5, NULL));
    double alone = loss_of(&o);
    end(&o);
    lac_play(lose_as_rank, 2, 0, 60, lac_test_port(NULL), &alone);
}

LAC_TEST(pictures_of_another_size_are_refused)
{
    opened o;
    make_set();
    LAC_CHECK_STATUS(begin(&o, "off", 1, 0, NULL));
    lac_loader_config c = { .source = &o.source, .n_sources = 1, .view.size = 24 };
    lac_held_out *h;
    LAC_CHECK_FAILS(lac_held_out_open(&h, &(lac_held_out_from){ .trainer = &o.t.trainer, .data = &c, .draws = 1, .batch = 2, .tape = o.tape }), LAC_ERR_CONFIG,
                    "size must be that of data.train, 16, where the loss is validated; found 24");
    end(&o);
}
