/* autograd/tape.h -- eager execution that remembers: an op runs when it is called, backward walks what was recorded.
 *
 * The tape carries the first error: after it every op returns NULL and does nothing, ops pass NULL through, and lac_backward or
 * lac_tape_status report it with the module path ("/generator/conv4: gate wants ..."). One thread uses a tape.
 *
 * Memory. A region is what lies between lac_tape_begin and lac_tape_end. The same host code is run twice for a new
 * signature: first with `plan` (kernels do not run, tensors have no memory; sizes, births and last readers are noted, FLOPs
 * counted), then for real out of one packed block, allocations in the same order; an order that differs is an error that
 * names the op. Later regions of that signature only run. So host code may branch on the signature alone. */
#pragma once

#include "autograd/op.h"
#include "core/backend.h"

typedef struct lac_tape lac_tape;
typedef struct lac_params lac_params;

lac_status lac_tape_new(lac_tape **t, const lac_backend *b);
void lac_tape_free(lac_tape *t);
lac_status lac_tape_status(const lac_tape *t);
const lac_backend *lac_tape_backend(const lac_tape *t);

/* signature: a string that says all that host code branches on; copied. */
bool lac_tape_planned(const lac_tape *t, const char *signature);
lac_status lac_tape_begin(lac_tape *t, const char *signature, bool plan);
lac_status lac_tape_end(lac_tape *t);           /* the region's tensors are gone; returns the tape's status and clears it */
bool lac_tape_planning(const lac_tape *t);      /* no tensor holds data just now */

typedef struct lac_plan_stats { int64_t peak_bytes, lower_bound_bytes, flops, launches; } lac_plan_stats;
lac_status lac_tape_plan_stats(const lac_tape *t, const char *signature, lac_plan_stats *stats);

/* plan + run of a function that only calls ops, for inference, probe and tests. */
typedef lac_status lac_body(lac_tape *t, void *context);
lac_status lac_tape_run(lac_tape *t, const char *signature, lac_body *f, void *context);

/* Settings of the region, to be made after begin. */
void lac_tape_train(lac_tape *t, const lac_params *params);     /* this network's trainable parameters get gradients */
void lac_tape_deterministic(lac_tape *t, bool on);              /* no Winograd; stays until changed */
/* The ranks whose batches are parts of one: ops whose statistics are of a batch (batch_norm) sum these over them. NULL: this rank alone; stays until
 * changed. Every rank then runs the same regions in the same order. */
struct lac_lane;
void lac_tape_lane(lac_tape *t, struct lac_lane *lane);
void lac_tape_check_finite(lac_tape *t, bool on);               /* every output is looked at; the first bad one is an error */
/* Guards, for tests and debug builds (-DLAC_POISON: on from the start in the host's memory): memory is filled with NaN when it is handed out, and a line behind each
 * tensor and workspace is looked at after each kernel; one that was written is an error that names the op. Before the first region. */
void lac_tape_guard(lac_tape *t, bool on);
/* Called when a parameter in training has all that this region adds to its gradient: the accumulator is written by what the backend was
 * asked for so far. Not while planning. */
typedef lac_status lac_gradient_done(void *context, lac_param *p);
void lac_tape_when_done(lac_tape *t, lac_gradient_done *f, void *context);

/* Module path, for messages and profiles. `name` must outlive the region. */
void lac_tape_enter(lac_tape *t, const char *name);
void lac_tape_leave(lac_tape *t);
/* Sets the error unless one is set; returns NULL so that callers can `return lac_tape_fail(...)`. */
lac_tensor *lac_tape_fail(lac_tape *t, lac_status s);

/* Calls an op: as many tensors as the definition has inputs. Returns output 0, or NULL after an error. */
lac_tensor *lac_apply(lac_tape *t, lac_op op, const void *attr, ...);
/* The same with arrays; out receives all outputs: NULL after an error, one that was left out (LAC_OPTIONAL), and a saved one (LAC_SAVED) unless
 * the call is recorded. */
void lac_apply_n(lac_tape *t, lac_op op, const void *attr, lac_tensor *const *in, lac_tensor **out);

/* A tensor of the region, contents undefined until the caller or an op writes them (data NULL while planning). */
lac_tensor *lac_tape_tensor(lac_tape *t, lac_dtype d, int ndim, const int64_t *dim);
/* A copy of host data in the region, converted to d (integers stay as they are); x must outlive the region. */
lac_tensor *lac_tape_input(lac_tape *t, const lac_tensor *x, lac_dtype d);
/* The same memory in another shape; gradients pass through. */
lac_tensor *lac_reshape(lac_tape *t, lac_tensor *x, int ndim, const int64_t *dim);
/* Rows [from, from + n) of the first dim, the same memory; gradients go into those rows. */
lac_tensor *lac_rows(lac_tape *t, lac_tensor *x, int64_t from, int64_t n);
/* Marks a leaf whose gradient will be asked for by lac_grad. Before its first use. */
void lac_tape_watch(lac_tape *t, lac_tensor *x);
/* x without its history. */
lac_tensor *lac_detach(lac_tape *t, lac_tensor *x);

/* A copy that is the caller's until lac_tensor_free, in host memory as f32 (integers as they are). *copy is NULL while planning. */
lac_status lac_keep(lac_tape *t, const lac_tensor *x, lac_tensor **copy);
/* x into `to`, a float tensor of x's shape in the backend's memory, which later regions of this tape may read as it is, as often as they like: what is the same for many
 * regions is made by one. Not while planning. */
void lac_tape_store(lac_tape *t, const lac_tensor *x, lac_tensor *to);
/* x, a f32 scalar, is written to *to, in the host's or the backend's memory, when it is known; `to` must outlive the region. */
void lac_tape_read(lac_tape *t, const lac_tensor *x, float *to);

/* A buffer's new value: committed to the parameter by lac_params_commit, dropped by lac_params_drop; of several
 * before that the last stands. LAC_ERR_STATE for a parameter that is no buffer. */
void lac_tape_commit(lac_tape *t, lac_param *buffer, lac_tensor *value);
/* The same, but values that come before the next lac_params_commit add up, those of a phase's micro-batches and, in a training step, those of all
 * ranks: statistics of the global batch. Nothing while a recomputed segment runs again. LAC_ERR_STATE for a buffer that has had the other call. */
void lac_tape_commit_sum(lac_tape *t, lac_param *buffer, lac_tensor *value);

typedef struct lac_root {
    lac_tensor *y;
    const float *seed;          /* y a scalar: dL/dy is *seed, in the host's or the backend's memory, read when backward runs */
    lac_tensor *gy;             /* or dL/dy itself, f32 or the dtype of y */
} lac_root;

/* Adds dL/dp to the gradient accumulators of the parameters in training (overwrites at their first contribution since
 * lac_params_clear_grad). All roots at once. */
lac_status lac_backward(lac_tape *t, const lac_root *roots, int n);

/* dL/dx[i] for n_x tensors known to the region (parameters' values included); touches no accumulator, leaves the tape usable.
 * gx[i] is NULL where x[i] does not reach a root. */
lac_status lac_grad(lac_tape *t, const lac_root *roots, int n, lac_tensor *const *x, int n_x, lac_tensor **gx);

/* Runs a segment without keeping what its backward reads; backward runs it again. f may use in[] and parameters, and
 * branches on nothing else. Returns its output. */
typedef lac_tensor *lac_segment(lac_tape *t, void *context, lac_tensor *const *in);
lac_tensor *lac_recompute(lac_tape *t, lac_segment *f, const void *context, size_t context_size, lac_tensor *const *in, int n_in);

/* Changes when the regions' memory moves: what was captured with its addresses (core/queue.h) is void then. */
uint64_t lac_tape_moves(const lac_tape *t);

/* Profile: while a sink is set, called after each kernel with path, op, direction, seconds, bytes and FLOP. A device with a queue is waited for
 * after each kernel. */
typedef void lac_profile_sink(void *context, const char *path, const char *op, bool backward, double start, double seconds, int64_t bytes, int64_t flops);
void lac_tape_profile(lac_tape *t, lac_profile_sink *sink, void *context);
/* Ranges: the device's own profiler is told the module path and the op of each call (NVTX). Nothing on a device without a queue. */
void lac_tape_ranges(lac_tape *t, bool on);
bool lac_tape_profiled(const lac_tape *t);          /* one or the other is on: every call has to be made */
