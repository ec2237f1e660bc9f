/* autograd/ops/embedding/embedding.h -- rows of a table: y[..., :] = table[ids[...], :]. Of tokens by their ids, of anything by the place of its row.
 *
 * table  [V, C]      f32 or bf16
 * ids    [...]       i32 or i64, up to five dims, each of [0, V); no gradient
 * y      [..., C]    dtype of table; owned by the tape
 *
 * Backward reads ids alone. A row of the table's gradient is the sum of the rows of dL/dy that chose it, in f32 and in their order: the same bits at
 * any number of threads and on any device.
 *
 * An id outside the table has no row. Kernels on a device cannot say so, and reading another row would be a wrong number that nobody sees: its row of y
 * is NaN there, which the flag for gradients that are not finite and lac_tape_check_finite find; on the CPU it is LAC_ERR_ARG, naming id and place. Its
 * gradient goes nowhere. Who has the ids in the host's memory asks lac_embedding_check first. Fails with LAC_ERR_SHAPE for a table that is no matrix. */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_embedding(lac_tape *t, lac_tensor *table, lac_tensor *ids);

/* ids in host memory, i32 or i64: LAC_ERR_ARG, naming the first that is not in [0, rows) and its place. `what` names them ("input_ids"). */
lac_status lac_embedding_check(const lac_tensor *ids, int64_t rows, const char *what);
