#include "models/inception/input.h"

#include "core/image/interpolate.h"
#include "core/image/resample.h"
#include "core/memory.h"
#include "models/inception/inception.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = LAC_INCEPTION_SIDE, AREA = SIDE * SIDE };

static const char *const names[] = { "pytorch-fid", "tf", "clean", "torchmetrics" };

lac_status lac_inception_recipe_named(lac_inception_recipe *recipe, const char *name)
{
    for (size_t i = 0; i < LAC_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return *recipe = (lac_inception_recipe)i, LAC_OK;
    return LAC_FAIL(LAC_ERR_ARG, "unknown recipe '%s': expected one of " LAC_INCEPTION_RECIPES, name);
}

const char *lac_inception_recipe_text(lac_inception_recipe recipe)
{
    static const char *const text[] = { "resize=torch-bilinear,range=2x/255-1", "resize=tf1-bilinear,range=(x-128)/128",
                                        "resize=pilF-bicubic,range=(x-128)/128", "resize=torch-bilinear-aa,range=(x-128)/128" };
    return text[recipe];
}

/* Planes [3, SIDE, SIDE] of planes [3, height, width]. */
static lac_status resize(float *to, const float *from, int64_t height, int64_t width, lac_inception_recipe recipe)
{
    static const lac_interpolation how[] = { [LAC_INCEPTION_PYTORCH_FID] = LAC_TORCH_BILINEAR, [LAC_INCEPTION_TF] = LAC_TF1_BILINEAR,
                                             [LAC_INCEPTION_TORCHMETRICS] = LAC_TORCH_BILINEAR_AA };
    if (recipe != LAC_INCEPTION_CLEAN)
        return lac_interpolate(to, SIDE, SIDE, from, height, width, 3, how[recipe]);
    for (int c = 0; c < 3; c++)
        LAC_TRY(lac_plane_resize(to + c * AREA, SIDE, SIDE, from + c * height * width, height, width, LAC_FILTER_BICUBIC, LAC_PASSES_HORIZONTAL_FIRST));
    for (int64_t i = 0; i < 3 * AREA; i++)
        to[i] = to[i] < 0 ? 0 : to[i] > 255 ? 255 : to[i];
    return LAC_OK;
}

static void spread(float *plane, const uint8_t *pixels, int64_t n, lac_inception_recipe recipe)
{
    const float over = recipe == LAC_INCEPTION_PYTORCH_FID ? 255.0f : 1.0f;
    for (int64_t c = 0; c < 3; c++)
        for (int64_t i = 0; i < n; i++)
            plane[c * n + i] = pixels[3 * i + c] / over;
}

static void interleave(float *to, const float *plane, lac_inception_recipe recipe)
{
    for (int64_t c = 0; c < 3; c++)
        for (int64_t i = 0; i < AREA; i++) {
            const float x = plane[c * AREA + i];
            to[3 * i + c] = recipe == LAC_INCEPTION_PYTORCH_FID ? 2 * x - 1 : (x - 128) / 128;
        }
}

lac_status lac_inception_input(float *to, const uint8_t *pixels, int64_t height, int64_t width, lac_inception_recipe recipe)
{
    float *from, *resized = NULL;
    if (height < 1 || width < 1)
        return LAC_FAIL(LAC_ERR_ARG, "a picture of %lld x %lld pixels", (long long)height, (long long)width);
    LAC_TRY(lac_malloc((void **)&from, (size_t)(3 * height * width) * sizeof *from));
    lac_status s = lac_malloc((void **)&resized, 3 * AREA * sizeof *resized);
    if (s == LAC_OK) {
        spread(from, pixels, height * width, recipe);
        s = resize(resized, from, height, width, recipe);
    }
    if (s == LAC_OK)
        interleave(to, resized, recipe);
    free(from);
    free(resized);
    return s;
}
