/* models/layers/initial.h -- what a network that is trained from nothing begins with.
 *
 * Layers begin as PyTorch's do (torch.nn.Linear, Conv2d: kaiming_uniform_ with a = sqrt(5), which is uniform within 1 / sqrt(fan in), the bias too). A network
 * whose published code begins otherwise says so behind its layers' _init. */
#pragma once

#include "autograd/params.h"

#include <math.h>
#include <stddef.h>

/* bias may be NULL, here and below. */
static inline void lac_initial_uniform(lac_param *weight, lac_param *bias, int64_t fan_in)
{
    lac_param_uniform(weight, 1 / sqrt((double)fan_in));
    if (bias != NULL)
        lac_param_uniform(bias, 1 / sqrt((double)fan_in));
}

/* The last layer of a branch: a fresh block passes its input on. */
static inline void lac_initial_zero(lac_param *weight, lac_param *bias)
{
    lac_param_zero(weight);
    if (bias != NULL)
        lac_param_zero(bias);
}

/* N(0, deviation^2), bias 0. */
static inline void lac_initial_normal(lac_param *weight, lac_param *bias, double deviation)
{
    lac_param_normal(weight, 0, deviation);
    if (bias != NULL)
        lac_param_zero(bias);
}
