#include "eval/baseline.h"

#include "core/image/laplace.h"
#include "core/image/paste.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static void fill_colour(uint8_t *picture, int64_t n, const uint8_t *mask, const uint8_t colour[3])
{
    for (int64_t i = 0; i < n; i++)
        if (mask[i])
            memcpy(picture + 3 * i, colour, 3);
}

static lac_status fill_nothing(uint8_t *picture, int64_t height, int64_t width, const uint8_t *mask)
{
    lac_hole_grey(picture, mask, height * width);
    return LAC_OK;
}

static lac_status fill_mean(uint8_t *picture, int64_t height, int64_t width, const uint8_t *mask)
{
    uint64_t sum[3] = { 0 }, n = 0;
    for (int64_t i = 0; i < height * width; i++) {
        for (int c = 0; c < 3; c++)
            sum[c] += mask[i] ? 0 : picture[3 * i + c];
        n += !mask[i];
    }
    uint8_t mean[3];
    for (int c = 0; c < 3; c++)
        mean[c] = (uint8_t)(n > 0 ? (2 * sum[c] + n) / (2 * n) : LAC_HOLE_GREY);       /* halves go up */
    fill_colour(picture, height * width, mask, mean);
    return LAC_OK;
}

static lac_status fill_laplace(uint8_t *picture, int64_t height, int64_t width, const uint8_t *mask)
{
    const int64_t n = height * width;
    float *x;
    LAC_TRY(lac_calloc((void **)&x, (size_t)n, 3 * sizeof *x));
    for (int64_t i = 0; i < 3 * n; i++)
        x[i] = picture[i];
    const lac_status s = lac_laplace_fill(x, height, width, 3, mask, LAC_HOLE_GREY, NULL);
    for (int64_t i = 0; s == LAC_OK && i < 3 * n; i++)
        if (mask[i / 3])                        /* between the boundary's values but for the residual */
            picture[i] = (uint8_t)LAC_MIN(LAC_MAX(x[i] + 0.5f, 0.0f), 255.0f);
    free(x);
    return s;
}

const lac_baseline lac_baselines[] = {
    { "copy-nothing", "copy nothing", fill_nothing },
    { "mean-colour", "mean colour", fill_mean },
    { "laplace", "Laplace fill", fill_laplace },
    { .name = NULL },
};

const lac_baseline *lac_baseline_find(const char *name)
{
    for (const lac_baseline *b = lac_baselines; b->name != NULL; b++)
        if (strcmp(b->name, name) == 0)
            return b;
    return NULL;
}
