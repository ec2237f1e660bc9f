/* bench-peak: what this machine can do just now, in about 0.3 s: "fma_gflops VALUE" and "copy_gbs VALUE". benchmarks/step.py asks it
 * before every round, to leave out rounds in which the machine was busy. */
#include "core/cpu/peak.h"

#include <stdio.h>

int main(void)
{
    lac_peak p;
    if (lac_peak_measure(&p) != LAC_OK) {
        fprintf(stderr, "bench-peak: %s\n", lac_error_message());
        return 1;
    }
    printf("fma_gflops %.1f\ncopy_gbs %.2f\n", p.fma_gflops, p.copy_gbs);
    return 0;
}
