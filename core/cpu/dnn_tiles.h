/* core/cpu/dnn_tiles.h -- whole products of bf16 on AMX's tiles (core/cpu/amx.h), over all threads. Inside core/cpu/dnn_*.c. */
#pragma once

#include "core/cpu/dnn.h"

/* Whether they run a product: where the CPU has tiles, of 16 rows on; below, B is read but once, and is better left as it lies. */
bool lac_tiles_fit(const lac_product *p);
size_t lac_tiles_workspace(const lac_product *p, bool packed);
lac_status lac_tiles_matmul(const lac_product *p, const void *a, const lac_dnn_weight *b, const float *bias, const void *onto, void *c, void *workspace);
/* The same with B as tiles want it, packed by the caller, lac_tiles_packed bytes: panels as core/cpu/amx.h has them. */
size_t lac_tiles_packed(const lac_product *p);
void lac_tiles_run(const lac_product *p, const void *a, const void *packed, const float *bias, const void *onto, void *c, void *workspace);
