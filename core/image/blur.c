#include "core/image/blur.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

static void fill_kernel(double *kernel, int64_t radius, double sigma)
{
    double sum = 0;
    for (int64_t i = -radius; i <= radius; i++)
        sum += kernel[i + radius] = exp(-(double)(i * i) / (2 * sigma * sigma));
    for (int64_t i = 0; i <= 2 * radius; i++)
        kernel[i] /= sum;
}

/* Position i of the endless row ... c b a b c d c b a ... */
static int64_t reflected(int64_t i, int64_t n)
{
    const int64_t period = n > 1 ? 2 * (n - 1) : 1, k = ((i % period) + period) % period;
    return k < n ? k : period - k;
}

/* One line of n values, `step` apart in both. */
static void blur_line(double *to, const double *from, int64_t n, int64_t step, const double *kernel, int64_t radius)
{
    for (int64_t x = 0; x < n; x++) {
        double sum = 0;
        for (int64_t i = -radius; i <= radius; i++)
            sum += kernel[i + radius] * from[reflected(x + i, n) * step];
        to[x * step] = sum;
    }
}

lac_status lac_plane_blur(double *plane, int64_t height, int64_t width, int64_t radius, double sigma)
{
    double *wide, *kernel;
    LAC_TRY(lac_malloc((void **)&wide, (size_t)(height * width + 2 * radius + 1) * sizeof *wide));
    kernel = wide + height * width;
    fill_kernel(kernel, radius, sigma);
    for (int64_t y = 0; y < height; y++)
        blur_line(wide + y * width, plane + y * width, width, 1, kernel, radius);
    for (int64_t x = 0; x < width; x++)
        blur_line(plane + x, wide + x, height, width, kernel, radius);
    free(wide);
    return LAC_OK;
}
