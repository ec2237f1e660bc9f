/* core/cpu/dnn_library.h -- oneDNN's C API, 2.x and 3.x, behind four things: descriptors, primitives, packing, running.
 *
 * Included by core/cpu/dnn_*.c alone. */
#pragma once

#include "core/cpu/dnn.h"

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>

/* A memory descriptor: borrowed from a primitive, or owned. 2.x has it as a struct, 3.x as a handle. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t lac_md;
typedef struct lac_md_own { dnnl_memory_desc_t value; } lac_md_own;
static inline lac_md lac_md_of(const lac_md_own *o) { return o->value; }
#else
typedef const dnnl_memory_desc_t *lac_md;
typedef struct lac_md_own { dnnl_memory_desc_t value; } lac_md_own;
static inline lac_md lac_md_of(const lac_md_own *o) { return &o->value; }
#endif

/* strides NULL: whatever layout the library prefers. */
lac_status lac_md_new(lac_md_own *md, int ndim, const int64_t *dim, const int64_t *stride, lac_dtype d);
lac_status lac_md_copy(lac_md_own *to, lac_md from);
void lac_md_drop(lac_md_own *md);
size_t lac_md_bytes(lac_md md);
bool lac_md_same(lac_md a, lac_md b);

/* A primitive, made for a number of threads: 1, to run inside a slice, everywhere but in benchmarks/floor.c; a reorder, which only copies,
 * for all. */
typedef struct lac_prim {
    dnnl_primitive_t handle;
    int threads;
    size_t scratch;
    const char *name;               /* the library's word for the implementation */
} lac_prim;

/* What a primitive does to its sums: adds what the result held before, then multiplies what is below 0 by a slope. */
typedef struct lac_prim_after { bool add, leaky; float slope; } lac_prim_after;

typedef struct lac_prim_conv {
    lac_conv_pass pass;
    int threads;
    bool winograd;
    lac_md x, w, b, y;              /* b NULL: no bias (and no bias gradient) */
    lac_md x_forward, w_forward;    /* backward: as x and w, but in the dtype of y (gx and gw may be wider) */
    int64_t stride[2], dilation[2], pad[4];
    lac_prim_after after;           /* forward */
} lac_prim_conv;

/* LAC_ERR_NO_KERNEL (without a message) when the library has no implementation but its reference. */
lac_status lac_prim_new_conv(lac_prim *p, const lac_prim_conv *c, bool accept_reference);
lac_status lac_prim_new_matmul(lac_prim *p, lac_md a, lac_md b, lac_md bias, lac_md c, bool add, int with_threads);
lac_status lac_prim_new_reorder(lac_prim *p, lac_md from, lac_md to);
void lac_prim_drop(lac_prim *p);
lac_md lac_prim_md(const lac_prim *p, int arg);         /* layout of DNNL_ARG_... */

/* Runs on the threads it was made for; on the calling one alone inside a parallel region. */
enum { LAC_PRIM_ARGS = 5 };
lac_status lac_prim_run(const lac_prim *p, int n, const int *arg, void *const *data, void *scratch);
/* A reorder, run `parts` times: what it reads lies `step` bytes apart, what it writes lac_prim_reordered(p) bytes apart, a multiple of 64. */
lac_status lac_prim_reorder(const lac_prim *p, int64_t parts, size_t step, const void *from, void *to);
size_t lac_prim_reordered(const lac_prim *p);
