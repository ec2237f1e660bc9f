/* The update against torch.optim and the TensorFlow form (tests/golden/train.py). */
#include "core/file/weights.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/threads.h"
#include "tests/harness/test.h"
#include "core/update.h"

#include <math.h>
#include <stdlib.h>

enum { N = 37, STEPS = 6 };

typedef struct settings { const char *name; double beta1, beta2, eps, decay, clip, t0, dt; bool decoupled, tf; } settings;

/* One flat array, a range of its own, as probe's optim/adam calls it. */
typedef struct flat { float p[N], g[N], m[N], v[N], ema[N]; uint16_t half[N]; } flat;

static void read_golden(const char *name, float *to)
{
    lac_weights *w = NULL;
    LAC_CHECK_STATUS(lac_weights_open(&w, lac_test_golden("train_optim.safetensors")));
    LAC_CHECK(lac_weights_find(w, name) >= 0);
    LAC_CHECK_STATUS(lac_weights_read_f32(w, lac_weights_find(w, name), to));
    lac_weights_close(w);
}

static void run(const settings *c, flat *f)
{
    float grads[STEPS][N];
    double partial[1];
    uint32_t bad = 0;
    lac_update_scalars s = { .keep = 0.9f, .clip = { (float)c->clip } };
    lac_update_state state = { 0 };
    lac_update_range range = { .n = N, .lr = 1, .decay = (float)c->decay, .bf16 = f->half };
    const lac_update u = {
        .pass = LAC_UPDATE_MEASURE | LAC_UPDATE_APPLY, .n_ranges = 1, .n_chunks = lac_update_lay_out(&range, 1), .range = &range,
        .master = f->p, .m = f->m, .v = f->v, .ema = f->ema, .grad = f->g, .beta1 = c->beta1, .beta2 = c->beta2, .eps = c->eps,
        .decoupled = c->decoupled, .scalars = &s, .state = &state, .partial = partial, .bad = &bad,
    };
    *f = (flat){ 0 };
    read_golden("param", f->p);
    read_golden("param", f->ema);
    read_golden("grads", &grads[0][0]);
    for (int i = 0; i < STEPS; i++) {
        memcpy(f->g, grads[i], sizeof f->g);
        lac_update_scalars_set(&s, 1e-2, c->beta1, c->beta2, c->t0 + i * c->dt, c->tf);
        LAC_CHECK_STATUS(lac_update_cpu(&u));
    }
    LAC_CHECK(state.applied == STEPS && bad == 0);
}

static double gap_to(const char *name, const char *what, const float *ours)
{
    char key[64];
    float golden[N];
    snprintf(key, sizeof key, "%s.%s", name, what);
    read_golden(key, golden);
    return lac_gap(ours, golden, N);
}

LAC_TEST(updates_agree_with_pytorch)        /* 3e-7: a few roundings of f32 in another order */
{
    const settings all[] = {
        { "adam", 0.5, 0.999, 1e-8, 0, 0, 1, 1, false, false }, { "adam_decay", 0.9, 0.95, 1e-6, 0.1, 0, 1, 1, false, false },
        { "adamw", 0.9, 0.999, 1e-8, 0.3, 0, 1, 1, true, false }, { "adam_clip", 0.5, 0.9, 1e-8, 0, 0.5, 1, 1, false, false },
    };
    for (size_t i = 0; i < LAC_COUNT(all); i++) {
        flat f;
        run(&all[i], &f);
        LAC_CHECK(gap_to(all[i].name, "param", f.p) < 3e-7);
        LAC_CHECK(gap_to(all[i].name, "m", f.m) < 3e-7 && gap_to(all[i].name, "v", f.v) < 3e-7);
        LAC_CHECK(gap_to(all[i].name, "ema", f.ema) < 3e-7);
        for (int k = 0; k < N; k++)
            LAC_CHECK(f.half[k] == lac_f32_to_bf16(f.p[k]));
    }
}

LAC_TEST(updates_agree_with_the_tensorflow_form)
{
    const settings all[] = { { "tf", 0.5, 0.999, 1e-4, 0, 0, 1, 1, false, true }, { "tf_shared", 0.5, 0.999, 1e-8, 0, 0, 2, 2, false, true } };
    for (size_t i = 0; i < LAC_COUNT(all); i++) {
        flat f;
        run(&all[i], &f);
        LAC_CHECK(gap_to(all[i].name, "param", f.p) < 3e-7);
        LAC_CHECK(gap_to(all[i].name, "m", f.m) < 3e-7 && gap_to(all[i].name, "v", f.v) < 3e-7);
    }
}

enum { BIG = 3 * LAC_UPDATE_CHUNK + 501, SECOND = 5000 };

typedef struct arenas { float p[BIG], g[BIG], m[BIG], v[BIG], ema[BIG]; uint16_t half[SECOND]; double partial[8]; } arenas;

/* Two steps over three ranges: [0, 5000) idle or not, one with a bf16 copy, one with a clip group of its own. */
static void run_big(arenas *a, bool idle, float poison, uint32_t *bad, lac_update_state *state)
{
    lac_update_range range[] = {
        { .start = 0, .n = 5000, .lr = 1, .idle = idle },
        { .start = 5000, .n = SECOND, .lr = 0.5f, .decay = 0.1f, .bf16 = a->half },
        { .start = 10000, .n = BIG - 10000, .lr = 2, .clip_group = 3 },
    };
    lac_update_scalars s = { .keep = 0.5f, .clip = { [3] = 10 } };
    lac_update u = {
        .pass = LAC_UPDATE_MEASURE | LAC_UPDATE_APPLY, .n_ranges = 3, .n_chunks = lac_update_lay_out(range, 3), .range = range,
        .master = a->p, .m = a->m, .v = a->v, .ema = a->ema, .grad = a->g, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8,
        .decoupled = true, .scalars = &s, .state = state, .partial = a->partial, .bad = bad,
    };
    LAC_CHECK(u.n_chunks <= 8);
    lac_stream random = lac_stream_at(5, lac_purpose("update"), 0, 0);
    memset(a, 0, sizeof *a);
    for (int i = 0; i < BIG; i++) {
        a->p[i] = lac_stream_normal(&random);
        a->g[i] = lac_stream_normal(&random);
    }
    a->g[20000] += poison;
    for (int t = 1; t <= 2; t++) {
        lac_update_scalars_set(&s, 1e-3, 0.9, 0.99, t, false);
        LAC_CHECK_STATUS(lac_update_cpu(&u));
    }
}

LAC_TEST(updates_give_the_same_bits_at_any_number_of_threads)
{
    arenas *a[2] = { malloc(sizeof *a[0]), malloc(sizeof *a[0]) };
    lac_update_state after[2] = { { .applied = 0 } };
    const int before = lac_threads();
    for (int i = 0; i < 2; i++) {
        uint32_t bad = 0;
        lac_threads_set(i == 0 ? 1 : 5);
        run_big(a[i], false, 0, &bad, &after[i]);
    }
    lac_threads_set(before);
    LAC_CHECK(memcmp(a[0], a[1], sizeof *a[0]) == 0 && memcmp(&after[0], &after[1], sizeof after[0]) == 0);
    double square = 0;
    for (int i = 10000; i < BIG; i++)
        square += (double)a[0]->g[i] * a[0]->g[i];
    LAC_CHECK(fabs(after[0].square[3] / square - 1) < 1e-13);       /* another order of the same double sum */
    free(a[0]);
    free(a[1]);
}

LAC_TEST(updates_leave_idle_ranges_alone_but_average_them)
{
    arenas *a = malloc(sizeof *a);
    uint32_t bad = 0;
    lac_update_state after = { .applied = 0 };
    run_big(a, true, 0, &bad, &after);
    lac_stream random = lac_stream_at(5, lac_purpose("update"), 0, 0);
    for (int i = 0; i < 5000; i++) {
        LAC_CHECK(a->p[i] == lac_stream_normal(&random) && a->m[i] == 0 && a->v[i] == 0);
        LAC_CHECK(fabsf(a->ema[i] - 0.75f * a->p[i]) <= 1e-6f * fabsf(a->p[i]));        /* 0, then twice halfway */
        lac_stream_normal(&random);
    }
    LAC_CHECK(a->m[5000] != 0);
    free(a);
}

LAC_TEST(updates_stand_still_at_a_gradient_that_is_not_finite)
{
    arenas *a = malloc(sizeof *a);
    const float poisons[] = { NAN, INFINITY, -INFINITY };
    for (int k = 0; k < 3; k++) {
        uint32_t bad = 0;
        lac_update_state after = { .applied = 7 };
        run_big(a, false, poisons[k], &bad, &after);
        LAC_CHECK(bad == 1 && after.applied == 7);
        lac_stream random = lac_stream_at(5, lac_purpose("update"), 0, 0);
        for (int i = 0; i < BIG; i++) {
            LAC_CHECK(a->p[i] == lac_stream_normal(&random) && a->m[i] == 0 && a->v[i] == 0 && a->ema[i] == 0);
            lac_stream_normal(&random);
        }
    }
    free(a);
}
