#include "data/tint.h"

static const int permutations[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

static float between(lac_stream *s, float from, float to) { return lac_fma(lac_stream_uniform(s), to - from, from); }

static uint8_t level(float x) { return x <= 0 ? 0 : x >= 255 ? 255 : (uint8_t)(x + 0.5f); }

lac_tint lac_tint_draw(float share, lac_stream *random)
{
    const bool tinted = lac_stream_uniform(random) < share;
    const int *p = permutations[lac_stream_below(random, 6)];
    const float sign = lac_stream_below(random, 4) == 0 ? -1.0f : 1.0f;
    const float saturation = between(random, 0.5f, 2);
    lac_tint t = { .saturation = tinted ? saturation : 1 };
    for (int c = 0; c < 3; c++) {
        const float a = sign * between(random, 0.7f, 1.3f), b = between(random, -25, 25);
        t.channel[c] = tinted ? p[c] : c;
        for (int v = 0; v < 256; v++)
            t.level[c][v] = tinted ? level(127.5f + lac_fma(a, (float)v - 127.5f, b)) : (uint8_t)v;
    }
    return t;
}

void lac_tint_apply(const lac_tint *t, uint8_t *rgb, int64_t pixels)
{
    for (int64_t i = 0; i < pixels; i++, rgb += 3) {
        const float mean = (float)(rgb[0] + rgb[1] + rgb[2]) / 3;
        uint8_t z[3];
        for (int c = 0; c < 3; c++)
            z[c] = level(lac_fma(t->saturation, (float)rgb[c] - mean, mean));
        for (int c = 0; c < 3; c++)
            rgb[c] = t->level[c][z[t->channel[c]]];
    }
}
