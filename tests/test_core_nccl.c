/* core/cuda/nccl.c over a NCCL between processes of this machine (harness/nccl): sums, order, and what is said when a rank is lost. */
#include "core/backend.h"
#include "core/comm/lane.h"
#include "tests/harness/nccl/nccl_host.h"
#include "tests/harness/ranks.h"
#include "tests/harness/test.h"

#include <stdlib.h>
#include <unistd.h>

enum { EACH = 20011, REMOTE = 6, INTERNAL = 3 };     /* ncclRemoteError, ncclInternalError */

lac_status lac_cuda_lane(lac_lane **l, lac_comm *c);

static const lac_backend device = { .name = "device", .lane = lac_cuda_lane };

static void play(lac_rank_body *f, int size, double timeout)
{
    lac_nccl_host_share();
    lac_play(f, size, 0, timeout, lac_test_port(NULL), NULL);
}

static int sums(lac_ranks_here *h)
{
    const int rank = h->launch.rank, size = h->launch.size;
    float *x = calloc((size_t)size, EACH * sizeof *x), *own = x + rank * EACH;
    double f64[2] = { rank, 0.5 };
    lac_lane *l, *again;
    lac_nccl_here.slow = 5;
    WANT(h->opened == LAC_OK && lac_comm_lane(h->comm, &device, &l) == LAC_OK && strcmp(l->kind, "nccl") == 0);
    WANT(lac_comm_lane(h->comm, &device, &again) == LAC_OK && again == l);
    for (int64_t i = 0; i < size * EACH; i++)
        x[i] = lac_rank_number(rank, i);
    WANT(l->reduce_scatter(l, own, x, EACH) == LAC_OK && l->join(l) == LAC_OK && l->wait(l, NULL) == LAC_OK);
    for (int64_t i = 0; i < EACH; i++)
        WANT(own[i] == lac_rank_total(size, rank * EACH + i));
    WANT(l->all_gather(l, x, own, EACH) == LAC_OK && l->wait(l, NULL) == LAC_OK);
    for (int64_t i = 0; i < size * EACH; i++)
        WANT(x[i] == lac_rank_total(size, i));
    for (int64_t i = 0; i < EACH; i++)
        x[i] = lac_rank_number(rank, i);
    WANT(l->all_reduce(l, x, LAC_F32, EACH) == LAC_OK && l->all_reduce(l, f64, LAC_F64, 2) == LAC_OK && l->wait(l, NULL) == LAC_OK);
    for (int64_t i = 0; i < EACH; i++)
        WANT(x[i] == lac_rank_total(size, i));
    WANT(f64[0] == size * (size - 1) / 2 && f64[1] == 0.5 * size);
    char word[4] = { (char)('a' + rank), 0 };
    WANT(l->broadcast(l, word, sizeof word, 1) == LAC_OK && l->wait(l, NULL) == LAC_OK && word[0] == 'b');
    lac_comm_free(h->comm);
    h->comm = NULL;
    WANT(lac_nccl_here.destroyed == 1 && lac_nccl_here.aborted == 0);
    free(x);
    return 0;
}

LAC_TEST(sums_and_copies_between_gpus)
{
    play(sums, 2, 20);
    play(sums, 3, 20);
}

static int silent(lac_ranks_here *h)
{
    float x = 1;
    lac_lane *l;
    WANT(lac_comm_lane(h->comm, &device, &l) == LAC_OK && lac_comm_agree(h->comm, LAC_OK) == LAC_OK);
    lac_nccl_here.patience = 0.2;
    if (h->launch.rank == 2)
        return sleep(3), 0;
    WANT(l->all_reduce(l, &x, LAC_F32, 1) == LAC_OK && l->join(l) == LAC_OK);           /* neither waits */
    WANT_FAILURE(l->wait(l, NULL), LAC_ERR_TIMEOUT, "no sign of rank 2 of 3");
    WANT(lac_nccl_here.aborted == 1 && l->all_reduce(l, &x, LAC_F32, 1) == LAC_ERR_STATE);
    return 0;
}

static int dying(lac_ranks_here *h)
{
    float x = 1;
    lac_lane *l;
    WANT(lac_comm_lane(h->comm, &device, &l) == LAC_OK && lac_comm_agree(h->comm, LAC_OK) == LAC_OK);
    lac_nccl_here.patience = 0.2;
    if (h->launch.rank == 1)
        _exit(0);
    WANT(l->all_reduce(l, &x, LAC_F32, 1) == LAC_OK);
    WANT_FAILURE(l->wait(l, NULL), LAC_ERR_TIMEOUT, "rank 1 of 2 left: its process is gone");
    WANT(lac_nccl_here.aborted == 1);
    return 0;
}

/* In a collective of the host, while the device's are under way: those must not hold the device for ever. */
static int leaving(lac_ranks_here *h)
{
    double x = 1;
    lac_lane *l;
    WANT(lac_comm_lane(h->comm, &device, &l) == LAC_OK && lac_comm_agree(h->comm, LAC_OK) == LAC_OK);
    if (h->launch.rank == 1)
        return h->comm->abort(h->comm, "the disk is full"), lac_nccl_here.aborted != 1;
    WANT_FAILURE(h->comm->all_reduce_f64(h->comm, &x, 1), LAC_ERR_TIMEOUT, "rank 1 of 2 left: the disk is full");
    WANT(lac_nccl_here.aborted == 1);
    return 0;
}

LAC_TEST(a_lost_rank_is_named_and_collectives_are_given_up)
{
    play(silent, 3, 0.8);
    play(dying, 2, 20);
    play(leaving, 2, 20);
}

/* All are there, and NCCL says that it is broken. */
static int broken(lac_ranks_here *h)
{
    float x = 1;
    lac_lane *l;
    WANT(lac_comm_lane(h->comm, &device, &l) == LAC_OK && l->all_reduce(l, &x, LAC_F32, 1) == LAC_OK);
    lac_nccl_here.slow = 1 << 30;
    lac_nccl_here.state = REMOTE;
    WANT_FAILURE(l->wait(l, NULL), LAC_ERR_LIBRARY, "NCCL: a collective of 2 ranks fails: remote process exited or there was a network error: socketProgress");
    WANT(lac_nccl_here.aborted == 1);
    return 0;
}

/* The same, and one is not there. */
static int broken_by_one(lac_ranks_here *h)
{
    float x = 1;
    lac_lane *l;
    WANT(lac_comm_lane(h->comm, &device, &l) == LAC_OK && l->all_reduce(l, &x, LAC_F32, 1) == LAC_OK);
    if (h->launch.rank == 1)
        return sleep(2), 0;
    lac_nccl_here.slow = 1 << 30;
    lac_nccl_here.state = REMOTE;
    WANT_FAILURE(l->wait(l, NULL), LAC_ERR_TIMEOUT, "no sign of rank 1 of 2");
    return 0;
}

LAC_TEST(errors_that_nccl_finds_meanwhile_are_told)
{
    play(broken, 2, 1);
    play(broken_by_one, 2, 0.5);
}

static int without_library(lac_ranks_here *h)
{
    lac_lane *l;
    lac_nccl_here.opens = h->launch.rank == 1 ? LAC_ERR_LIBRARY : LAC_OK;
    WANT_FAILURE(lac_comm_lane(h->comm, &device, &l), LAC_ERR_LIBRARY, "libnccl.so.2: no such file");
    return 0;
}

static int with_another_version(lac_ranks_here *h)
{
    lac_lane *l;
    lac_nccl_here.version += h->launch.rank;
    WANT_FAILURE(lac_comm_lane(h->comm, &device, &l), LAC_ERR_LIBRARY, "NCCL: this rank has version 22810, rank 0 has 22809");
    return 0;
}

static int without_meeting(lac_ranks_here *h)
{
    lac_lane *l;
    lac_nccl_here.meets = h->launch.rank == 1 ? INTERNAL : LAC_OK;
    if (h->launch.rank == 1)
        WANT_FAILURE(lac_comm_lane(h->comm, &device, &l), LAC_ERR_LIBRARY, "NCCL: bringing 2 ranks together fails: internal error");
    else
        WANT_FAILURE(lac_comm_lane(h->comm, &device, &l), LAC_ERR_TIMEOUT, "rank 1 of 2 left: NCCL: bringing 2 ranks together");
    return 0;
}

LAC_TEST(what_fails_on_one_rank_fails_on_all)
{
    play(without_library, 2, 20);
    play(with_another_version, 2, 20);
    play(without_meeting, 2, 20);
}

static int without_collectives(lac_ranks_here *h)
{
    static const lac_backend other = { .name = "abacus" };
    lac_lane *l;
    WANT_FAILURE(lac_comm_lane(h->comm, &other, &l), LAC_ERR_NO_KERNEL, "device 'abacus' has no collectives: it cannot train on 2 ranks");
    return 0;
}

LAC_TEST(a_device_without_collectives_is_an_error) { play(without_collectives, 2, 20); }
