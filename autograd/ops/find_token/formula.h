/* autograd/ops/find_token/formula.h -- the place in one text, on both devices. */
#pragma once

#include "autograd/ops/embedding/ids.h"

LAC_HD static inline int64_t lac_token_place(const void *ids, bool wide, int64_t from, int64_t n, int64_t token)
{
    int64_t place = 0;
    for (int64_t t = 0; t < n; t++) {
        if (token >= 0 && lac_id(ids, from + t, wide) == token)
            return t;
        if (token < 0 && lac_id(ids, from + t, wide) > lac_id(ids, from + place, wide))
            place = t;
    }
    return place;
}
