#include "eval/bins.h"

#include <math.h>

int lac_bin_of(int64_t holes, int64_t pixels)
{
    return (int)LAC_MIN(holes * LAC_BINS / pixels, LAC_BINS - 1);
}

void lac_bin_values(lac_bin bin[LAC_BINS], const double *value, const int *bin_of, int64_t n)
{
    double sum[LAC_BINS] = { 0 }, square[LAC_BINS] = { 0 };
    for (int b = 0; b < LAC_BINS; b++)
        bin[b].n = 0;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(value[i])) {
            bin[bin_of[i]].n++;
            sum[bin_of[i]] += value[i];
        }
    for (int b = 0; b < LAC_BINS; b++)
        bin[b].mean = bin[b].n > 0 ? sum[b] / (double)bin[b].n : NAN;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(value[i])) {
            const double d = value[i] - bin[bin_of[i]].mean;
            square[bin_of[i]] += d * d;
        }
    for (int b = 0; b < LAC_BINS; b++)
        bin[b].std = bin[b].n > 1 ? sqrt(square[b] / (double)(bin[b].n - 1)) : NAN;
}
