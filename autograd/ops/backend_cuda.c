/* The table of the CUDA backend. All of it is in liblacuna-cuda.so; the program holds nothing of CUDA. */
#include "autograd/ops/abi.h"
#include "autograd/ops/kernels_cuda.h"
#include "core/cuda/describe.h"
#include "core/cuda/device.h"
#include "core/cuda/nccl.h"
#include "core/cuda/plans.h"
#include "core/cuda/queue.h"
#include "core/cuda/vector.h"

static void forget(uint64_t uid) { (void)uid; }         /* weights are read where they lie: no copies are kept */

__attribute__((visibility("default"))) const lac_backend *lac_backend_cuda(void);

const lac_backend *lac_backend_cuda(void)
{
    static lac_backend here = {
        .name = "cuda", .kernels = lac_kernels_cuda, .n_kernels = LAC_N_OPS, .alloc = lac_cuda_alloc, .free = lac_cuda_free, .copy = lac_cuda_copy,
        .fill_zero = lac_cuda_fill_zero, .add = lac_cuda_add, .convert = lac_cuda_convert, .update = lac_cuda_update,
        .all_finite = lac_cuda_all_finite, .copy_unless = lac_cuda_copy_unless, .forget = forget, .queue = &lac_cuda_queue, .start = lac_cuda_start,
        .describe = lac_cuda_describe, .plans_read = lac_cuda_plans_read, .plans_write = lac_cuda_plans_write,
        .lane = lac_cuda_lane,
    };
    here.abi = lac_backend_abi();
    return &here;
}
