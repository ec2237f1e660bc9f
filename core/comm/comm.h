/* core/comm/comm.h -- the ranks of a run. "alone" is one rank: every collective is the identity.
 *
 * Every rank makes the same calls in the same order. Buffers are host memory. Reductions are
 * sums in rank order, so each rank gets the same bits, and gets them again in another run on as many ranks.
 *
 * A rank that waits longer than `timeout` asks the others whether they are waiting too and fails with LAC_ERR_TIMEOUT, naming those
 * that did not answer; one that fails for itself tells the others with `abort`, and their next collective fails with its reason. A
 * collective that fails in another way, in the library say, has told them by itself. After any of these, nothing but `free` may be called. */
#pragma once

#include "core/tensor.h"

typedef struct lac_comm lac_comm;

typedef struct lac_wait { double begun, patience; } lac_wait;      /* since when, and for how many seconds at most; core/comm/wait.h */

struct lac_lane;                    /* core/comm/lane.h: in a device's memory */
enum { LAC_COMM_LANES = 2 };

struct lac_comm {
    const char *kind;               /* "alone", "mpi", "tcp" */
    int rank, size;
    double timeout;                 /* seconds that a rank waits for the others; may be set at any time */
    size_t bucket;                  /* bytes of gradients that are reduced at once; may be set before an optimizer is made */
    bool lost;                      /* a rank is, or this one has told the others that it leaves */
    void *state;
    struct lac_lane *lane[LAC_COMM_LANES];
    lac_status (*all_reduce)(lac_comm *c, float *x, int64_t n);
    lac_status (*all_reduce_f64)(lac_comm *c, double *x, int64_t n);           /* host memory: counts, norms, flags */
    /* Rank r's sum of elements [r n_each, (r + 1) n_each) of `from`; to may be that place itself. */
    lac_status (*reduce_scatter)(lac_comm *c, float *to, const float *from, int64_t n_each);
    /* `from` of rank r lands at byte r bytes_each of `to`; from may be that place itself. */
    lac_status (*all_gather)(lac_comm *c, void *to, const void *from, size_t bytes_each);
    lac_status (*broadcast)(lac_comm *c, void *x, size_t bytes, int root);
    /* Once around a loop that waits for something else, until it has come: answers the others who wait, and fails as a collective would. */
    lac_status (*attend)(lac_comm *c, lac_wait *w);
    void (*abort)(lac_comm *c, const char *why);
    void (*free)(lac_comm *c);
};

/* The ranks that a launcher (core/comm/launch.h) started this process as one of, or "alone". LAC_ERR_CONFIG where they cannot find each
 * other, LAC_ERR_LIBRARY where only MPI could bring them together and this build has none. timeout as above, and for how long they may take
 * to find each other. */
lac_status lac_comm_open(lac_comm **c, double timeout);
lac_status lac_comm_alone(lac_comm **c);

/* Over TCP, all by way of rank 0, which listens at l->port; for few bytes, and for CPUs without MPI. LAC_ERR_TIMEOUT names the ranks that
 * did not come, LAC_ERR_CONFIG says what two ranks of a run do not agree on, LAC_ERR_IO why rank 0 cannot listen. */
struct lac_launch;
lac_status lac_comm_tcp(lac_comm **c, const struct lac_launch *l, double timeout);

void lac_comm_free(lac_comm *c);

/* s on every rank, if it is a failure on any: the lowest failing rank's, with its message and, unless all fail alike, its number. For what one rank may fail at and the others
 * may not: reading and writing files. */
lac_status lac_comm_agree(lac_comm *c, lac_status s);

/* The module of core/comm/mpi.c, in a shared object of its own. */
typedef lac_status lac_comm_mpi_open(lac_comm **c);
lac_comm_mpi_open lac_comm_mpi;
