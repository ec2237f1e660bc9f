/* core/backend.h -- a device: memory, copies, and one table of kernels. The CPU is one backend among others.
 *
 * A backend registers itself with the ABI hash it was built with; a table from another build is refused. The kernels are
 * opaque here: autograd/op.h gives them their type, the optimizer's are in `update`. */
#pragma once

#include "core/tensor.h"

struct lac_kernel;
struct lac_update;              /* core/update.h: one optimizer pass over flat arenas */

struct lac_backend {
    const char *name;           /* "cpu", "cuda" */
    uint64_t abi;               /* lac_backend_abi() of its build */
    const struct lac_kernel *kernels;
    int n_kernels;
    lac_status (*alloc)(void **p, size_t size);                 /* 2 MiB aligned, touched; for arenas, not for tensors */
    void (*free)(void *p, size_t size);
    lac_status (*copy)(void *to, const void *from, size_t size);        /* between host and device, ordered with kernels */
    lac_status (*fill_zero)(void *to, size_t size);
    lac_status (*add)(lac_tensor *to, const lac_tensor *x);             /* to += x, any float dtypes */
    lac_status (*convert)(lac_tensor *to, const lac_tensor *from);      /* between float dtypes, same shape */
    lac_status (*update)(const struct lac_update *u);
    lac_status (*all_finite)(const void *x, lac_dtype d, int64_t n, bool *finite);
    void (*forget)(uint64_t uid);                               /* drops copies cached under a tensor's uid */
};

uint64_t lac_backend_abi(void);
lac_status lac_backend_register(const lac_backend *b);
lac_status lac_backend_get(const lac_backend **b, const char *name);    /* "cpu", "cuda", "auto"; an absent one is named */
