#include "core/cuda/nccl.h"

#include "core/comm/wait.h"
#include "core/cuda/device.h"
#include "core/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct lane {
    const lac_nccl *calls;
    lac_nccl_comm comm;
    cudaStream_t stream;
    cudaEvent_t asked, done, end;       /* on the compute stream; on ours; on the compute stream, for the host to wait for */
    bool given_up;
} lane;

/* ---- errors ---- */

static lac_status check(const lane *n, int result, const char *format, ...) __attribute__((format(printf, 3, 4)));
static lac_status check(const lane *n, int result, const char *format, ...)
{
    char what[200];
    va_list args;
    if (result == LAC_NCCL_OK)
        return LAC_OK;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const char *last = n->comm != NULL ? n->calls->ncclGetLastError(n->comm) : NULL;
    const bool more = last != NULL && last[0] != '\0';
    return LAC_FAIL(LAC_ERR_LIBRARY, "NCCL: %s fails: %s%s%.300s", what, n->calls->ncclGetErrorString(result), more ? ": " : "", more ? last : "");
}

/* What NCCL found out by itself meanwhile. Where a rank may be gone the others are asked: the silent one's number says more. */
static lac_status look(lac_lane *l, lac_wait *w)
{
    lane *n = l->state;
    int state = LAC_NCCL_OK;
    LAC_TRY(check(n, n->calls->ncclCommGetAsyncError(n->comm, &state), "asking for its state"));
    if (state == LAC_NCCL_OK || state == LAC_NCCL_IN_PROGRESS)
        return l->comm->attend(l->comm, w);
    if (state == LAC_NCCL_SYSTEM || state == LAC_NCCL_REMOTE) {
        lac_wait now = { w->begun - 1, 0 };
        LAC_TRY(l->comm->attend(l->comm, &now));
    }
    return check(n, state, "a collective of %d ranks", l->comm->size);
}

/* Kernels of ours that wait for a lost rank would hold the device for ever. */
static void give_up(lac_lane *l)
{
    lane *n = l->state;
    if (!n->given_up && n->comm != NULL)
        n->calls->ncclCommAbort(n->comm);
    n->given_up = true;
}

static lac_status failed(lac_lane *l, lac_status s)
{
    if (s != LAC_OK)
        give_up(l);
    return s;
}

/* ---- order ---- */

static lac_status begin(lac_lane *l)
{
    lane *n = l->state;
    if (n->given_up)
        return LAC_FAIL(LAC_ERR_STATE, "NCCL: a collective is asked for after a rank was lost");
    LAC_CUDA_TRY(cudaEventRecord(n->asked, lac_cuda_stream()), "marking where a collective begins");
    LAC_CUDA_TRY(cudaStreamWaitEvent(n->stream, n->asked, 0), "waiting for what a collective reads");
    return LAC_OK;
}

static lac_status join(lac_lane *l)
{
    lane *n = l->state;
    LAC_CUDA_TRY(cudaEventRecord(n->done, n->stream), "marking where collectives end");
    LAC_CUDA_TRY(cudaStreamWaitEvent(lac_cuda_stream(), n->done, 0), "waiting for collectives");
    return LAC_OK;
}

static lac_status mark_end(lac_lane *l, cudaEvent_t *end)
{
    lane *n = l->state;
    LAC_TRY(join(l));
    LAC_CUDA_TRY(cudaEventRecord(n->end, lac_cuda_stream()), "marking the end of the work");
    *end = n->end;
    return LAC_OK;
}

/* A mark of the backend's queue is an event. */
static lac_status wait_patiently(lac_lane *l, struct lac_mark *m)
{
    lac_wait w = lac_wait_begin(l->comm);
    cudaEvent_t end = (cudaEvent_t)(void *)m;
    if (end == NULL)
        LAC_TRY(mark_end(l, &end));
    for (;;) {
        const cudaError_t e = cudaEventQuery(end);
        if (e == cudaSuccess)
            return LAC_OK;
        if (e != cudaErrorNotReady)
            return lac_cuda_status(e, "waiting for the device");
        LAC_TRY(look(l, &w));
    }
}

static lac_status wait(lac_lane *l, struct lac_mark *m) { return failed(l, wait_patiently(l, m)); }

/* ---- collectives ---- */

static lac_status all_reduce(lac_lane *l, void *x, lac_dtype d, int64_t k)
{
    lane *n = l->state;
    LAC_TRY(begin(l));
    const int dtype = d == LAC_F64 ? LAC_NCCL_F64 : LAC_NCCL_F32;
    return check(n, n->calls->ncclAllReduce(x, x, (size_t)k, dtype, LAC_NCCL_SUM, n->comm, n->stream), "all-reduce of %lld %s over %d ranks",
                 (long long)k, lac_dtype_name(d), l->comm->size);
}

static lac_status reduce_scatter(lac_lane *l, float *to, const float *from, int64_t n_each)
{
    lane *n = l->state;
    LAC_TRY(begin(l));
    return check(n, n->calls->ncclReduceScatter(from, to, (size_t)n_each, LAC_NCCL_F32, LAC_NCCL_SUM, n->comm, n->stream),
                 "reduce-scatter of %lld f32 to each of %d ranks", (long long)n_each, l->comm->size);
}

static lac_status all_gather(lac_lane *l, float *to, const float *from, int64_t n_each)
{
    lane *n = l->state;
    LAC_TRY(begin(l));
    return check(n, n->calls->ncclAllGather(from, to, (size_t)n_each, LAC_NCCL_F32, n->comm, n->stream), "all-gather of %lld f32 from each of %d ranks",
                 (long long)n_each, l->comm->size);
}

static lac_status broadcast(lac_lane *l, void *x, size_t bytes, int root)
{
    lane *n = l->state;
    LAC_TRY(begin(l));
    return check(n, n->calls->ncclBroadcast(x, x, bytes, LAC_NCCL_BYTES, root, n->comm, n->stream), "broadcast of %zu bytes to %d ranks",
                 bytes, l->comm->size);
}

/* ---- beginning and end ---- */

/* What rank 0 tells the others. */
typedef struct invitation { int32_t version; lac_nccl_id id; } invitation;

static lac_status invite(const lane *n, const lac_lane *l, invitation *own, invitation *all)
{
    int version = 0;
    LAC_TRY(check(n, n->calls->ncclGetVersion(&version), "asking for its version"));
    own->version = version;
    if (l->comm->rank == 0)
        LAC_TRY(check(n, n->calls->ncclGetUniqueId(&own->id), "naming the ranks' communicator"));
    *all = *own;
    return LAC_OK;
}

static lac_status compare(const invitation *own, const invitation *all)
{
    return own->version == all->version ? LAC_OK
         : LAC_FAIL(LAC_ERR_LIBRARY, "NCCL: this rank has version %d, rank 0 has %d", own->version, all->version);
}

/* Same bits on a second run: additions inside a switch are in no fixed order. All connections at the beginning, where they are waited for with
 * patience, and not inside a step. Who sets these variables decides otherwise. */
static void prefer(void)
{
    setenv("NCCL_NVLS_ENABLE", "0", 0);
    setenv("NCCL_COLLNET_ENABLE", "0", 0);
    setenv("NCCL_RUNTIME_CONNECT", "0", 0);
}

/* ncclCommInitRank waits for the other ranks for as long as it takes them: a thread of its own does, and is left behind where the patience ends. */
typedef struct meeting { const lac_nccl *calls; lac_nccl_comm comm; lac_nccl_id id; int rank, size, device, result; atomic_bool over; } meeting;

static void *meet(void *context)
{
    meeting *m = context;
    m->result = cudaSetDevice(m->device) == cudaSuccess ? m->calls->ncclCommInitRank(&m->comm, m->size, m->id, m->rank) : LAC_NCCL_SYSTEM;
    atomic_store(&m->over, true);
    return NULL;
}

static lac_status wait_for_all(lac_lane *l, meeting *m)
{
    lac_wait w = lac_wait_begin(l->comm);
    while (!atomic_load(&m->over))
        LAC_TRY(l->comm->attend(l->comm, &w));
    return LAC_OK;
}

static lac_status meet_others(lac_lane *l, const lac_nccl_id *id)
{
    lane *n = l->state;
    pthread_t thread;
    meeting *m;
    LAC_TRY(lac_calloc((void **)&m, 1, sizeof *m));
    *m = (meeting){ .calls = n->calls, .id = *id, .rank = l->comm->rank, .size = l->comm->size };
    lac_status s = lac_cuda_status(cudaGetDevice(&m->device), "asking for the device");
    if (s == LAC_OK && pthread_create(&thread, NULL, meet, m) != 0)
        s = LAC_FAIL(LAC_ERR_LIBRARY, "a thread cannot be started");
    if (s != LAC_OK) {
        free(m);
        return s;
    }
    s = wait_for_all(l, m);
    if (s != LAC_OK) {
        pthread_detach(thread);                 /* and *m is its own */
        return s;
    }
    pthread_join(thread, NULL);
    n->comm = m->comm;
    const int result = m->result;
    free(m);
    return check(n, result, "bringing %d ranks together", l->comm->size);
}

static lac_status make_order(lane *n)
{
    LAC_CUDA_TRY(cudaStreamCreateWithFlags(&n->stream, cudaStreamNonBlocking), "making a stream for collectives");
    LAC_CUDA_TRY(cudaEventCreateWithFlags(&n->asked, cudaEventDisableTiming), "making an event");
    LAC_CUDA_TRY(cudaEventCreateWithFlags(&n->done, cudaEventDisableTiming), "making an event");
    LAC_CUDA_TRY(cudaEventCreateWithFlags(&n->end, cudaEventDisableTiming), "making an event");
    return LAC_OK;
}

/* What may fail on one rank alone is agreed on before all wait for each other. */
static lac_status open_lane(lac_lane *l)
{
    lane *n = l->state;
    invitation own = { 0 }, all = { 0 };
    prefer();
    lac_status s = lac_nccl_open(&n->calls);
    if (s == LAC_OK)
        s = make_order(n);
    if (s == LAC_OK)
        s = invite(n, l, &own, &all);
    LAC_TRY(lac_comm_agree(l->comm, s));
    LAC_TRY(l->comm->broadcast(l->comm, &all, sizeof all, 0));
    LAC_TRY(lac_comm_agree(l->comm, compare(&own, &all)));
    s = meet_others(l, &all.id);
    if (s != LAC_OK && !l->comm->lost)
        l->comm->abort(l->comm, lac_error_message());       /* they wait for this one inside NCCL */
    return s;
}

static void end(lac_lane *l)
{
    lane *n = l->state;
    if (l->comm->lost)
        give_up(l);
    if (n->comm != NULL && !n->given_up)
        n->calls->ncclCommDestroy(n->comm);
    cudaEvent_t events[] = { n->asked, n->done, n->end };
    for (size_t i = 0; i < LAC_COUNT(events); i++)
        if (events[i] != NULL)
            cudaEventDestroy(events[i]);
    if (n->stream != NULL)
        cudaStreamDestroy(n->stream);
    free(n);
    free(l);
}

lac_status lac_cuda_lane(lac_lane **out, lac_comm *c)
{
    LAC_TRY(lac_lane_new(out, c, "nccl"));
    lac_lane *l = *out;
    l->all_reduce = all_reduce;
    l->reduce_scatter = reduce_scatter;
    l->all_gather = all_gather;
    l->broadcast = broadcast;
    l->join = join;
    l->wait = wait;
    l->give_up = give_up;
    l->free = end;
    lac_status s = lac_calloc(&l->state, 1, sizeof(lane));
    if (s == LAC_OK)
        s = lac_context(open_lane(l), "%d ranks on GPUs", c->size);
    if (s == LAC_OK)
        return LAC_OK;
    if (l->state != NULL)
        end(l);
    else
        free(l);
    *out = NULL;
    return s;
}
