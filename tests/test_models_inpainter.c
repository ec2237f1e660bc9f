/* What every inpainter gets and gives: pictures at once have the bits of pictures alone, prompt, seed and sample reach those that take them. */
#include "autograd/ops/backend_cpu.h"
#include "core/image/paste.h"
#include "core/philox.h"
#include "models/noise.h"
#include "tests/harness/pictures.h"
#include "tests/harness/sampler.h"
#include "tests/harness/test.h"

#include <math.h>

enum { N = 5, H = 21, W = 34 };

typedef struct bench { lac_inpainter ip; lac_tape *t; lac_image image[N], mask[N]; } bench;

static void begin(bench *b, const lac_inpainter_def *def, const char *given, lac_dtype d)
{
    const lac_backend *cpu;
    json_t *g = json_pack("{s:{s:o}}", def->role[0].name, "config", json_loads(given, 0, NULL));
    *b = (bench){ .t = NULL };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_test_sampler_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_open(&b->ip, def, g, NULL, cpu, d));
    LAC_CHECK_STATUS(lac_params_init(b->ip.network[0].params, 3));
    LAC_CHECK_STATUS(lac_tape_new(&b->t, cpu));
    for (int i = 0; i < N; i++) {
        LAC_CHECK_STATUS(lac_test_picture(&b->image[i], H, W, 3, (uint64_t)i));
        LAC_CHECK_STATUS(lac_image_new(&b->mask[i], H, W, 1));
        memset(b->mask[i].pixels + 2 * i * W, 255, 9 * W);
    }
    json_decref(g);
}

static void end(bench *b)
{
    lac_inpainter_close(&b->ip);
    lac_tape_free(b->t);
    for (int i = 0; i < N; i++) {
        lac_image_free(&b->image[i]);
        lac_image_free(&b->mask[i]);
    }
}

static void paint_one(const bench *b, int i, const lac_ask *ask, lac_image *y) { LAC_CHECK_STATUS(lac_inpaint(&b->ip, b->t, &b->image[i], &b->mask[i], ask, y)); }

static bool same(const lac_image *a, const lac_image *b) { return memcmp(a->pixels, b->pixels, H * W * 3) == 0; }

/* Each of the N alone, and in batches of every size. */
static void check_batches(const bench *b, const lac_ask *ask)
{
    for (int n = 2; n <= N; n++) {
        lac_image y[N], alone;
        LAC_CHECK_STATUS(lac_inpaint_n(&b->ip, b->t, n, b->image, b->mask, ask, y));
        for (int i = 0; i < n; i++) {
            paint_one(b, i, ask != NULL ? &ask[i] : NULL, &alone);
            LAC_CHECK(same(&alone, &y[i]));
            lac_image_free(&alone);
            lac_image_free(&y[i]);
        }
    }
}

LAC_TEST(a_picture_has_the_same_bits_whatever_the_batch)
{
    bench b;
    lac_ask ask[N];
    for (int i = 0; i < N; i++)
        ask[i] = (lac_ask){ .prompt = i % 2 ? "a dog" : "a red house", .seed = 7, .sample = (uint32_t)(40 + i) };
    begin(&b, &lac_test_sampler, "{}", LAC_F32);
    check_batches(&b, ask);
    check_batches(&b, NULL);
    end(&b);
    begin(&b, &lac_inpainter_deepfill, "{\"cnum\": 4}", LAC_F32);
    check_batches(&b, NULL);
    end(&b);
}

LAC_TEST(prompt_seed_and_sample_change_the_hole_and_nothing_else)
{
    bench b;
    lac_image y[4], again;
    const lac_ask asks[4] = { { "a dog", 1, 2 }, { "a cow shed", 1, 2 }, { "a dog", 2, 2 }, { "a dog", 1, 3 } };
    begin(&b, &lac_test_sampler, "{}", LAC_F32);
    for (int i = 0; i < 4; i++) {
        paint_one(&b, 0, &asks[i], &y[i]);
        LAC_CHECK(memcmp(y[i].pixels + 9 * W * 3, b.image[0].pixels + 9 * W * 3, (H - 9) * W * 3) == 0);
        LAC_CHECK(i == 0 || !same(&y[0], &y[i]));
    }
    paint_one(&b, 0, &asks[0], &again);
    LAC_CHECK(same(&y[0], &again));
    lac_image_free(&again);
    for (int i = 0; i < 4; i++)
        lac_image_free(&y[i]);
    end(&b);
}

LAC_TEST(what_an_inpainter_does_not_take_is_refused)
{
    bench b;
    lac_image y[2];
    const lac_ask ask = { .prompt = "a dog" };
    begin(&b, &lac_inpainter_deepfill, "{\"cnum\": 4}", LAC_F32);
    LAC_CHECK_FAILS(lac_inpaint(&b.ip, b.t, b.image, b.mask, &ask, y), LAC_ERR_ARG, "deepfill takes no prompt");
    LAC_CHECK(y[0].pixels == NULL);
    lac_image small = { H - 1, W, 3, b.image[1].pixels }, hole = { H - 1, W, 1, b.mask[1].pixels };
    LAC_CHECK_FAILS(lac_inpaint_n(&b.ip, b.t, 2, (lac_image[]){ b.image[0], small }, (lac_image[]){ b.mask[0], hole }, NULL, y), LAC_ERR_SHAPE,
                    "34x21 and 34x20");
    LAC_CHECK_FAILS(lac_inpaint(&b.ip, b.t, b.image, &hole, NULL, y), LAC_ERR_SHAPE, "the mask is 34x20");
    end(&b);
}

LAC_TEST(a_model_that_owns_memory_is_closed_by_its_definition)
{
    bench b;
    const int before = lac_test_sampler_open;
    begin(&b, &lac_test_sampler, "{}", LAC_F32);
    LAC_CHECK(lac_test_sampler_open == before + 1);
    end(&b);
    LAC_CHECK(lac_test_sampler_open == before);
}

LAC_TEST(noise_is_philox_of_seed_step_sample_and_element)
{
    lac_tensor *x, *one;
    const lac_ask ask[2] = { { .seed = 5, .sample = 11 }, { .seed = 6, .sample = 12 } };
    LAC_CHECK_STATUS(lac_noise_new(&x, ask, 4, (int64_t[]){ 2, 3, 5, 2 }, "toy", 9));
    LAC_CHECK_STATUS(lac_noise_new(&one, &ask[1], 4, (int64_t[]){ 1, 3, 5, 2 }, "toy", 9));
    LAC_CHECK(memcmp((float *)x->data + 30, one->data, 30 * sizeof(float)) == 0);
    const lac_philox p = lac_philox_at(6, lac_purpose("toy"), 9, 12);
    for (uint32_t e = 0; e < 30; e++) {
        uint32_t word[4];
        float a, b;
        lac_philox_block(&p, e / 4, word);
        lac_normal2(word[e % 4 / 2 * 2], word[e % 4 / 2 * 2 + 1], &a, &b);
        LAC_CHECK(((float *)one->data)[e] == (e % 2 ? b : a));
    }
    lac_tensor_free(x);
    lac_tensor_free(one);
}
