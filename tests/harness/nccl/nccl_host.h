/* tests/harness/nccl/nccl_host.h -- a NCCL between processes of one machine, for tests of core/cuda/nccl.c without a GPU.
 *
 * Ranks exchange through memory that they share. A collective is done in its turn among the device's work (harness/cuda_host_queue.h); one whose others do not come in time
 * hangs as on a GPU: the call returns all the same, and no event behind it comes until the communicator is aborted. */
#pragma once

#include "core/status.h"

/* Of this process; to be set before a lane is opened, or between collectives. */
typedef struct lac_nccl_host {
    int version;                /* that the library says it has */
    int meets;                  /* what ncclCommInitRank returns */
    int state;                  /* what ncclCommGetAsyncError says */
    double patience;            /* seconds that a collective waits for the others before it hangs */
    int slow;                   /* how often an event is asked for before it has come */
    int aborted, destroyed;     /* communicators */
    int collectives;
    lac_status opens;           /* what lac_nccl_open returns */
} lac_nccl_host;
extern lac_nccl_host lac_nccl_here;

/* Memory that the ranks to be forked will share; once before they are. Ends what was before. */
void lac_nccl_host_share(void);
