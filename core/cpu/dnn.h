/* core/cpu/dnn.h -- convolutions and matrix products on the CPU, over oneDNN, on raw pointers.
 *
 * All oneDNN calls stand in core/cpu/dnn_*.c behind this interface. Activations are NHWC, convolution weights
 * [O, kh, kw, I/groups], everything dense. Primitives are made once per shape and cached; weights are repacked once per
 * (uid, version) of their tensor and cached until lac_dnn_forget; a weight with uid 0 is packed in each call.
 *
 * Same bits at any number of threads: work is cut into slices that follow from shape and dtype alone (samples, bands of rows, channels),
 * each one a single-thread call; partial weight gradients are summed in slice order. The algorithm follows from shape, dtype
 * and CPU, never from a timing.
 *
 * Workspaces: 64-byte aligned, as large as the size function says, asked with the same number of threads as the call. */
#pragma once

#include "core/conv.h"
#include "core/product.h"

/* A weight of the convolution's dtype, and the name under which packed copies may be kept; where data is a part of the tensor, its first element. */
typedef struct lac_dnn_weight { const void *data; uint64_t uid, version; int64_t first; } lac_dnn_weight;

/* dx: dtype of gx for LAC_CONV_GRAD_X, else ignored; packed: the weight has a uid. */
lac_status lac_dnn_conv_workspace(const lac_conv *c, lac_conv_pass pass, lac_dtype dx, bool packed, size_t *size);

/* y = act(x * w + bias + residual); bias f32 [o] or NULL; residual as y where c has one, else NULL. */
lac_status lac_dnn_conv_forward(const lac_conv *c, const void *x, const lac_dnn_weight *w, const float *bias, const void *residual, void *y, void *workspace);
/* gx, f32 or bf16 (dx), is overwritten, or added to. */
lac_status lac_dnn_conv_grad_x(const lac_conv *c, const void *gy, const lac_dnn_weight *w, void *gx, lac_dtype dx, bool add, void *workspace);
/* gw f32 [o, kh, kw, c / groups] and gb f32 [o], either NULL when not wanted, are overwritten or added to. */
lac_status lac_dnn_conv_grad_w(const lac_conv *c, const void *x, const void *gy, float *gw, bool add_w, float *gb, bool add_b, void *workspace);

/* What runs, for benchmarks: "brgconv:avx512_core in 16 slices". Writes at most size bytes. */
lac_status lac_dnn_conv_algorithm(const lac_conv *c, lac_conv_pass pass, char *text, size_t size);

/* A product as a single-thread call for use inside one's own parallel region (or outside: it stays on the calling thread).
 * Get it outside the region, give it back when done; many threads may run it at once, each with a scratch of its own. */
typedef struct lac_dnn_product lac_dnn_product;
lac_status lac_dnn_product_get(const lac_product *p, const lac_dnn_product **handle);
void lac_dnn_product_put(const lac_dnn_product *handle);
size_t lac_dnn_product_scratch(const lac_dnn_product *handle);      /* bytes per thread, 64-byte aligned */
lac_status lac_dnn_product_run(const lac_dnn_product *handle, const void *a, const void *b, const float *bias, void *c, void *scratch);
/* The same where one B serves many products (batch 1): `run` then takes what `pack` made of B, so many bytes, 64-byte aligned. */
lac_status lac_dnn_product_get_packed(const lac_product *p, const lac_dnn_product **handle);
size_t lac_dnn_product_packed(const lac_dnn_product *handle);
lac_status lac_dnn_product_pack(const lac_dnn_product *handle, const void *b, void *packed);

/* The whole product over all threads, in fixed blocks of rows (and of the batch; of columns, where there are few rows). B's packed form is cached where b has a uid
 * (batch 1). bf16 runs on AMX's tiles (core/cpu/amx.h) where the CPU has them, twice as fast as the library's. */
lac_status lac_dnn_matmul_workspace(const lac_product *p, bool packed, size_t *size);
lac_status lac_dnn_matmul(const lac_product *p, const void *a, const lac_dnn_weight *b, const float *bias, void *c, void *workspace);
/* The same, but where p->add C = A B + bias + onto, laid out as C; NULL: C itself. */
lac_status lac_dnn_matmul_onto(const lac_product *p, const void *a, const lac_dnn_weight *b, const float *bias, const void *onto, void *c, void *workspace);

/* to[j] (+)= the sum of column j of x [rows, columns], f32 or bf16: rows in order, a column in one piece. */
void lac_dnn_column_sums(const void *x, lac_dtype d, int64_t rows, int64_t columns, float *to, bool add);

/* Drops the packed copies of a tensor; lac_dnn_clear drops everything cached (at exit, and in tests). No call may be running. */
void lac_dnn_forget(uint64_t uid);
void lac_dnn_clear(void);
const char *lac_dnn_version(void);              /* "2.6.3" */
