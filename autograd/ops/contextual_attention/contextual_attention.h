/* autograd/ops/contextual_attention/contextual_attention.h -- DeepFill's attention (arXiv:1801.07892, sec. 4; as coded for v2).
 *
 * f and b are downsampled by `rate` (nearest) to an h x w grid of L = h w positions. Queries Q_p and keys K_q are the ksize x ksize
 * neighbourhoods of f and b there; patches R_q are the 2r x 2r pieces of b at stride r, offset -(r / 2).
 *
 *     S[p,q] = <Q_p, K_q> / sqrt(max(|K_q|^2, 1e-8))                             scores
 *     S <- S[p-1,q-1] + S[p,q] + S[p+1,q+1], rows first, then columns            if fuse
 *     A[p,:] = softmax(softmax_scale v S[p,:]) v         v_q = 1 where no hole lies in q's neighbourhood, else 0
 *     y = patches sum_q A[p,q] R_q pasted at p, overlaps added, times 1/4
 *
 * f     [N, H, W, C]         f32 or bf16, H and W multiples of rate
 * b     [N, H, W, C]         dtype of f, optional (then f)
 * mask  [N or 1, H, W, 1]    f32, 1 = hole; never gets a gradient
 * y     [N, H, W, C]         dtype of f; owned by the tape
 *
 * Sums, scores and softmax are f32; of bf16 features the products take bf16 operands, A rounded among them. Where backward may follow A is saved, [N, L, L] in f32; otherwise queries stream in strips of grid rows and no
 * L x L matrix exists. Backward reads f, b, mask and A. Errors name rate, ksize or the shape at fault. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_contextual_attention_attr {
    int ksize;                  /* odd; 3 in the paper's code */
    int rate;                   /* 2 there */
    float softmax_scale;        /* 10 there */
    int strip_rows;             /* grid rows of queries (and keys) at a time; 0: as many as fit 256 MiB */
    bool fuse;
    bool torch;                 /* nearest downsampling by floor; else align-corners as TensorFlow's resize */
    bool exact_overlap;         /* divide by the number of patches over a pixel; else by 4 at the border too */
    bool exclude_masked;        /* softmax over valid keys only; else masked keys take part with score 0 and are dropped after */
    bool mask_max;              /* mask downsampled by the maximum over rate x rate blocks; else as the features */
} lac_contextual_attention_attr;

lac_tensor *lac_contextual_attention(lac_tape *t, lac_tensor *f, lac_tensor *b, lac_tensor *mask, const lac_contextual_attention_attr *a);
