/* core/text/ranges.h -- sorted ranges of code points, as the written tables have them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lac_code_range { uint32_t from, to; } lac_code_range;        /* both ends within */

static inline bool lac_code_within(const lac_code_range *at, size_t n, uint32_t code)
{
    size_t low = 0, high = n;
    while (low < high) {                    /* the first range that ends at code or beyond */
        const size_t middle = (low + high) / 2;
        if (at[middle].to < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && at[low].from <= code;
}
