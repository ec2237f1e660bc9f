#include "tests/harness/nccl/nccl_host.h"

#include "core/clock.h"
#include "core/cuda/device.h"
#include "core/cuda/nccl.h"
#include "core/memory.h"
#include "tests/harness/cuda_host_queue.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MOST_RANKS = 4, PIECE = 1 << 16 };

lac_nccl_host lac_nccl_here = { .version = 22809, .patience = 30 };

struct CUstream_st { bool hangs; };
struct CUevent_st { bool hangs; int asked; };
struct ncclComm { int rank, size; };

static struct CUstream_st compute;

static struct shared {
    atomic_int arrived, round;
    char id[sizeof(lac_nccl_id)];
    _Alignas(8) char piece[MOST_RANKS][PIECE];
} *shared;

void lac_nccl_host_share(void)
{
    if (shared != NULL)
        munmap(shared, sizeof *shared);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* ---- streams and events ---- */

cudaError_t cudaGetDevice(int *device) { return *device = 3, cudaSuccess; }
cudaError_t cudaSetDevice(int device) { return device == 3 ? cudaSuccess : (cudaError_t)101; }
cudaStream_t lac_cuda_stream(void) { return &compute; }

lac_status lac_cuda_status(cudaError_t e, const char *format, ...) { return e == cudaSuccess ? LAC_OK : LAC_FAIL(LAC_ERR_LIBRARY, "CUDA: %s", format); }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags) { return (void)flags, (*s = calloc(1, sizeof **s)), cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t s) { return free(s), cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned flags) { return (void)flags, (*e = calloc(1, sizeof **e)), cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t e) { return free(e), cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned flags) { return (void)flags, (s->hangs |= e->hangs), cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) { return *e = (struct CUevent_st){ .hangs = s->hangs }, cudaSuccess; }

cudaError_t cudaEventQuery(cudaEvent_t e)
{
    const bool there = lac_nccl_here.aborted > 0 || (!e->hangs && e->asked++ >= lac_nccl_here.slow);
    return there ? cudaSuccess : cudaErrorNotReady;
}

/* ---- collectives ---- */

/* False where not all come. */
static bool meet(const struct ncclComm *c)
{
    const int round = atomic_load(&shared->round);
    const double begun = lac_seconds();
    if (atomic_fetch_add(&shared->arrived, 1) + 1 == c->size) {
        atomic_store(&shared->arrived, 0);
        atomic_fetch_add(&shared->round, 1);
        return true;
    }
    while (atomic_load(&shared->round) == round) {
        if (lac_seconds() - begun > lac_nccl_here.patience)
            return false;
        sched_yield();
    }
    return true;
}

/* What is done with everybody's bytes [at, at + n), which lie in shared->piece. */
typedef struct job { struct ncclComm *c; char *to; size_t own, each; int dtype, root; } job;
typedef void consume(const job *j, size_t at, size_t n);

typedef struct task { job j; const void *from; size_t bytes; consume *f; cudaStream_t s; } task;

static void carry_out(void *args)
{
    const task *t = args;
    bool *hangs = &t->s->hangs;
    lac_nccl_here.collectives++;
    for (size_t at = 0; at < t->bytes && !*hangs; at += PIECE) {
        const size_t n = t->bytes - at < PIECE ? t->bytes - at : PIECE;
        memcpy(shared->piece[t->j.c->rank], (const char *)t->from + at, n);
        *hangs = !meet(t->j.c);
        if (!*hangs)
            t->f(&t->j, at, n);
        *hangs = *hangs || !meet(t->j.c);
    }
}

/* In its turn among the device's work, which may be later, or in a replay. */
static int run(const job *j, const void *from, size_t bytes, consume *f, cudaStream_t s)
{
    const task t = { *j, from, bytes, f, s };
    lac_cuda_host_call(carry_out, &t, sizeof t);
    return LAC_NCCL_OK;
}

static double term(const job *j, int r, size_t i)
{
    return j->dtype == LAC_NCCL_F64 ? ((const double *)(const void *)shared->piece[r])[i] : (double)((const float *)(const void *)shared->piece[r])[i];
}

static void sum_pieces(const job *j, size_t at, size_t n)
{
    const size_t size = j->dtype == LAC_NCCL_F64 ? sizeof(double) : sizeof(float);
    for (size_t i = 0; i < n / size; i++) {
        const size_t byte = at + i * size;
        double sum = term(j, 0, i);
        for (int r = 1; r < j->c->size; r++)
            sum = j->dtype == LAC_NCCL_F64 ? sum + term(j, r, i) : (double)((float)sum + (float)term(j, r, i));
        if (byte < j->own || byte >= j->own + j->each)
            continue;
        if (j->dtype == LAC_NCCL_F64)
            memcpy(j->to + byte - j->own, &sum, size);
        else
            memcpy(j->to + byte - j->own, &(float){ (float)sum }, size);
    }
}

static void copy_pieces(const job *j, size_t at, size_t n)
{
    for (int r = 0; r < j->c->size; r++)
        memcpy(j->to + (size_t)r * j->each + at, shared->piece[r], n);
}

static void copy_one(const job *j, size_t at, size_t n) { memcpy(j->to + at, shared->piece[j->root], n); }

static size_t size_of(int dtype) { return dtype == LAC_NCCL_F64 ? 8 : dtype == LAC_NCCL_F32 ? 4 : 1; }

static int all_reduce(const void *from, void *to, size_t n, int dtype, int op, lac_nccl_comm c, cudaStream_t s)
{
    const size_t bytes = n * size_of(dtype);
    return op != LAC_NCCL_SUM ? 4 : run(&(job){ .c = c, .to = to, .each = bytes, .dtype = dtype }, from, bytes, sum_pieces, s);
}

static int reduce_scatter(const void *from, void *to, size_t n_each, int dtype, int op, lac_nccl_comm c, cudaStream_t s)
{
    const size_t each = n_each * size_of(dtype);
    const job j = { .c = c, .to = to, .own = (size_t)c->rank * each, .each = each, .dtype = dtype };
    return op != LAC_NCCL_SUM ? 4 : run(&j, from, each * (size_t)c->size, sum_pieces, s);
}

static int all_gather(const void *from, void *to, size_t n_each, int dtype, lac_nccl_comm c, cudaStream_t s)
{
    const size_t each = n_each * size_of(dtype);
    return run(&(job){ .c = c, .to = to, .each = each }, from, each, copy_pieces, s);
}

static int broadcast(const void *from, void *to, size_t n, int dtype, int root, lac_nccl_comm c, cudaStream_t s)
{
    return run(&(job){ .c = c, .to = to, .root = root }, from, n * size_of(dtype), copy_one, s);
}

/* ---- beginning and end ---- */

static int get_version(int *version) { return *version = lac_nccl_here.version, LAC_NCCL_OK; }

static int get_unique_id(lac_nccl_id *id)
{
    snprintf(id->bytes, sizeof id->bytes, "the ranks' own");
    memcpy(shared->id, id, sizeof shared->id);
    return LAC_NCCL_OK;
}

static int init_rank(lac_nccl_comm *c, int size, lac_nccl_id id, int rank)
{
    if (lac_nccl_here.meets != LAC_NCCL_OK)
        return lac_nccl_here.meets;
    if (memcmp(shared->id, &id, sizeof id) != 0 || size > MOST_RANKS || rank >= size)
        return 4;
    struct ncclComm *own = malloc(sizeof *own);
    *own = (struct ncclComm){ rank, size };
    while (!meet(own))                          /* for ever, as NCCL does; the round goes on where it was */
        atomic_fetch_sub(&shared->arrived, 1);
    *c = own;
    return LAC_NCCL_OK;
}

static int destroy(lac_nccl_comm c) { return free(c), lac_nccl_here.destroyed++, LAC_NCCL_OK; }
static int give_up(lac_nccl_comm c) { return free(c), lac_nccl_here.aborted++, LAC_NCCL_OK; }
static int get_state(lac_nccl_comm c, int *state) { return (void)c, *state = lac_nccl_here.state, LAC_NCCL_OK; }
static const char *get_error(int result) { return result == LAC_NCCL_REMOTE ? "remote process exited or there was a network error" : "internal error"; }
static const char *get_last(lac_nccl_comm c) { return (void)c, "socketProgress: connection closed"; }

lac_status lac_nccl_open(const lac_nccl **calls)
{
    static const lac_nccl here = { get_version, get_unique_id, init_rank, destroy, give_up, get_state, get_error, get_last, all_reduce,
                                   reduce_scatter, all_gather, broadcast };
    *calls = &here;
    return lac_nccl_here.opens == LAC_OK ? LAC_OK : LAC_FAIL(lac_nccl_here.opens, "libnccl.so.2: no such file");
}
