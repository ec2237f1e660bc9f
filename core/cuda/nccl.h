/* core/cuda/nccl.h -- collectives between GPUs by NCCL, on a stream of their own (core/comm/lane.h).
 *
 * The library is opened when ranks train on GPUs, as cuBLASLt and cuDNN are (core/cuda/library.h). As much of its interface as is used here
 * is declared here, so that no build needs its header; the numbers are those of NCCL 2, and a test compares them with the header. */
#pragma once

#include "core/comm/lane.h"

#include <cuda_runtime_api.h>

typedef struct lac_nccl_id { char bytes[128]; } lac_nccl_id;
typedef struct ncclComm *lac_nccl_comm;

enum { LAC_NCCL_OK = 0, LAC_NCCL_SYSTEM = 2, LAC_NCCL_REMOTE = 6, LAC_NCCL_IN_PROGRESS = 7 };     /* results */
enum { LAC_NCCL_BYTES = 0, LAC_NCCL_F32 = 7, LAC_NCCL_F64 = 8, LAC_NCCL_SUM = 0 };                /* dtypes; the reduction */

/* LAC_NCCL_CALLS(X): X(result, name, parameters). */
#define LAC_NCCL_CALLS(X)                                                                                                                    \
    X(int, ncclGetVersion, (int *version))                                                                                                   \
    X(int, ncclGetUniqueId, (lac_nccl_id *id))                                                                                               \
    X(int, ncclCommInitRank, (lac_nccl_comm *comm, int n_ranks, lac_nccl_id id, int rank))                                                   \
    X(int, ncclCommDestroy, (lac_nccl_comm comm))                                                                                            \
    X(int, ncclCommAbort, (lac_nccl_comm comm))                                                                                              \
    X(int, ncclCommGetAsyncError, (lac_nccl_comm comm, int *state))                                                                          \
    X(const char *, ncclGetErrorString, (int result))                                                                                        \
    X(const char *, ncclGetLastError, (lac_nccl_comm comm))                                                                                  \
    X(int, ncclAllReduce, (const void *from, void *to, size_t n, int dtype, int op, lac_nccl_comm comm, cudaStream_t stream))                \
    X(int, ncclReduceScatter, (const void *from, void *to, size_t n_each, int dtype, int op, lac_nccl_comm comm, cudaStream_t stream))       \
    X(int, ncclAllGather, (const void *from, void *to, size_t n_each, int dtype, lac_nccl_comm comm, cudaStream_t stream))                   \
    X(int, ncclBroadcast, (const void *from, void *to, size_t n, int dtype, int root, lac_nccl_comm comm, cudaStream_t stream))

#define LAC_NCCL_MEMBER(result, name, parameters) result (*name) parameters;
typedef struct lac_nccl { LAC_NCCL_CALLS(LAC_NCCL_MEMBER) } lac_nccl;
#undef LAC_NCCL_MEMBER

/* As those of core/cuda/library.h. */
lac_status lac_nccl_open(const lac_nccl **calls);

/* `lane` of the CUDA backend. Fails on all ranks where it fails on one: without the library, with another version of it than rank 0 has, and with
 * NCCL's own reasons. */
lac_status lac_cuda_lane(lac_lane **l, lac_comm *c);
