#include "core/cpu/level.h"
#include "core/image/taps.h"

enum { LANES = LAC_RESAMPLE_LANES, COLUMNS = 64, HALF = 1 << (LAC_FIXED_BITS - 1) };

static inline uint8_t rounded(int32_t sum)
{
    const int32_t v = sum >> LAC_FIXED_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* n rows side by side: lanes[i * LANES + l] is byte i of row l, so that the sums of LANES rows run in one vector. */
static void interleave(uint8_t *lanes, const uint8_t *from, int64_t n, int64_t row)
{
    for (int64_t l = 0; l < n; l++)
        for (int64_t i = 0; i < row; i++)
            lanes[i * LANES + l] = from[l * row + i];
}

static inline void sum_lanes(uint8_t *sums, const int32_t *weight, int64_t count, const uint8_t *lanes, int64_t step)
{
    int32_t sum[LANES];
    for (int l = 0; l < LANES; l++)
        sum[l] = HALF;
    for (int64_t k = 0; k < count; k++) {
        #pragma omp simd
        for (int l = 0; l < LANES; l++)
            sum[l] += weight[k] * lanes[k * step + l];
    }
    #pragma omp simd
    for (int l = 0; l < LANES; l++)
        sums[l] = rounded(sum[l]);
}

void LAC_CPU(lac_resample_across)(const lac_taps *t, uint8_t *to, const uint8_t *from, int64_t rows, int64_t channels, uint8_t *lanes)
{
    const int64_t in = t->in * channels, out = t->out * channels;
    for (int64_t r = 0; r < rows; r += LANES) {
        const int64_t n = LAC_MIN(rows - r, LANES);
        interleave(lanes, from + r * in, n, in);
        for (int64_t i = 0; i < out; i++) {
            const int64_t d = i / channels, c = i % channels;
            uint8_t sums[LANES];
            sum_lanes(sums, t->fixed + d * t->most, t->count[d], lanes + (t->first[d] * channels + c) * LANES, channels * LANES);
            for (int64_t l = 0; l < n; l++)
                to[(r + l) * out + i] = sums[l];
        }
    }
}

static inline void sum_columns(uint8_t *to, const int32_t *weight, int64_t count, const uint8_t *from, int64_t row, int64_t n)
{
    int32_t sum[COLUMNS];
    for (int64_t i = 0; i < n; i++)
        sum[i] = HALF;
    for (int64_t k = 0; k < count; k++) {
        #pragma omp simd
        for (int64_t i = 0; i < n; i++)
            sum[i] += weight[k] * from[k * row + i];
    }
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        to[i] = rounded(sum[i]);
}

void LAC_CPU(lac_resample_down)(const lac_taps *t, uint8_t *to, const uint8_t *from, int64_t row)
{
    for (int64_t d = 0; d < t->out; d++) {
        const int32_t *weight = t->fixed + d * t->most;
        const uint8_t *under = from + t->first[d] * row;
        int64_t i = 0;
        for (; i + COLUMNS <= row; i += COLUMNS)
            sum_columns(to + d * row + i, weight, t->count[d], under + i, row, COLUMNS);
        sum_columns(to + d * row + i, weight, t->count[d], under + i, row, row - i);
    }
}
