/* models/layers/batch_norm.h -- batch normalisation with its parameters, by PyTorch's names: NAME.weight [C], NAME.bias [C] (1 and 0 at first), and the
 * buffers NAME.running_mean, NAME.running_var [C] (0 and 1). NAME.num_batches_tracked of files is a number that nobody reads here. */
#pragma once

#include "autograd/ops/batch_norm/batch_norm.h"
#include "autograd/params.h"

typedef struct lac_batch_norm_layer {
    float eps, momentum;            /* chosen before lac_batch_norm_layer_init: 1e-5 and 0.1 in PyTorch */
    const char *name;
    lac_param *weight, *bias, *mean, *var;
} lac_batch_norm_layer;

/* Running statistics, as tensors of the tape. */
typedef struct lac_batch_norm_state { lac_tensor *mean, *var; } lac_batch_norm_state;

/* ps passes over num_batches_tracked in files from here on. */
lac_status lac_batch_norm_layer_init(lac_batch_norm_layer *l, lac_params *ps, const char *name, int64_t channels);

/* x [N, H, W, C]. *state holds the running statistics before the call (NULLs: the buffers' own) and after it; hand it to the next call in training
 * where one follows in the same step, then to _commit. NULL after an error. */
lac_tensor *lac_batch_norm_layer_forward(lac_tape *t, const lac_batch_norm_layer *l, lac_tensor *x, bool training, lac_act_fn act, lac_batch_norm_state *state);
void lac_batch_norm_layer_commit(lac_tape *t, const lac_batch_norm_layer *l, const lac_batch_norm_state *state);
