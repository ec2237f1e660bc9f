#include "core/image/interpolate.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

/* The sources of each output along one side: output d sums weight[d * most + k] * source[index[d * most + k]]; unused k have
 * weight 0. TF1 keeps its two sources and t = weight[2 d + 1]. */
typedef struct side { int64_t in, out, most, *index; float *weight; } side;

static float cubic(float x, float a)
{
    const float r = fabsf(x);
    if (r < 1.0f)
        return ((a + 2.0f) * r - (a + 3.0f)) * r * r + 1.0f;
    return r < 2.0f ? (((r - 5.0f) * r + 8.0f) * r - 4.0f) * a : 0.0f;
}

static float triangle(float x) { return fabsf(x) < 1.0f ? 1.0f - fabsf(x) : 0.0f; }

static int64_t clamped(int64_t i, int64_t n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

static void two_sources(const side *s, int64_t d, float src)
{
    const int64_t i = LAC_MIN((int64_t)src, s->in - 1);
    s->index[2 * d] = i;
    s->index[2 * d + 1] = LAC_MIN(i + 1, s->in - 1);
    s->weight[2 * d + 1] = src - (float)i;
    s->weight[2 * d] = 1.0f - s->weight[2 * d + 1];
}

static void four_sources(const side *s, int64_t d, float src)
{
    const float whole = floorf(src);
    for (int64_t k = 0; k < 4; k++) {
        s->index[4 * d + k] = clamped((int64_t)whole + k - 1, s->in);
        s->weight[4 * d + k] = cubic(src - whole - (float)(k - 1), -0.75f);
    }
}

static void widened(const side *s, int64_t d, float scale, bool bicubic)
{
    const float wide = scale < 1.0f ? 1.0f : scale, reach = (bicubic ? 2.0f : 1.0f) * wide, centre = scale * ((float)d + 0.5f);
    const int64_t first = LAC_MAX((int64_t)(centre - reach + 0.5f), 0), end = LAC_MIN((int64_t)(centre + reach + 0.5f), s->in);
    float sum = 0;
    for (int64_t k = 0; k < end - first; k++) {
        const float x = ((float)(first + k) - centre + 0.5f) / wide;
        s->index[d * s->most + k] = first + k;
        s->weight[d * s->most + k] = bicubic ? cubic(x, -0.5f) : triangle(x);
        sum += s->weight[d * s->most + k];
    }
    for (int64_t k = 0; k < end - first && sum != 0; k++)
        s->weight[d * s->most + k] /= sum;
}

static void fill(const side *s, lac_interpolation how)
{
    const float scale = (float)s->in / (float)s->out;
    for (int64_t d = 0; d < s->out; d++) {
        const float src = scale * ((float)d + 0.5f) - 0.5f;
        switch (how) {
        case LAC_TORCH_BILINEAR: two_sources(s, d, fmaxf(src, 0.0f)); break;
        case LAC_TORCH_BICUBIC: four_sources(s, d, src); break;
        case LAC_TORCH_BILINEAR_AA: widened(s, d, scale, false); break;
        case LAC_TORCH_BICUBIC_AA: widened(s, d, scale, true); break;
        case LAC_TF1_BILINEAR: two_sources(s, d, scale * (float)d); break;
        }
    }
}

static void side_free(side *s)
{
    free(s->index);
    free(s->weight);
    *s = (side){ 0 };
}

static lac_status side_new(side *s, int64_t in, int64_t out, lac_interpolation how)
{
    const double wide = ceil((how == LAC_TORCH_BICUBIC_AA ? 2.0 : 1.0) * LAC_MAX((double)in / (double)out, 1.0));
    *s = (side){ .in = in, .out = out, .most = 2 };
    if (how == LAC_TORCH_BICUBIC)
        s->most = 4;
    if (how == LAC_TORCH_BILINEAR_AA || how == LAC_TORCH_BICUBIC_AA)
        s->most = LAC_MIN(2 * (int64_t)wide + 1, in);
    lac_status status = lac_calloc((void **)&s->index, (size_t)out, (size_t)s->most * sizeof *s->index);
    if (status == LAC_OK)
        status = lac_calloc((void **)&s->weight, (size_t)out, (size_t)s->most * sizeof *s->weight);
    if (status == LAC_OK)
        fill(s, how);
    else
        side_free(s);
    return status;
}

/* One line: sources `step` apart, outputs `step` apart too. */
static void sum_line(const side *s, float *to, const float *from, int64_t step)
{
    for (int64_t d = 0; d < s->out; d++) {
        float sum = 0;
        for (int64_t k = d * s->most; k < (d + 1) * s->most; k++)
            sum += s->weight[k] * from[s->index[k] * step];
        to[d * step] = sum;
    }
}

static void blend_line(const side *s, float *to, const float *from, int64_t step)
{
    for (int64_t d = 0; d < s->out; d++) {
        const float a = from[s->index[2 * d] * step], b = from[s->index[2 * d + 1] * step];
        to[d * step] = a + (b - a) * s->weight[2 * d + 1];
    }
}

static void both_passes(const side *y, const side *x, float *to, const float *from, float *between, lac_interpolation how)
{
    void (*const line)(const side *, float *, const float *, int64_t) = how == LAC_TF1_BILINEAR ? blend_line : sum_line;
    for (int64_t i = 0; i < y->in; i++)
        line(x, between + i * x->out, from + i * x->in, 1);
    for (int64_t i = 0; i < x->out; i++)
        line(y, to + i, between + i, x->out);
}

lac_status lac_interpolate(float *to, int64_t height, int64_t width, const float *from, int64_t from_height, int64_t from_width,
                           int64_t planes, lac_interpolation how)
{
    if (height < 1 || width < 1 || from_height < 1 || from_width < 1)
        return LAC_FAIL(LAC_ERR_ARG, "cannot resize %lld x %lld to %lld x %lld", (long long)from_height, (long long)from_width,
                        (long long)height, (long long)width);
    side y = { 0 }, x = { 0 };
    float *between = NULL;
    LAC_TRY(side_new(&y, from_height, height, how));
    lac_status s = side_new(&x, from_width, width, how);
    if (s == LAC_OK)
        s = lac_calloc((void **)&between, (size_t)from_height, (size_t)width * sizeof *between);
    for (int64_t p = 0; s == LAC_OK && p < planes; p++)
        both_passes(&y, &x, to + p * height * width, from + p * from_height * from_width, between, how);
    free(between);
    side_free(&x);
    side_free(&y);
    return s;
}
