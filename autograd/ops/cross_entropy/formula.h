/* autograd/ops/cross_entropy/formula.h -- on both devices. */
#pragma once

#include "autograd/ops/embedding/ids.h"

/* The column of row r; -1 where it has none such. ids NULL: the diagonal. */
LAC_HD static inline int64_t lac_target(const void *ids, bool wide, int64_t r, int64_t columns)
{
    const int64_t c = ids == NULL ? r : lac_id(ids, r, wide);
    return c >= 0 && c < columns ? c : -1;
}

/* Whether column k has the name of row r. */
LAC_HD static inline bool lac_named_alike(const void *row, const void *column, bool wide, int64_t r, int64_t k) { return lac_id(row, r, wide) == lac_id(column, k, wide); }

/* Of a row whose largest logit is m and whose sum of e^(l - m) is s. */
LAC_HD static inline float lac_log_sum(float m, float s) { return m + lac_log(s); }
