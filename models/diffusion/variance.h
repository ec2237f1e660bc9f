/* models/diffusion/variance.h -- between which bounds lies the variance of a step down, from alpha_bar `now` to `then` (Nichol and Dhariwal 2021, eq. 15).
 *
 *     beta = 1 - now / then,   least = log(beta (1 - then) / (1 - now)),   most = log(beta)
 *
 * A network that says its own variance gives a number a value, v: its logarithm is (1 - v) / 2 least + (1 + v) / 2 most. */
#pragma once

typedef struct lac_variance_range { double least, most; } lac_variance_range;

/* Variances of 0 count as 1e-20. */
lac_variance_range lac_variance_range_of(double now, double then);
