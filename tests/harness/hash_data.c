#include "tests/harness/hash_data.h"

uint32_t lac_hash_name(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name != '\0'; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h;
}

double lac_hash_uniform(uint32_t seed, uint32_t i)
{
    uint32_t h = seed + i * 0x9E3779B9u;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    h ^= h >> 16;
    return (h >> 8) / 16777216.0;
}

void lac_hash_fill(double *x, const char *name, int64_t n, double low, double high)
{
    const uint32_t seed = lac_hash_name(name);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(low + (high - low) * lac_hash_uniform(seed, (uint32_t)i));
}

void lac_hash_picture(uint8_t *pixels, int k, int64_t height, int64_t width)
{
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            for (int64_t c = 0; c < 3; c++)
                *pixels++ = (uint8_t)((3 * x * x + 5 * y * y + 7 * x * y + 11 * c * x + 13 * y + 17 * c + 31 * k) >> 4);
}
