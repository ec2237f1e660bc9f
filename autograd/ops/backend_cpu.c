#include "autograd/ops/backend_cpu.h"

#include "autograd/op.h"
#include "autograd/ops/ops.h"
#include "autograd/ops/abi.h"
#include "core/cpu/cpu_vector.h"
#include "core/cpu/dnn.h"
#include "core/cpu/level.h"
#include "core/memory.h"
#include "core/update.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

/* A kernel an op does not have stays NULL: the tape then says "no kernel", or needs no workspace. */
#define DECLARE(name, level)                                                                        \
    lac_status LAC_PASTE(name##_forward, level)(const lac_op_ctx *) __attribute__((weak));          \
    lac_status LAC_PASTE(name##_backward, level)(const lac_op_ctx *) __attribute__((weak));         \
    lac_status LAC_PASTE(name##_workspace, level)(const lac_op_ctx *, size_t *) __attribute__((weak));
#define ROW(name, level) \
    { LAC_PASTE(name##_forward, level), LAC_PASTE(name##_backward, level), LAC_PASTE(name##_workspace, level) },

#define LAC_OP(name, doc) DECLARE(name, base)
#include "autograd/ops/ops.def"
#undef LAC_OP
static const lac_kernel kernels_base[LAC_N_OPS] = {
#define LAC_OP(name, doc) ROW(name, base)
#include "autograd/ops/ops.def"
#undef LAC_OP
};

#if defined(__x86_64__)
#define LAC_OP(name, doc) DECLARE(name, v3) DECLARE(name, v4)
#include "autograd/ops/ops.def"
#undef LAC_OP
static const lac_kernel kernels_v3[LAC_N_OPS] = {
#define LAC_OP(name, doc) ROW(name, v3)
#include "autograd/ops/ops.def"
#undef LAC_OP
};
static const lac_kernel kernels_v4[LAC_N_OPS] = {
#define LAC_OP(name, doc) ROW(name, v4)
#include "autograd/ops/ops.def"
#undef LAC_OP
};
#endif

static size_t whole_pages(size_t size) { return (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE; }

/* Huge pages where the system has them, touched here so that no step takes a page fault. */
static lac_status alloc(void **p, size_t size)
{
    LAC_TRY(lac_aligned_pages(p, whole_pages(size), HUGE_PAGE));
    madvise(*p, whole_pages(size), MADV_HUGEPAGE);
    memset(*p, 0, whole_pages(size));
    return LAC_OK;
}

static void release(void *p, size_t size)
{
    (void)size;
    free(p);
}

static lac_status copy(void *to, const void *from, size_t size)
{
    if (size > 0)               /* an empty tensor may have no memory */
        memcpy(to, from, size);
    return LAC_OK;
}

static lac_status fill_zero(void *to, size_t size)
{
    if (size > 0)
        memset(to, 0, size);
    return LAC_OK;
}

static lac_status copy_unless(float *to, const float *from, int64_t n, const uint32_t *unless)
{
    if (*unless == 0 && n > 0)
        memcpy(to, from, (size_t)n * sizeof *to);
    return LAC_OK;
}

#define BACKEND(level)                                                                                              \
    { .name = "cpu", .kernels = kernels_##level, .n_kernels = LAC_N_OPS, .host = true, .alloc = alloc, .free = release,           \
      .copy = copy, .fill_zero = fill_zero, .add = vector_add_##level, .convert = vector_convert_##level,           \
      .all_finite = vector_all_finite_##level, .copy_unless = copy_unless, .update = lac_update_cpu, .forget = lac_dnn_forget }

lac_status lac_backend_cpu_register(void)
{
    static lac_backend here;
    switch (lac_cpu_level_here()) {
#if defined(__x86_64__)
    case LAC_LEVEL_V4: here = (lac_backend)BACKEND(v4); break;
    case LAC_LEVEL_V3: here = (lac_backend)BACKEND(v3); break;
#endif
    default: here = (lac_backend)BACKEND(base); break;
    }
    here.abi = lac_backend_abi();
    return lac_backend_register(&here);
}
