/* autograd/ops/vector_quantize/vector_quantize.h -- the nearest code of a codebook for each pixel (arXiv:1711.00937; VQGAN, arXiv:2012.09841).
 *
 *     index = argmin over k of |z|^2 + |e_k|^2 - 2 z e_k, the lowest of equals          quantized = e_index
 *     sum = (commitment + codebook) times the sum over all elements of (e - z)^2,       count = how many elements z has
 *
 * z          [..., D]    f32 or bf16
 * codebook   [K, D]      f32
 * quantized  [..., D]    dtype of z; owned by the tape, as all of them
 * index      [...]       i64
 * sum, count []          f32, summed in double
 *
 * Codes whose f32 distance is within rounding of the least are compared in double, so equals are equals. Gradients: quantized hands its own straight
 * through to z and none to the codebook; sum gives z 2 commitment (z - e) and the code 2 codebook (e - z), the other side held constant in each.
 * Of published systems: taming's legacy form is commitment 1, codebook beta; the textbook's commitment beta, codebook 1 (instinpaint.md 2.1). Backward reads z,
 * codebook and index. Fails with LAC_ERR_SHAPE where D differs or there is no code. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_vector_quantize_attr { float commitment, codebook; } lac_vector_quantize_attr;

typedef struct lac_vector_quantize_out { lac_tensor *quantized, *index, *sum, *count; } lac_vector_quantize_out;

/* All NULL after an error. */
lac_vector_quantize_out lac_vector_quantize(lac_tape *t, lac_tensor *z, lac_tensor *codebook, const lac_vector_quantize_attr *a);
