/* autograd/op.h -- what an op is: data about its inputs and outputs, and per backend a table of kernels.
 *
 * A definition says what the tape must know: inputs (dtypes, optional?), outputs (saved statistics among them), which of
 * them backward reads (`keeps`), and how output shapes follow from input shapes (`infer`). It names no device function. */
#pragma once

#include "core/tensor.h"

enum { LAC_MAX_IN = 8, LAC_MAX_OUT = 6 };

typedef unsigned lac_op;        /* a line of ops.def; autograd/ops/ops.h has the numbers: a new op rebuilds what names ops, and no more */

/* An output with LAC_SAVED is there for backward alone: the caller does not see it, and in a call that is not recorded it is not made.
 * One with LAC_OPTIONAL is left out where infer sets out[i] to NULL: a sum that has nothing to add, say. */
typedef struct lac_op_port {
    const char *name;
    unsigned flags;             /* inputs: the dtypes allowed, LAC_OPTIONAL; outputs: LAC_SAVED, LAC_OPTIONAL, else nothing: { "y" } */
} lac_op_port;

#define LAC_KEEP_IN(i) (1u << (i))
#define LAC_KEEP_OUT(i) (1u << (16 + (i)))

/* One call of an op, forward or backward. Kernels read it; infer fills dtype and shape of all outputs, saved ones too.
 *
 * Backward runs for a call that was recorded once a gradient has reached at least one of its outputs and is asked for at least one of its
 * inputs: of an op with one visible output gout[0] is never NULL, and some gin[i] never is. What may be NULL is said below; `data` is NULL
 * exactly where a tensor has no elements. Three dtypes vary independently: of in[i], of gout[k] (f32, or that of out[k]) and of gin[i]
 * (f32, or that of in[i]). f32 it always is for a parameter, where several ops add to one gradient, and where the definition allows in[i]
 * f32 alone. */
typedef struct lac_op_ctx {
    const struct lac_op_def *def;
    lac_op op;
    const void *attr;                       /* the op's own struct; lives as long as the call's node */
    lac_tensor *in[LAC_MAX_IN];             /* NULL: optional and absent */
    lac_tensor *out[LAC_MAX_OUT];           /* forward: NULL where it is LAC_SAVED and the call is not recorded, never so in infer and backward; where infer left it out */
    bool wants[LAC_MAX_IN];                 /* this input's gradient will be asked for */
    /* backward only */
    lac_tensor *gout[LAC_MAX_OUT];          /* dL/dout; NULL: zero, and always for a saved output */
    lac_tensor *gin[LAC_MAX_IN];            /* dL/din to write; NULL: nobody asked */
    bool add[LAC_MAX_IN];                   /* add to gin[i]; else overwrite, its memory is undefined */
    bool backward;
    bool deterministic;                     /* direct summation only: no Winograd (probe --deterministic) */
    void *workspace;                        /* as many bytes as the kernel's workspace function asked for, 64-byte aligned */
    const lac_backend *backend;
    struct lac_lane *lane;                  /* of the ranks whose batches are one (core/comm/lane.h), every one of which makes this call; NULL: this rank is alone */
} lac_op_ctx;

typedef struct lac_op_def {
    lac_op_port in[LAC_MAX_IN], out[LAC_MAX_OUT];
    uint32_t keeps;
    uint32_t (*reads)(const lac_op_ctx *c); /* what of it this call reads; NULL: all */
    lac_status (*infer)(lac_op_ctx *c);
    size_t attr_size;                       /* bytes of the attr struct, copied by the tape */
    int64_t (*flops)(const lac_op_ctx *c);  /* of forward, 2 per multiply-add; NULL: not worth counting */
    bool no_gradient;                       /* outputs never need one (max, argmax): there is no backward kernel */
    bool workspace;                         /* on every device there is a workspace function, which may ask for nothing */
} lac_op_def;

#ifdef __cplusplus
extern "C" {
#endif

const lac_op_def *lac_op_find(lac_op op);
const char *lac_op_name(lac_op op);
const char *lac_op_doc(lac_op op);

/* "forward", "backward" or "workspace": a kernel that the definition promises, and k has not, or the other way round; NULL: all is well. */
struct lac_kernel;
const char *lac_op_misfit(const lac_op_def *d, const struct lac_kernel *k);

/* Bytes that a call reads and writes at least, and its FLOP, 2 per multiply-add; backward: of the gradients that are asked for. */
void lac_op_cost(const lac_op_ctx *c, int64_t *bytes, int64_t *flops);

int lac_op_n_in(const lac_op_def *d);       /* ports declared */
int lac_op_n_out(const lac_op_def *d);

#ifdef __cplusplus
}
#endif

/* A backend's kernels of one op, found by name: NAME_forward, NAME_backward unless no_gradient, NAME_workspace where the definition says so; one
 * that is missing is an error of the call (and of tests/test_autograd_op.c, which looks at all of them). The workspace function is asked with c->backward set for the direction; *size is 0 beforehand. */
typedef struct lac_kernel {
    lac_status (*forward)(const lac_op_ctx *c);
    lac_status (*backward)(const lac_op_ctx *c);
    lac_status (*workspace)(const lac_op_ctx *c, size_t *size);
} lac_kernel;
