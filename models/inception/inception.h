/* models/inception/inception.h -- the Inception network of FID, KID and the Inception score: TensorFlow's of 2015 (arXiv:1512.00567, sec. 6, as released
 * "inception-2015-12-05"), under the keys of pytorch-fid's .pth.
 *
 * A unit is a convolution without bias, batch normalisation by running statistics (eps 1e-3) and ReLU. Unlike torchvision's network of that name: mean
 * pools count the pixels that are there, the last block pools by the maximum, there are 1008 classes and no auxiliary head. A mean pool and the 1x1
 * convolution behind it change places here, which changes nothing but rounding and pools a tenth of the channels.
 *
 * Parameters: UNIT.conv.weight, UNIT.bn.{weight,bias,running_mean,running_var} of 94 units, fc.{weight,bias}; folded: UNIT.conv.{weight,bias}. */
#pragma once

#include "autograd/tape.h"
#include "core/config.h"
#include "models/layers/batch_norm.h"

enum { LAC_INCEPTION_UNITS = 94, LAC_INCEPTION_SIDE = 299, LAC_INCEPTION_CLASSES = 1008 };

extern const lac_key lac_inception_keys[];

typedef struct lac_inception_unit {
    int64_t stride, pad[2];             /* zeros above and below; left and right */
    const char *name;
    lac_param *weight, *bias;           /* bias: folded */
    lac_batch_norm_layer norm;          /* else */
} lac_inception_unit;

typedef struct lac_inception {
    lac_params *params;
    bool folded;
    int n_units;
    lac_inception_unit unit[LAC_INCEPTION_UNITS];       /* in the order in which they run */
    lac_param *fc_weight, *fc_bias;
} lac_inception;

/* config: resolved by the keys. */
lac_status lac_inception_init(lac_inception *m, lac_params *ps, const json_t *config);

/* A folded network from one with norms: each norm's scale goes into the filters before it, its shift becomes their bias. Both initialised. */
lac_status lac_inception_fold(lac_inception *to, const lac_inception *from);

/* [N, C] each; NULL where it was not asked for. */
typedef struct lac_inception_features {
    lac_tensor *feature64, *feature192, *feature768, *pool3;        /* means over the map, of 64, 192, 768 and 2048 channels */
    lac_tensor *logits_unbiased, *logits;                           /* [N, 1008], without fc.bias and with it */
} lac_inception_features;

typedef enum { LAC_INCEPTION_64, LAC_INCEPTION_192, LAC_INCEPTION_768, LAC_INCEPTION_2048, LAC_INCEPTION_LOGITS } lac_inception_depth;

/* What is asked for: bits. LAC_INCEPTION_LOGITS is both kinds. */
static inline unsigned lac_inception_bit(lac_inception_depth depth) { return 1u << depth; }
enum { LAC_INCEPTION_ALL = (2 << LAC_INCEPTION_LOGITS) - 1 };

/* x [N, H, W, 3] in [-1, 1], 75 pixels a side at least (299 by definition), in the network's dtype. Runs as far as the deepest of what is wanted. Errors are the tape's. */
void lac_inception_forward(lac_tape *t, const lac_inception *m, lac_tensor *x, unsigned wanted, lac_inception_features *found);
