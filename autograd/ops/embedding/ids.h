/* autograd/ops/embedding/ids.h -- ids as they lie in memory. */
#pragma once

#include "core/fmath.h"
#include "core/tensor.h"

LAC_HD static inline int64_t lac_id(const void *ids, int64_t i, bool wide) { return wide ? ((const int64_t *)ids)[i] : ((const int32_t *)ids)[i]; }
