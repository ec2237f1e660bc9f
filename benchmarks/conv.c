/* benchmarks/conv.c -- the standard convolutions of the performance page, forward and both gradients, in f32 and bf16.
 *
 *     bench-conv [rounds]
 *
 * One line per shape and pass: the fastest of the rounds, GFLOP/s counted as direct summation, and what ran. */
#include "benchmarks/layers.h"
#include "benchmarks/measure.h"
#include "core/cpu/features.h"
#include "core/threads.h"

static const layer standard[] = {
    { "24->48 256^2", 1, 256, 24, 48, 3, 1, 1 }, { "48->48 256^2", 1, 256, 48, 48, 3, 1, 1 }, { "5->48 k5 256^2", 1, 256, 5, 48, 5, 1, 1 },
    { "48->192 s2 128^2", 1, 128, 48, 192, 3, 2, 1 }, { "96->192 64^2", 1, 64, 96, 192, 3, 1, 1 }, { "192->192 d2 64^2", 1, 64, 192, 192, 3, 1, 2 },
    { "192->192 d4 64^2", 1, 64, 192, 192, 3, 1, 4 }, { "192->192 d8 64^2", 1, 64, 192, 192, 3, 1, 8 }, { "192->192 d16 64^2", 1, 64, 192, 192, 3, 1, 16 },
    { "D 128->256 k5 s2 64^2", 1, 64, 128, 256, 5, 2, 1 }, { "320->320 64^2", 1, 64, 320, 320, 3, 1, 1 }, { "960->320 64^2", 1, 64, 960, 320, 3, 1, 1 },
    { "640->640 32^2", 1, 32, 640, 640, 3, 1, 1 }, { "1280->1280 16^2", 1, 16, 1280, 1280, 3, 1, 1 }, { "1280->1280 8^2", 1, 8, 1280, 1280, 3, 1, 1 },
    { "640->320 k1 64^2", 1, 64, 640, 320, 1, 1, 1 }, { "128->128 256^2", 1, 256, 128, 128, 3, 1, 1 },
};

int main(int argc, char **argv)
{
    const int rounds = argc > 1 ? LAC_MIN(LAC_MAX(atoi(argv[1]), 1), 64) : 5;
    static const char *const pass_name[] = { "forward", "grad x", "grad w" };
    printf("oneDNN %s, %s, %d threads, best of %d rounds\n", lac_dnn_version(), lac_cpu_model(), lac_threads(), rounds);
    for (int d = LAC_F32; d <= (lac_cpu_has_avx512_bf16() ? LAC_BF16 : LAC_F32); d++)
        for (size_t i = 0; i < LAC_COUNT(standard); i++)
            for (int pass = 0; pass < 3; pass++) {
                const lac_conv c = layer_conv(&standard[i], (lac_dtype)d);
                char algorithm[80];
                ours o;
                make_ours(&o, &c, (lac_conv_pass)pass);
                candidate try = { .run = run_ours, .context = &o };
                alternate(&try, 1, rounds, 0.02);
                stop_on(lac_dnn_conv_algorithm(&c, (lac_conv_pass)pass, algorithm, sizeof algorithm));
                printf("%-5s %-22s %-8s %8.2f ms %6.0f GFLOP/s  %s\n", lac_dtype_name((lac_dtype)d), standard[i].name, pass_name[pass], try.best * 1e3,
                       conv_gflop(&c) / try.best, algorithm);
                fflush(stdout);
                drop_ours(&o);
            }
    return 0;
}
