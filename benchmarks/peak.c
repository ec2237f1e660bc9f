/* bench-peak [--device NAME]: what this machine, or its GPU, can do just now, in about 0.3 s: "fma_gflops VALUE" and "copy_gbs VALUE"; of a GPU
 * "bf16_product_gflops VALUE" and "copy_gbs VALUE". benchmarks/step.py asks it before every round, to leave out rounds in which the machine was busy. */
#include "autograd/ops/backend_cpu.h"
#include "autograd/peaks.h"

#include <stdio.h>
#include <string.h>

static lac_status measure(const char *device)
{
    const lac_backend *b;
    lac_peaks p;
    LAC_TRY(lac_backend_cpu_register());
    LAC_TRY(lac_backend_get(&b, device));
    LAC_TRY(lac_peaks_measure(b, LAC_BF16, &p));
    printf("%s %.1f\ncopy_gbs %.2f\n", b->queue != NULL ? "bf16_product_gflops" : "fma_gflops", p.gflops, p.copy_gbs);
    return LAC_OK;
}

int main(int argc, char **argv)
{
    const bool named = argc == 3 && strcmp(argv[1], "--device") == 0;
    const lac_status s = argc == 1 || named ? measure(named ? argv[2] : "cpu") : LAC_FAIL(LAC_ERR_ARG, "bench-peak [--device cpu|cuda]");
    if (s != LAC_OK)
        fprintf(stderr, "bench-peak: %s\n", lac_error_message());
    return s == LAC_OK ? 0 : 1;
}
