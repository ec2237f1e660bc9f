/* Multiply-adds that wait for nothing but their own chain. */
#include "core/cpu/level.h"
#include "core/fmath.h"

float LAC_CPU(lac_peak_fma)(float factor, int64_t rounds);

enum { CHAINS = 256 };          /* 16 registers of 16: more than any CPU's latency times width */

float LAC_CPU(lac_peak_fma)(float factor, int64_t rounds)
{
    float x[CHAINS], sum = 0;
    for (int i = 0; i < CHAINS; i++)
        x[i] = (float)i;
    for (int64_t r = 0; r < rounds; r++) {
        #pragma omp simd
        for (int i = 0; i < CHAINS; i++)
            x[i] = lac_fma(x[i], factor, 1.0f);
    }
    for (int i = 0; i < CHAINS; i++)
        sum += x[i];
    return sum;
}
