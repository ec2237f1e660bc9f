/* autograd/tape_internal.h -- the tape's inside, shared by tape.c, apply.c, backward.c, recompute.c, guard.c and ranges.c. */
#pragma once

#include "autograd/params.h"
#include "autograd/plan.h"
#include "autograd/tape.h"

#include "core/memory.h"

enum { MAX_TRAINED = LAC_MAX_TRAINED, MAX_DEPTH = 4 };

typedef struct frame { const char *name; const struct frame *parent; } frame;      /* the module path, innermost first */

/* What the region knows of a tensor, by tape_id. */
typedef struct info {
    lac_tensor *x;
    int32_t slot;               /* in the plan; -1: memory is not the region's */
    bool needs;                 /* a gradient flows through it to something that may be asked for */
} info;

typedef enum { NODE_OP, NODE_VIEW, NODE_ROWS, NODE_RECOMPUTE } node_kind;

typedef struct node {
    node_kind kind;
    lac_op op;
    const void *attr;           /* NODE_OP: the op's; NODE_RECOMPUTE: the segment */
    int32_t in[LAC_MAX_IN], out[LAC_MAX_OUT];   /* ids; -1: absent */
    int64_t first_row;          /* NODE_ROWS */
    const frame *where;
    bool deterministic;
} node;

typedef struct chunk { _Alignas(16) struct chunk *next; size_t used, size; } chunk;     /* host memory of a region, kept for the next */

/* Gradients of one backward walk, by tape_id. */
typedef struct walk {
    lac_tensor **grad;
    int32_t *contributions;     /* how many ops and roots will add to it */
    bool *need;
    int64_t capacity;
    bool into_params;           /* lac_backward: leaves that are parameters in training go to their accumulators */
    bool params_asked;          /* lac_grad: some are parameters, which recomputed segments may read */
} walk;

struct lac_tape {
    const lac_backend *backend;
    lac_status status;
    char why[512];              /* the message of the first error */
    /* memory */
    lac_plan *plan;             /* of the open region */
    lac_plan **plans;
    int64_t n_plans, plans_capacity;
    bool open, planning;
    int64_t next_slot, clock;
    uint8_t *block;
    size_t block_size;
    uint64_t moves;             /* of the block */
    chunk *chunks, *filling;
    /* the recording */
    uint64_t mark;              /* names this region in tensors' tape_mark */
    info *known;
    int64_t n_known, known_capacity;
    node *nodes;
    int64_t n_nodes, nodes_capacity;
    const frame *where;
    const lac_params *trained[MAX_TRAINED];
    int n_trained;
    int unrecorded;             /* > 0 inside a segment that will be run again */
    bool segment_needs;
    bool deterministic, check_finite, guarded;
    struct lac_lane *lane;
    lac_param **touched;        /* accumulators that planning marked as holding something */
    int64_t n_touched, touched_capacity;
    lac_gradient_done *gradient_done;
    void *gradient_done_context;
    int64_t n_contributions;    /* to accumulators */
    walk walks[MAX_DEPTH];              /* by depth: a recomputed segment walks inside a walk */
    int depth;
    lac_profile_sink *profile;
    void *profile_context;
    double profile_start;
    bool ranges;
    const frame *range;         /* the module path that the profiler was told */
};

void *tape_host(lac_tape *t, size_t size);                      /* zeroed host memory of the region; NULL with the error set */
lac_tensor *tape_struct(lac_tape *t, lac_dtype d, int ndim, const int64_t *dim);     /* no memory yet, not known */
bool tape_place(lac_tape *t, lac_tensor *x, const char *op);    /* memory and id for it */
void *tape_alloc(lac_tape *t, size_t size, const char *op, int32_t *slot);
int32_t tape_id(lac_tape *t, lac_tensor *x);                    /* registers a leaf on first sight; -1 with the error set */
int32_t tape_know(lac_tape *t, lac_tensor *x, int32_t slot, bool needs);
void tape_touch(lac_tape *t, int32_t id);
bool tape_in_training(const lac_tape *t, const lac_param *p);
bool tape_ok(const lac_tape *t);
node *tape_node(lac_tape *t);                                   /* a fresh recorded node */
void tape_range(lac_tape *t, const frame *f);                  /* tells the profiler, where ranges are on */
void tape_where(const frame *f, char *to, size_t size);         /* "/generator/conv4" */
void tape_blame(lac_tape *t, lac_status s, const char *op);    /* the error of an op, named unless its message begins so */
lac_status tape_poison(lac_tape *t, const lac_slot *s);
lac_status tape_check_guards(lac_tape *t);                      /* after a kernel: nobody wrote past what he asked for */
lac_status tape_launch(lac_tape *t, lac_op_ctx *c);     /* runs a kernel, or notes it while planning */
bool tape_walk_grow(lac_tape *t, walk *w);
bool tape_walk_clear(lac_tape *t, walk *w, bool into_params);   /* nothing known; into_params: parameters in training are needed */
void tape_walk(lac_tape *t, walk *w, int64_t from, int64_t to);
bool tape_walk_begin(lac_tape *t, walk *w, int64_t from, int64_t to, const lac_root *roots, int n);
void tape_contribute(lac_tape *t, walk *w, int32_t id, lac_tensor *g);      /* adds a whole gradient that already exists */
void recompute_backward(lac_tape *t, walk *w, const node *n);
