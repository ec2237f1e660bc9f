#include "tests/harness/ranks.h"

#include "core/threads.h"
#include "tests/harness/test.h"

#include <netinet/in.h>
#include <omp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int lac_test_port(int *held)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
    socklen_t n = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    LAC_CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && getsockname(fd, (struct sockaddr *)&at, &n) == 0);
    if (held != NULL)
        *held = fd;
    else
        close(fd);
    return ntohs(at.sin_port);
}

void lac_be_rank(lac_rank_body *f, lac_launch l, double timeout, void *context)
{
    signal(SIGSEGV, SIG_DFL);                       /* the test's own handlers would go on with the next test here */
    lac_threads_set(1);                             /* OpenMP's own do not outlive a fork */
    lac_ranks_here h = { .launch = l, .context = context };
    h.opened = lac_comm_tcp(&h.comm, &l, timeout);
    const int bad = f(&h);
    lac_comm_free(h.comm);
    _exit(bad);
}

void lac_play(lac_rank_body *f, int size, unsigned absent, double timeout, int port, void *context)
{
    pid_t child[LAC_TEST_RANKS] = { 0 };
    LAC_CHECK(size <= LAC_TEST_RANKS);
    omp_pause_resource_all(omp_pause_soft);         /* a child would wait for threads that it does not have: oneDNN's primitives keep their number */
    for (int r = 0; r < size; r++) {
        if (absent >> r & 1)
            continue;
        child[r] = fork();
        if (child[r] == 0)
            lac_be_rank(f, (lac_launch){ .who = "test", .rank = r, .size = size, .host = "127.0.0.1", .port = port, .token = 77 }, timeout, context);
    }
    for (int r = 0; r < size; r++) {
        int status = 0;
        if (child[r] > 0)
            LAC_CHECK(waitpid(child[r], &status, 0) == child[r] && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

float lac_rank_number(int rank, int64_t i) { return 1.0f + (float)((i * 7919 + rank * 104729) % 1000003) * (rank % 2 ? 1e-3f : 1e-7f); }

float lac_rank_total(int size, int64_t i)
{
    float sum = lac_rank_number(0, i);
    for (int r = 1; r < size; r++)
        sum += lac_rank_number(r, i);
    return sum;
}
