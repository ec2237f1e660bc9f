/* autograd/ops/cross_entropy/cross_entropy.h -- sum over rows of -log softmax(logits)[target].
 *
 *     sum = sum over r of log(sum over c of e^(l[r, c])) - l[r, target[r]]          count = R
 *
 * logits       [R, C]   f32 or bf16, C >= 1
 * target       [R]      i32 or i64, each of [0, C); no gradient. NULL: row r's is r, the diagonal of a contrastive loss, and C is R at least
 * sum, count   []       f32, rows summed in double; owned by the tape. The loss is sum / count; count has no gradient
 *
 * A target outside the row: sum is NaN, and so is the row's gradient (autograd/ops/embedding/embedding.h says why; lac_embedding_check finds it on the
 * host). Backward reads logits, target and the rows' logarithms. Fails with LAC_ERR_SHAPE where these do not fit together. */
#pragma once

#include "autograd/tape.h"

/* Returns the sum; *count may be NULL when it is not wanted. */
lac_tensor *lac_cross_entropy(lac_tape *t, lac_tensor *logits, lac_tensor *target, lac_tensor **count);
