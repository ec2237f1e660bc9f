/* core/comm/comm.h -- the ranks of a run. "alone" is one rank: every collective is the identity.
 *
 * Buffers are host or device memory of the communicator's backend. Reductions are sums in rank order. */
#pragma once

#include "core/tensor.h"

typedef struct lac_comm lac_comm;

struct lac_comm {
    const char *kind;               /* "alone", "mpi", "nccl" */
    int rank, size;
    void *state;
    lac_status (*all_reduce)(lac_comm *c, float *x, int64_t n);
    lac_status (*all_reduce_f64)(lac_comm *c, double *x, int64_t n);           /* host memory: counts, stop flags */
    lac_status (*reduce_scatter)(lac_comm *c, float *to, const float *from, int64_t n_each);
    lac_status (*all_gather)(lac_comm *c, void *to, const void *from, size_t bytes_each);
    lac_status (*broadcast)(lac_comm *c, void *x, size_t bytes, int root);
    void (*abort)(lac_comm *c, const char *why);
    void (*free)(lac_comm *c);
};

lac_status lac_comm_alone(lac_comm **c);
void lac_comm_free(lac_comm *c);
