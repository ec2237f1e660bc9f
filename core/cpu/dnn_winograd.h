/* core/cpu/dnn_winograd.h -- which convolutions run as Winograd, and running them. Inside core/cpu/dnn_*.c. */
#pragma once

#include "core/cpu/winograd.h"

/* The fixed rule: f32 and not `direct`; 3x3 of stride 1, 5x5 of stride 2 or, forward, 1, or, forward, three or seven along one axis, with channels and maps large enough that it wins
 * (benchmarks/floor.c). Fills *w when true. */
bool lac_wino_fits(lac_wino *w, const lac_conv *c, lac_conv_pass pass, lac_dtype dx);

size_t lac_wino_workspace(const lac_wino *w, lac_conv_pass pass, bool packed);
/* Forward, and gradient of x (x is gy then, y is gx, bias NULL). y = act(sums + bias + before); before: as y, y itself, or NULL. */
lac_status lac_wino_run(const lac_wino *w, const float *x, const lac_dnn_weight *weight, const float *bias, const float *before, lac_act_fn act, float *y,
                        void *workspace);
lac_status lac_wino_grad_w(const lac_wino *w, const float *x, const float *gy, float *gw, bool add_w, float *gb, bool add_b, void *workspace);
