/* What core/cuda/nccl.h says of NCCL, against its header and the library, where they are. No GPU is needed. */
#include "core/cuda/nccl.h"
#include "tests/harness/test.h"

#if __has_include(<nccl.h>)
#include <nccl.h>

_Static_assert(sizeof(ncclUniqueId) == sizeof(lac_nccl_id), "");
_Static_assert(sizeof(ncclResult_t) == sizeof(int) && sizeof(ncclDataType_t) == sizeof(int) && sizeof(ncclRedOp_t) == sizeof(int), "");
_Static_assert((int)ncclSuccess == LAC_NCCL_OK && (int)ncclSystemError == LAC_NCCL_SYSTEM && (int)ncclRemoteError == LAC_NCCL_REMOTE, "");
_Static_assert((int)ncclInProgress == LAC_NCCL_IN_PROGRESS && (int)ncclChar == LAC_NCCL_BYTES && (int)ncclFloat32 == LAC_NCCL_F32, "");
_Static_assert((int)ncclFloat64 == LAC_NCCL_F64 && (int)ncclSum == LAC_NCCL_SUM, "");

/* Never called: the compiler checks that NCCL takes what we give. */
static void give_arguments(ncclComm_t c) __attribute__((unused));
static void give_arguments(ncclComm_t c)
{
    const lac_nccl_comm same = c;
    ncclUniqueId id;
    ncclResult_t state;
    int n;
    ncclGetVersion(&n), ncclGetUniqueId(&id), ncclCommInitRank(&c, 2, id, 0), ncclCommDestroy(same), ncclCommAbort(same);
    ncclCommGetAsyncError(same, &state), ncclGetErrorString(state), ncclGetLastError(same);
    ncclAllReduce("", &n, (size_t)1, ncclFloat32, ncclSum, same, (cudaStream_t)0);
    ncclReduceScatter("", &n, (size_t)1, ncclFloat32, ncclSum, same, (cudaStream_t)0);
    ncclAllGather("", &n, (size_t)1, ncclFloat32, same, (cudaStream_t)0);
    ncclBroadcast("", &n, (size_t)1, ncclChar, 0, same, (cudaStream_t)0);
}
#endif

LAC_TEST(the_library_has_every_call)
{
    const lac_nccl *calls;
    int version = 0;
    if (lac_nccl_open(&calls) != LAC_OK) {
        LAC_CHECK(strstr(lac_error_message(), "libnccl.so.2") != NULL);
        skip();
    }
    LAC_CHECK(calls->ncclGetVersion(&version) == LAC_NCCL_OK && version >= 21800);
    LAC_CHECK(strstr(calls->ncclGetErrorString(LAC_NCCL_REMOTE), "remote") != NULL);
}
