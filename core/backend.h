/* core/backend.h -- a device: memory, copies, and one table of kernels. The CPU is one backend among others.
 *
 * A backend registers itself with the ABI hash it was built with (autograd/ops/abi.h); a table from another build than the first one
 * registered, the CPU's, is refused. The kernels are opaque here: autograd/op.h gives them their type, the optimizer's are in `update`.
 *
 * The CUDA backend is a module (core/module.h), liblacuna-cuda.so, loaded when somebody asks for it. It exports lac_backend_cuda. */
#pragma once

#include "core/tensor.h"

struct lac_kernel;
struct lac_lane;
struct lac_comm;
struct lac_update;              /* core/update.h: one optimizer pass over flat arenas */
struct lac_queue;               /* core/queue.h: work beside the host, captured and replayed */

struct lac_backend {
    const char *name;           /* "cpu", "cuda" */
    uint64_t abi;               /* lac_backend_abi() of its build; name and abi stay the first two, so that any build can read them */
    const struct lac_kernel *kernels;
    int n_kernels;
    bool host;                  /* its memory is the host's: anybody may read and write it */
    bool blank;                 /* its memory is addresses alone, that nobody fills: parameters are not drawn (lac_backend_blank) */
    lac_status (*alloc)(void **p, size_t size);                 /* 2 MiB aligned, touched, contents undefined; for arenas, not for tensors */
    void (*free)(void *p, size_t size);
    lac_status (*copy)(void *to, const void *from, size_t size);        /* between host and device, ordered with kernels */
    lac_status (*fill_zero)(void *to, size_t size);
    lac_status (*add)(lac_tensor *to, const lac_tensor *x);             /* to += x, any float dtypes */
    lac_status (*convert)(lac_tensor *to, const lac_tensor *from);      /* between float dtypes, same shape, both its own memory */
    lac_status (*update)(const struct lac_update *u);
    lac_status (*all_finite)(const void *x, lac_dtype d, int64_t n, bool *finite);     /* waits for the answer */
    lac_status (*copy_unless)(float *to, const float *from, int64_t n, const uint32_t *unless);    /* nothing where *unless is set */
    void (*forget)(uint64_t uid);                               /* drops copies cached under a tensor's uid */
    const struct lac_queue *queue;                              /* NULL: every call is done when it returns, and `host` is true */
    /* What only a loaded backend has, else NULL. */
    lac_status (*start)(void);                                  /* finds the device; asked once, before anything else */
    void (*describe)(char *text, size_t size);                  /* versions and device, in words; before start too */
    lac_status (*plans_read)(const char *path);                 /* takes choices that were timed before from a file */
    lac_status (*plans_write)(const char *path);                /* all choices in use, into a file */
    lac_status (*lane)(struct lac_lane **l, struct lac_comm *c);        /* collectives in its memory (core/comm/lane.h); all ranks call it */
};

/* A host's backend to plan on, so that networks of any size cost no memory: it copies and converts nothing. Its kernels are `of`'s, and are not to be run. */
lac_backend lac_backend_blank(const lac_backend *of);

lac_status lac_backend_register(const lac_backend *b);

/* "cpu", "cuda", or "auto": cuda where it starts, else cpu. Fails with one line that says why a device is not there. */
lac_status lac_backend_get(const lac_backend **b, const char *name);

/* The loaded table of the CUDA backend, started or not; NULL, with the reason in the message, where there is none. */
const lac_backend *lac_backend_load(void);

/* A float tensor in b's memory from and to f32 of the host. */
lac_status lac_backend_write(const lac_backend *b, lac_tensor *x, const float *from);
lac_status lac_backend_read(const lac_backend *b, const lac_tensor *x, float *to);
