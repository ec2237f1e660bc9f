/* eval/p_ids.h -- paired and unpaired inception discriminative scores (CoModGAN, arXiv:2103.10428, sec. 5): a linear support vector machine is trained to
 * tell completed pictures from real ones by their features; U-IDS is its share of errors, P-IDS how often it takes a completed picture for more
 * real than its own original. The machine is that of scikit-learn's LinearSVC(dual=False):
 *
 *     min over w, bias of  (|w|^2 + bias^2) / 2 + sum_i max(0, 1 - y_i (w.x_i + bias))^2         y = 1: real, -1: completed
 *
 * strictly convex and of piecewise second degree, so Newton's method ends at its minimum, to rounding. */
#pragma once

#include "eval/samples.h"

typedef struct lac_p_ids { double u_ids, p_ids; } lac_p_ids;

/* completed and real: row i of both is one picture. weight [d] and bias: of the machine. LAC_ERR_SHAPE when the sets differ in shape, LAC_ERR_ARG
 * when they are empty. Wants room for all rows and a matrix [d + 1, d + 1] in f64. */
lac_status lac_p_ids_of(lac_p_ids *v, double *weight, double *bias, const lac_samples *completed, const lac_samples *real);
