/* autograd/ops/cross_entropy/cross_entropy.h -- sum over rows of -log softmax(logits)[target].
 *
 *     sum = sum over r of log(sum over c of e^(l[r, c])) - l[r, target[r]]          count = R
 *
 * logits       [R, C]   f32 or bf16, C >= 1
 * target       [R]      i32 or i64, each of [0, C); no gradient. NULL: row r's is r, the diagonal of a contrastive loss, and C is R at least
 * column       [C]      dtype of target; NULL: as above. Else target[r] and column[c] are names, and row r's targets are all columns of its name, each with the same share:
 *                       the mean over them of -log softmax(logits)[c] (arXiv:2204.03610, eq. 2: several captions of a contrastive batch may be the same)
 * sum, count   []       f32, rows summed in double; owned by the tape. The loss is sum / count; count has no gradient
 *
 * A target outside the row, or no column of the row's name: sum is NaN, and so is the row's gradient (autograd/ops/embedding/embedding.h says why; lac_embedding_check finds it on the
 * host). Backward reads logits, target, column and the rows' logarithms. Fails with LAC_ERR_SHAPE where these do not fit together. */
#pragma once

#include "autograd/tape.h"

/* Returns the sum; *count may be NULL when it is not wanted. */
lac_tensor *lac_cross_entropy(lac_tape *t, lac_tensor *logits, lac_tensor *target, lac_tensor **count);
/* By names: the same, of target and column. */
lac_tensor *lac_cross_entropy_named(lac_tape *t, lac_tensor *logits, lac_tensor *target, lac_tensor *column, lac_tensor **count);
