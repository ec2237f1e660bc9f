/* autograd/ops/find_token/find_token.h -- where in each text a token stands first.
 *
 *     row[n] = n T + t,  t the first place with ids[n, t] = token, 0 where there is none; token negative: the first place of the largest id
 *
 * ids   [N, T]   i32 or i64, T >= 1
 * row   [N]      i32: of the N T rows that lac_reshape makes of [N, T, C], so that lac_embedding takes them out; no gradient
 *
 * Fails with LAC_ERR_SHAPE for ids of another rank or without places. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_find_token_attr { int64_t token; } lac_find_token_attr;

lac_tensor *lac_find_token(lac_tape *t, lac_tensor *ids, int64_t token);
