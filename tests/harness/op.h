/* tests/harness/op.h -- an op through the tape, against its ref.c, against finite differences of ref.c, and against golden tensors.
 *
 *     LAC_TEST(gate_matches_the_formula)
 *     {
 *         const lac_op_case k = { .op = LAC_OP_gate, .attr = &(lac_gate_attr){ .act = LAC_ACT_ELU, .upsample = 1 }, .ref = gate_ref,
 *                                 .in = { LAC_RANDOM(2, 3, 4, 6) } };
 *         LAC_CHECK(lac_op_value_gap(&k, LAC_F32) < 1e-6);
 *         LAC_CHECK(lac_op_gradient_gap(&k, LAC_F32) < 1e-5);
 *     } */
#pragma once

#include "autograd/op.h"
#include "autograd/ops/ops.h"
#include "autograd/tape.h"
#include "tests/harness/test.h"

/* What ref.c gets: values in double, NULL where an input is absent; it writes every out[k] that is not NULL. */
typedef struct lac_ref {
    const double *in[LAC_MAX_IN];
    double *out[LAC_MAX_OUT];
    lac_shape shape[LAC_MAX_IN], out_shape[LAC_MAX_OUT];
    const void *attr;
} lac_ref;

typedef void lac_ref_function(const lac_ref *r);

/* NAME_ref, in the op's ref.c. */
#define LAC_OP(name, doc) lac_ref_function name##_ref;
#include "autograd/ops/ops.def"
#undef LAC_OP

/* Absent; [-2, 2); 0 and 1; 0 and a few 1; whole numbers of [0, below). */
typedef enum { LAC_FILL_NONE, LAC_FILL_UNIFORM, LAC_FILL_MASK, LAC_FILL_SPARSE_MASK, LAC_FILL_IDS } lac_fill;
typedef struct lac_op_input { lac_fill fill; lac_shape shape; int64_t below; } lac_op_input;

#define LAC_FILLED(fill, ...) { fill, { sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), { __VA_ARGS__ } }, 0 }
#define LAC_RANDOM(...) LAC_FILLED(LAC_FILL_UNIFORM, __VA_ARGS__)
#define LAC_MASK(...) LAC_FILLED(LAC_FILL_MASK, __VA_ARGS__)            /* gets no gradient */
#define LAC_SPARSE_MASK(...) LAC_FILLED(LAC_FILL_SPARSE_MASK, __VA_ARGS__)
/* i32 in a run of f32, i64 in one of bf16; below may be letters, as dims. */
#define LAC_IDS(below, ...) { LAC_FILL_IDS, { sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), { __VA_ARGS__ } }, below }
#define LAC_SCALAR { LAC_FILL_UNIFORM, { 0, { 0 } }, 0 }

typedef struct lac_op_case {
    lac_op op;
    const void *attr;
    lac_ref_function *ref;
    lac_op_input in[LAC_MAX_IN];
    unsigned no_gradient;           /* bit i: in[i] gets none, though it is no mask (spectral norm's u) */
    unsigned no_upstream;           /* bit k: out[k] passes no gradient on (its u_new) */
    uint64_t seed;
    bool library;                   /* bf16 on the CPU is oneDNN's: left out where the CPU has no instructions for it */
} lac_op_case;

/* |ours - ref| / |ref| in the L2 norm, the largest over the visible outputs; infinite where ref is all 0, as nothing is tested then. Inputs that may be bf16 have dtype d, and ref.c gets
 * their rounded values. Fails the test when the tape reports an error. */
double lac_op_value_gap(const lac_op_case *k, lac_dtype d);

/* The same for gradients, the largest over inputs: random upstream gradients on all visible outputs of two calls on the same inputs
 * (so that the second contribution is added), and of one (overwriting), against central differences of ref.c in double. */
double lac_op_gradient_gap(const lac_op_case *k, lac_dtype d);

/* Values and gradients against a safetensors file: tensors "PREFIX.PORT" for inputs and outputs, "PREFIX.grad.PORT" for gradients of
 * outputs (given) and inputs (compared). What the file lacks is absent or not compared; at least one output must be there. */
double lac_op_golden_gap(lac_op op, const void *attr, const char *file, const char *prefix);

/* Where no ref.c is asked, so that tensors may be empty or large: values and gradients in f32 and bf16 as the functions above check them for each
 * run of theirs, and each gradient asked for alone. That is: the other device (tests/harness/device.h) gives what the CPU gives, to 1e-6, or
 * 1e-2 where bf16 is met, relative in the L2 norm; the same bits whichever way its threads run, on the CPU at another number of threads, and where no gradient is
 * asked for, so that nothing is saved; nobody writes past a tensor, and what was not written is NaN (lac_tape_guard). */
void lac_op_check(const lac_op_case *k);

/* The same at five sizes: no sample, one element, odd dims, more than 32 channels, large and fit for 16-byte accesses. Shapes are written in
 * letters, each dim a sum of them or a number:
 *
 *     lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_gate, .attr = &a, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, 2 * LAC_C) } });
 *
 * Up to two sizes may be refused with LAC_ERR_SHAPE. */
#define LAC_N (-INT64_C(1))
#define LAC_H (256 * LAC_N)
#define LAC_W (256 * LAC_H)
#define LAC_C (256 * LAC_W)
#define LAC_O (256 * LAC_C)             /* another number of channels */
void lac_op_check_sizes(const lac_op_case *k);

/* The status of one call with these inputs, for error tests; the message is in lac_error_message(). */
lac_status lac_op_status(const lac_op_case *k);
