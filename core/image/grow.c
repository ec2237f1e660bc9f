#include "core/image/grow.h"

#include "core/memory.h"

#include <stdlib.h>

/* One row or column of n values, `step` apart: 1 where a 1 lies at most `reach` away. */
static void spread(uint8_t *to, const uint8_t *from, int64_t n, int64_t step, int64_t reach)
{
    int64_t last = -reach - 1;                  /* place of the last 1 seen */
    for (int64_t i = 0; i < n; i++) {
        last = from[i * step] ? i : last;
        to[i * step] = i - last <= reach;
    }
    last = n + reach;
    for (int64_t i = n; i-- > 0;) {
        last = from[i * step] ? i : last;
        to[i * step] |= last - i <= reach;
    }
}

lac_status lac_mask_grow(uint8_t *mask, int64_t height, int64_t width, int64_t n)
{
    uint8_t *wide;
    if (n == 0)
        return LAC_OK;
    LAC_TRY(lac_malloc((void **)&wide, (size_t)(height * width)));
    for (int64_t y = 0; y < height; y++)
        spread(wide + y * width, mask + y * width, width, 1, n);
    for (int64_t x = 0; x < width; x++)
        spread(mask + x, wide + x, height, width, n);
    free(wide);
    return LAC_OK;
}
