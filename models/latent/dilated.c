#include "models/latent/dilated.h"

#include "core/memory.h"

int64_t lac_dilation_at(int64_t n, int64_t k, int64_t steps)
{
    const int64_t i = n - 1 - k * (n + 1) / steps;
    return i >= 0 ? 3 + 2 * i : 1;
}

static float largest_near(const float *map, int64_t h, int64_t w, int64_t y, int64_t x, int64_t reach)
{
    float most = 0;
    for (int64_t i = LAC_MAX(y - reach, 0); i <= LAC_MIN(y + reach, h - 1); i++)
        for (int64_t j = LAC_MAX(x - reach, 0); j <= LAC_MIN(x + reach, w - 1); j++)
            most = LAC_MAX(most, map[i * w + j]);
    return most;
}

void lac_mask_dilate(float *to, const float *from, int64_t n, int64_t h, int64_t w, int64_t side)
{
    for (int64_t i = 0; i < n * h * w; i++)
        to[i] = largest_near(from + i / (h * w) * h * w, h, w, i / w % h, i % w, (side - 1) / 2);
}
