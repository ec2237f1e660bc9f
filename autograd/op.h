/* autograd/op.h -- what an op is: data about its inputs and outputs, and per backend a table of kernels.
 *
 * A definition says what the tape must know: inputs (dtypes, optional?), outputs (hidden ones hold saved statistics), which of
 * them backward reads (`keeps`), and how output shapes follow from input shapes (`infer`). It names no device function. */
#pragma once

#include "core/tensor.h"

enum { LAC_MAX_IN = 8, LAC_MAX_OUT = 6 };

typedef enum {
#define LAC_OP(name, doc) LAC_OP_##name,
#include "autograd/ops/ops.def"
#undef LAC_OP
    LAC_N_OPS
} lac_op;

typedef struct lac_op_port {
    const char *name;
    unsigned flags;             /* inputs: a set of dtypes, LAC_OPTIONAL; outputs: LAC_HIDDEN; 0 for an input: LAC_FLOATS */
} lac_op_port;

#define LAC_KEEP_IN(i) (1u << (i))
#define LAC_KEEP_OUT(i) (1u << (16 + (i)))

/* One call of an op, forward or backward. Kernels read it; infer fills dtype and shape of out[]. */
typedef struct lac_op_ctx {
    const struct lac_op_def *def;
    lac_op op;
    const void *attr;                       /* the op's own struct; lives as long as the call's node */
    lac_tensor *in[LAC_MAX_IN];             /* NULL: optional and absent */
    lac_tensor *out[LAC_MAX_OUT];
    bool wants[LAC_MAX_IN];                 /* forward: this input's gradient will be asked for */
    bool recording;                         /* forward: backward may follow, so saved outputs are wanted */
    /* backward only */
    lac_tensor *gout[LAC_MAX_OUT];          /* dL/dout; NULL: zero */
    lac_tensor *gin[LAC_MAX_IN];            /* dL/din to write; NULL: nobody asked. f32, or the dtype of in[i] */
    bool add[LAC_MAX_IN];                   /* add to gin[i]; else overwrite, its memory is undefined */
    bool backward;
    bool deterministic;                     /* direct summation only: no Winograd (probe --deterministic) */
    void *workspace;                        /* as many bytes as the kernel's workspace function asked for, 64-byte aligned */
    const lac_backend *backend;
} lac_op_ctx;

typedef struct lac_op_def {
    lac_op_port in[LAC_MAX_IN], out[LAC_MAX_OUT];
    uint32_t keeps;
    uint32_t (*reads)(const lac_op_ctx *c); /* what of it this call reads; NULL: all */
    lac_status (*infer)(lac_op_ctx *c);
    size_t attr_size;                       /* bytes of the attr struct, copied by the tape */
    int64_t (*flops)(const lac_op_ctx *c);  /* of forward, 2 per multiply-add; NULL: not worth counting */
    bool no_gradient;                       /* outputs never need one (max, argmax) */
} lac_op_def;

#define LAC_OP(name, doc) extern const lac_op_def lac_op_##name;
#include "autograd/ops/ops.def"
#undef LAC_OP

#ifdef __cplusplus
extern "C" {
#endif

const lac_op_def *lac_op_find(lac_op op);
const char *lac_op_name(lac_op op);
const char *lac_op_doc(lac_op op);

/* Bytes that a call reads and writes at least, and its FLOP, 2 per multiply-add; backward: of the gradients that are asked for. */
void lac_op_cost(const lac_op_ctx *c, int64_t *bytes, int64_t *flops);

int lac_op_n_in(const lac_op_def *d);       /* ports declared */
int lac_op_n_out(const lac_op_def *d);

#ifdef __cplusplus
}
#endif

/* A backend's kernels of one op. The workspace function is asked with c->backward set for the direction; *size is 0 beforehand. */
typedef struct lac_kernel {
    lac_status (*forward)(const lac_op_ctx *c);
    lac_status (*backward)(const lac_op_ctx *c);
    lac_status (*workspace)(const lac_op_ctx *c, size_t *size);
} lac_kernel;
