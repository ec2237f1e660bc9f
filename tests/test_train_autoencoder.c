/* The recipe `autoencoder`, step by step: what a discriminator waits for, what its weight is, and that ranks see one batch. */
#include "autograd/ops/backend_cpu.h"
#include "tests/harness/ranks.h"
#include "tests/harness/test.h"
#include "tests/harness/training.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { STEPS = 3, LOSSES = LAC_TEST_LOSSES };
enum { L1, KL, G_GAN, GAN_WEIGHT, D_REAL, D_FAKE };         /* of `kl`, in the order of losses and shown numbers */

static lac_test_training t;

static const lac_backend *cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    return b;
}

static json_t *config_of(const char *kind, double gan, int start, int micro)
{
    json_t *model = strcmp(kind, "kl") == 0 ? json_pack("{s:[i,i],s:[s,s],s:[s,s],s:i}", "block_out_channels", 4, 8, "down_block_types", "DownEncoderBlock2D", "DownEncoderBlock2D",
                                                        "up_block_types", "UpDecoderBlock2D", "UpDecoderBlock2D", "norm_num_groups", 2)
                  : json_pack("{s:i,s:i,s:{s:i,s:[i,i],s:i,s:[],s:i,s:i}}", "embed_dim", 3, "n_embed", 9, "ddconfig", "ch", 32, "ch_mult", 1, 1, "num_res_blocks", 1,
                              "attn_resolutions", "resolution", 16, "z_channels", 3);
    return json_pack("{s:{s:o,s:{s:i,s:i}},s:{s:f,s:f,s:i},s:{s:i}}", "model", kind, model, "discriminator", "ndf", 2, "n_layers", 1, "loss", "perceptual", 0.0, "gan", gan,
                     "disc_start", start, "batch", "micro", micro);
}

static void begin(const char *kind, double gan, int start, int micro) { lac_test_begin(&t, "autoencoder", config_of(kind, gan, start, micro), cpu(), LAC_F32, NULL); }

static lac_param *param(const char *of, const char *name)
{
    lac_params *ps = lac_recipe_find_network(&t.trainer.recipe, of);
    LAC_CHECK(ps != NULL && lac_params_find(ps, name) != NULL);
    return lac_params_find(ps, name);
}

static float *copy(const float *x, int64_t n)
{
    float *y = malloc((size_t)n * sizeof *y);
    LAC_CHECK(y != NULL);
    return memcpy(y, x, (size_t)n * sizeof *y);
}

LAC_TEST(a_discriminator_stands_still_until_its_step)
{
    double loss[LOSSES];
    begin("kl", 0.5, 2, 2);
    const lac_param *w = param("discriminator", "main.0.weight"), *mean = param("discriminator", "main.3.running_mean");
    float *before = copy(w->value->data, lac_numel(w->value));
    for (int at = 0; at < 3; at++) {
        const bool on = at >= 2;
        LAC_CHECK_STATUS(lac_test_step(&t, at, LAC_TEST_BATCH));
        lac_test_losses(&t, loss);
        LAC_CHECK((memcmp(before, w->value->data, lac_bytes(w->value)) != 0) == on);
        LAC_CHECK((((const float *)mean->value->data)[0] != 0) == on);
        LAC_CHECK(loss[L1] > 0 && loss[KL] > 0 && isfinite(lac_trainer_total(&t.trainer)));
        for (int i = G_GAN; i <= D_FAKE; i++)
            LAC_CHECK(isnan(loss[i]) != on);
    }
    free(before);
    lac_test_end(&t);
}

static double length(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* What a step leaves in the last layer's accumulator is the gradient of all its losses: without a discriminator that of the reconstruction, with one
 * also `weight` times that of what it says. */
LAC_TEST(the_adversarial_weight_is_that_of_the_formula)
{
    double loss[LOSSES];
    begin("kl", 0, 0, 2);
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    const lac_param *w = param("vae", "decoder.conv_out.weight");
    const int64_t n = lac_numel(w->value);
    float *nll = copy(w->grad, n), *g;
    lac_test_end(&t);
    begin("kl", 0.3, 0, 2);
    LAC_CHECK_STATUS(lac_test_step(&t, 0, LAC_TEST_BATCH));
    lac_test_losses(&t, loss);
    g = copy(param("vae", "decoder.conv_out.weight")->grad, n);
    for (int64_t i = 0; i < n; i++)
        g[i] = (float)(((double)g[i] - (double)nll[i]) / loss[GAN_WEIGHT]);
    const double wanted = 0.3 * fmin(length(nll, n) / (length(g, n) + 1e-4), 1e4);
    LAC_CHECK(length(g, n) > 0);
    if (!(fabs(loss[GAN_WEIGHT] / wanted - 1) < 1e-3))           /* g is a difference of nearly equal numbers */
        fail_msg("the weight is %g, the gradients give %g", loss[GAN_WEIGHT], wanted);
    free(nll);
    free(g);
    lac_test_end(&t);
}

/* A batch's statistics and its weight are of a micro-batch: they are one where there is no discriminator. */
LAC_TEST(micro_batches_train_as_the_whole_batch)
{
    double loss[2][LOSSES];
    for (int micro = 1; micro <= 2; micro++) {
        begin("kl", 0, 0, micro);
        for (int at = 0; at < STEPS; at++)
            LAC_CHECK_STATUS(lac_test_step(&t, at, LAC_TEST_BATCH));
        lac_test_losses(&t, loss[micro - 1]);
        lac_test_end(&t);
    }
    for (int i = L1; i <= KL; i++)
        LAC_CHECK(loss[0][i] > 0 && fabs(loss[0][i] / loss[1][i] - 1) < 1e-4);
}

LAC_TEST(codes_are_trained_too)
{
    double loss[LOSSES];
    begin("vq", 0.5, 1, 1);
    const lac_param *codes = param("vae", "quantize.embedding.weight");
    float *before = copy(codes->value->data, lac_numel(codes->value));
    for (int at = 0; at < 2; at++)
        LAC_CHECK_STATUS(lac_test_step(&t, at, LAC_TEST_BATCH));
    lac_test_losses(&t, loss);
    LAC_CHECK(memcmp(before, codes->value->data, lac_bytes(codes->value)) != 0);
    for (int i = 0; i <= D_FAKE; i++)
        LAC_CHECK(isfinite(loss[i]));
    free(before);
    lac_test_end(&t);
}

typedef struct seen { double loss[LAC_TEST_BATCH][STEPS][LOSSES]; } seen;

static int train_as_rank(lac_ranks_here *h)
{
    seen *all = h->context;
    WANT(h->opened == LAC_OK);
    lac_test_begin(&t, "autoencoder", config_of("kl", 0.5, 1, 2), cpu(), LAC_F32, h->comm);
    for (int i = 0; i < STEPS; i++) {
        WANT(lac_test_step(&t, i, LAC_TEST_BATCH) == LAC_OK);
        lac_test_losses(&t, all->loss[h->launch.rank][i]);
    }
    lac_test_end(&t);
    return 0;
}

/* Batch norm's statistics and the adversarial weight are of both ranks' pictures. */
LAC_TEST(two_ranks_train_as_one)
{
    double loss[LOSSES];
    seen *all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    LAC_CHECK(all != MAP_FAILED);
    (void)cpu();
    lac_play(train_as_rank, LAC_TEST_BATCH, 0, 60, lac_test_port(NULL), all);
    LAC_CHECK(memcmp(all->loss[0], all->loss[1], sizeof all->loss[0]) == 0);
    begin("kl", 0.5, 1, 2);
    for (int at = 0; at < STEPS; at++) {
        LAC_CHECK_STATUS(lac_test_step(&t, at, LAC_TEST_BATCH));
        lac_test_losses(&t, loss);
        for (int i = 0; i <= D_FAKE; i++)
            if (!(isnan(loss[i]) && isnan(all->loss[0][at][i])) && !(fabs(all->loss[0][at][i] / loss[i] - 1) < 1e-3))
                fail_msg("step %d, number %d: %g on two ranks, %g on one", at, i, all->loss[0][at][i], loss[i]);
    }
    lac_test_end(&t);
    munmap(all, sizeof *all);
}
