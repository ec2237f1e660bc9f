/* Ranks over TCP, each a process: what they compute, and what each is told when another is silent, gone, or not of this run. */
#include "core/memory.h"
#include "tests/harness/ranks.h"
#include "tests/harness/test.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG = 300001 };                             /* floats: more than are summed at once, and no round number */

typedef lac_ranks_here here;
static void play(lac_rank_body *f, int size, unsigned absent, double timeout, int port) { lac_play(f, size, absent, timeout, port, NULL); }
static void take_part(lac_rank_body *f, lac_launch l, double timeout) { lac_be_rank(f, l, timeout, NULL); }
static int free_port(void) { return lac_test_port(NULL); }

static int sums(here *h)
{
    const int rank = h->launch.rank, size = h->launch.size;
    float *x, *own;
    WANT(h->opened == LAC_OK && h->comm->rank == rank && h->comm->size == size);
    WANT(lac_calloc((void **)&x, (size_t)(LONG * size), sizeof *x) == LAC_OK && lac_calloc((void **)&own, LONG, sizeof *own) == LAC_OK);
    for (int64_t i = 0; i < LONG; i++)
        x[i] = lac_rank_number(rank, i);
    WANT(h->comm->all_reduce(h->comm, x, LONG) == LAC_OK);
    for (int64_t i = 0; i < LONG; i++)
        WANT(x[i] == lac_rank_total(size, i));
    for (int in_place = 0; in_place < 2; in_place++) {
        float *to = in_place ? x + rank * LONG : own;
        for (int64_t i = 0; i < LONG * size; i++)
            x[i] = lac_rank_number(rank, i);
        WANT(h->comm->reduce_scatter(h->comm, to, x, LONG) == LAC_OK);
        for (int64_t i = 0; i < LONG; i++)
            WANT(to[i] == lac_rank_total(size, rank * LONG + i));
    }
    double small[2] = { rank + 1, 0.5 };
    WANT(h->comm->all_reduce_f64(h->comm, small, 2) == LAC_OK && small[0] == size * (size + 1) / 2 && small[1] == 0.5 * size);
    WANT(h->comm->all_reduce(h->comm, x, 0) == LAC_OK);
    free(x);
    free(own);
    return 0;
}

LAC_TEST(sums_are_in_rank_order)
{
    play(sums, 2, 0, 20, free_port());
    play(sums, 4, 0, 20, free_port());
}

static int copies(here *h)
{
    const int rank = h->launch.rank, size = h->launch.size;
    uint8_t *x;
    WANT(h->opened == LAC_OK && lac_calloc((void **)&x, (size_t)size, LONG) == LAC_OK);
    memset(x + rank * LONG, 10 + rank, LONG);
    WANT(h->comm->all_gather(h->comm, x, x + rank * LONG, LONG) == LAC_OK);
    for (int r = 0; r < size; r++)
        WANT(x[r * LONG] == 10 + r && x[(r + 1) * LONG - 1] == 10 + r);
    for (int root = 0; root < size; root++) {
        char word[16] = "";
        snprintf(word, sizeof word, rank == root ? "from %d" : "nothing", rank);
        WANT(h->comm->broadcast(h->comm, word, sizeof word, root) == LAC_OK && word[0] == 'f' && word[5] == '0' + root);
    }
    const lac_status s = rank == 1 ? LAC_FAIL(LAC_ERR_IO, "no such file") : LAC_OK;
    WANT_FAILURE(lac_comm_agree(h->comm, s), LAC_ERR_IO, "no such file");
    free(x);
    return 0;
}

LAC_TEST(everybody_gets_what_the_others_have) { play(copies, 3, 0, 20, free_port()); }

static int silent(here *h)
{
    double x = 1;
    WANT(h->opened == LAC_OK && h->comm->all_reduce_f64(h->comm, &x, 1) == LAC_OK);
    if (h->launch.rank == 2)
        sleep(2);
    else
        WANT_FAILURE(h->comm->all_reduce_f64(h->comm, &x, 1), LAC_ERR_TIMEOUT, "no sign of rank 2 of 4");
    return 0;
}

static int silent_first(here *h)
{
    double x = 1;
    WANT(h->opened == LAC_OK);
    if (h->launch.rank == 0)
        sleep(2);
    else
        WANT_FAILURE(h->comm->all_reduce_f64(h->comm, &x, 1), LAC_ERR_TIMEOUT, "no sign of rank 0 of 2");
    return 0;
}

LAC_TEST(a_silent_rank_is_named_to_all)
{
    play(silent, 4, 0, 0.4, free_port());
    play(silent_first, 2, 0, 0.4, free_port());
}

static int slow(here *h)
{
    double x = 1;
    WANT(h->opened == LAC_OK);
    h->comm->timeout = 0.4;
    lac_wait w = { 0, 0 };
    if (h->launch.rank == 2)                        /* at other work, but attentive */
        for (int i = 0; i < 1000; i++) {
            w.patience = 1e12;
            WANT(h->comm->attend(h->comm, &w) == LAC_OK);
        }
    WANT(h->comm->all_reduce_f64(h->comm, &x, 1) == LAC_OK && x == 3);
    return 0;
}

LAC_TEST(a_rank_that_answers_is_waited_for) { play(slow, 3, 0, 20, free_port()); }

static int leaving(here *h)
{
    double x = 1;
    WANT(h->opened == LAC_OK);
    if (h->launch.rank == 1)
        h->comm->abort(h->comm, "no more pictures");
    else
        WANT_FAILURE(h->comm->all_reduce_f64(h->comm, &x, 1), LAC_ERR_TIMEOUT, "rank 1 of 3 left: no more pictures");
    return 0;
}

static int dying(here *h)
{
    double x = 1;
    WANT(h->opened == LAC_OK && h->comm->all_reduce_f64(h->comm, &x, 1) == LAC_OK);
    if (h->launch.rank == 1)
        _exit(0);
    WANT_FAILURE(h->comm->all_reduce_f64(h->comm, &x, 1), LAC_ERR_TIMEOUT, "rank 1 of 3 left: its process is gone");
    return 0;
}

static int dying_first(here *h)
{
    double x = 1;
    WANT(h->opened == LAC_OK);
    if (h->launch.rank == 0)
        _exit(0);
    WANT_FAILURE(h->comm->all_reduce_f64(h->comm, &x, 1), LAC_ERR_TIMEOUT, "rank 0 of 2 left: its process is gone");
    return 0;
}

LAC_TEST(a_rank_that_leaves_or_dies_is_named_at_once)
{
    play(leaving, 3, 0, 20, free_port());
    play(dying, 3, 0, 20, free_port());
    play(dying_first, 2, 0, 20, free_port());
}

static int elsewhere(here *h)
{
    float x[4] = { 0 };
    WANT(h->opened == LAC_OK);
    if (h->launch.rank == 1)
        return h->comm->all_reduce(h->comm, x, 4) == LAC_ERR_TIMEOUT && strstr(lac_error_message(), "rank 0 of 2 left: rank 1 of 2 is elsewhere") != NULL ? 0 : 1;
    WANT_FAILURE(h->comm->all_gather(h->comm, x, x, 8), LAC_ERR_STATE, "rank 1 of 2 is elsewhere: call 1, all-reduce of 16 bytes; here call 1, all-gather of 8");
    return 0;
}

LAC_TEST(a_size_is_not_believed) { play(elsewhere, 2, 0, 20, free_port()); }

static int nobody_comes(here *h)
{
    WANT(h->opened == LAC_ERR_TIMEOUT && strstr(lac_error_message(), "no sign of rank 2 of 3") != NULL);
    return 0;
}

static int nobody_listens(here *h)
{
    WANT(h->opened == LAC_ERR_TIMEOUT && strstr(lac_error_message(), "no sign of rank 0 of 2 at '127.0.0.1', port") != NULL);
    return 0;
}

static int cannot_listen(here *h)
{
    WANT(h->opened == LAC_ERR_IO && strstr(lac_error_message(), "rank 0 cannot listen at port") != NULL);
    return 0;
}

LAC_TEST(a_meeting_that_fails_says_who_did_not_come)
{
    int fd;
    play(nobody_comes, 3, 1 << 2, 1, free_port());
    play(nobody_listens, 2, 1 << 0, 1, free_port());
    const int port = lac_test_port(&fd);
    LAC_CHECK(listen(fd, 1) == 0);
    play(cannot_listen, 2, 1 << 1, 1, port);
    close(fd);
}

static int counts_three(here *h)
{
    WANT(h->opened == LAC_ERR_CONFIG && strstr(lac_error_message(), "rank 1 counts 3 ranks, rank 0 counts 2") != NULL);
    return 0;
}

LAC_TEST(ranks_that_count_otherwise_are_told)
{
    const int port = free_port();
    int status;
    const pid_t other = fork();
    if (other == 0)
        take_part(counts_three, (lac_launch){ .rank = 1, .size = 3, .host = "127.0.0.1", .port = port, .token = 77 }, 20);
    play(counts_three, 2, 1 << 1, 20, port);
    LAC_CHECK(waitpid(other, &status, 0) == other && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int connect_to(int port)
{
    const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    for (int i = 0; i < 500 && connect(fd, (const struct sockaddr *)&at, sizeof at) != 0; i++)
        usleep(10000);
    return fd;
}

static int of_another_run(here *h)
{
    WANT(h->opened == LAC_ERR_TIMEOUT && strstr(lac_error_message(), "another run, or another build") != NULL);
    return 0;
}

static int hears_all(here *h)
{
    double x = 1;
    WANT(h->opened == LAC_OK && h->comm->all_reduce_f64(h->comm, &x, 1) == LAC_OK && x == h->launch.size);
    return 0;
}

/* One says nothing, one says something else, one goes at once, one is of another run: rank 0 is there before rank 1 comes. */
LAC_TEST(strangers_change_nothing)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nAccept: everything\r\n\r\n";
    const int port = free_port();
    int status, fd[3];
    const pid_t zero = fork();
    if (zero == 0)
        take_part(hears_all, (lac_launch){ .rank = 0, .size = 2, .host = "127.0.0.1", .port = port, .token = 77 }, 20);
    for (int i = 0; i < 3; i++)
        fd[i] = connect_to(port);
    LAC_CHECK(send(fd[1], request, sizeof request, MSG_NOSIGNAL) == sizeof request);
    close(fd[2]);
    const pid_t other = fork();
    if (other == 0)
        take_part(of_another_run, (lac_launch){ .rank = 1, .size = 2, .host = "127.0.0.1", .port = port, .token = 78 }, 3);
    LAC_CHECK(waitpid(other, &status, 0) == other && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    play(hears_all, 2, 1 << 0, 20, port);
    LAC_CHECK(waitpid(zero, &status, 0) == zero && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(fd[0]);
    close(fd[1]);
}
