#include "data/box.h"

#include "core/status.h"

lac_box lac_box_around(const uint8_t *mask, int64_t height, int64_t width)
{
    int64_t top = height, left = width, bottom = -1, right = -1;
    for (int64_t k = 0; k < height * width; k++)
        if (mask[k] != 0) {
            top = LAC_MIN(top, k / width);
            left = LAC_MIN(left, k % width);
            bottom = k / width;
            right = LAC_MAX(right, k % width);
        }
    return bottom < 0 ? (lac_box){ 0 } : (lac_box){ (float)left, (float)top, (float)(right - left + 1), (float)(bottom - top + 1) };
}
