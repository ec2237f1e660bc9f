/* MPI ranks on host memory. Collectives are exchanged without blocking and summed here, in rank order; whoever waits listens to the
 * others meanwhile. */
#include "core/clock.h"
#include "core/comm/wait.h"

#include "core/memory.h"
#include "core/threads.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALL = 1, HERE, LEFT };                      /* messages between ranks: who waits? I do; I am gone, because */
enum { SMALL = 2048, PIECE = 1 << 22 };             /* floats: gathered whole by everyone; exchanged at once */
static const double answer_seconds = 3;

typedef struct mpi {
    MPI_Comm data, control;
    float *parts;                                   /* PIECE floats: what the ranks sent of this one's share */
} mpi;

static lac_status check(int code, const char *what)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int n;
    if (code == MPI_SUCCESS)
        return LAC_OK;
    MPI_Error_string(code, text, &n);
    return LAC_FAIL(LAC_ERR_LIBRARY, "MPI: %s: %s", what, text);
}

static void tell(mpi *m, int rank, int tag, const char *text)
{
    MPI_Request sent;                               /* short enough to leave at once, whether or not it is ever read */
    if (MPI_Isend(text, (int)strlen(text), MPI_CHAR, rank, tag, m->control, &sent) == MPI_SUCCESS)
        MPI_Request_free(&sent);
}

/* Reads one message that has come, if any: *tag 0 for none. */
static lac_status listen(mpi *m, int *rank, int *tag, char *text, int size)
{
    int there = 0, n;
    MPI_Status about;
    *tag = 0;
    LAC_TRY(check(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, m->control, &there, &about), "listening"));
    if (!there)
        return LAC_OK;
    MPI_Get_count(&about, MPI_CHAR, &n);
    LAC_TRY(check(MPI_Recv(text, LAC_MIN(n, size - 1), MPI_CHAR, about.MPI_SOURCE, about.MPI_TAG, m->control, MPI_STATUS_IGNORE), "listening"));
    text[LAC_MIN(n, size - 1)] = '\0';
    *rank = about.MPI_SOURCE;
    *tag = about.MPI_TAG;
    if (*tag == CALL)
        tell(m, *rank, HERE, "");
    return LAC_OK;
}

static lac_status left(lac_comm *c, int rank, const char *why)
{
    lac_comm_give_up(c);
    return LAC_FAIL(LAC_ERR_TIMEOUT, "rank %d of %d left: %s", rank, c->size, why);
}

/* Asks everybody and gives them a moment to answer; here[r] is whether rank r did. */
static lac_status call_the_roll(lac_comm *c, bool *here)
{
    mpi *m = c->state;
    char text[600];
    int rank, tag;
    for (int r = 0; r < c->size; r++)
        if (r != c->rank)
            tell(m, r, CALL, "");
    here[c->rank] = true;
    for (const double begun = lac_seconds(); lac_seconds() - begun < answer_seconds; nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL)) {
        LAC_TRY(listen(m, &rank, &tag, text, sizeof text));
        if (tag == LEFT)
            return left(c, rank, text);
        if (tag == HERE || tag == CALL)
            here[rank] = true;
    }
    return LAC_OK;
}

/* After a while of waiting: LAC_OK when everybody is there, busy as they may be. */
static lac_status name_the_silent(lac_comm *c, const lac_wait *w)
{
    bool *here;
    LAC_TRY(lac_calloc((void **)&here, (size_t)c->size, sizeof *here));
    lac_status s = call_the_roll(c, here);
    if (s == LAC_OK)
        s = lac_comm_name_silent(c, here, w);
    free(here);
    return s;
}

static lac_status attend(lac_comm *c, lac_wait *w)
{
    char text[600];
    int rank, tag;
    lac_wait_rest(w);
    if (lac_waited(w) < 1e-3)
        return LAC_OK;
    LAC_TRY(listen(c->state, &rank, &tag, text, sizeof text));
    if (tag == LEFT)
        return left(c, rank, text);
    if (lac_waited(w) > w->patience) {
        LAC_TRY(name_the_silent(c, w));
        w->patience = lac_waited(w) + c->timeout;
    }
    return LAC_OK;
}

/* Until the request is done. */
static lac_status wait(lac_comm *c, MPI_Request *request, const char *what)
{
    lac_wait w = lac_wait_begin(c);
    for (int done = 0;;) {
        LAC_TRY(check(MPI_Test(request, &done, MPI_STATUS_IGNORE), what));
        if (done)
            return LAC_OK;
        LAC_TRY(attend(c, &w));
    }
}

/* ---- collectives ---- */

static lac_status spread(lac_comm *c, void *x, size_t bytes, int root)
{
    mpi *m = c->state;
    MPI_Request request;
    for (size_t at = 0; at < bytes; at += PIECE * sizeof(float)) {
        const int n = (int)LAC_MIN(bytes - at, PIECE * sizeof(float));
        LAC_TRY(check(MPI_Ibcast((uint8_t *)x + at, n, MPI_BYTE, root, m->data, &request), "broadcast"));
        LAC_TRY(wait(c, &request, "broadcast"));
    }
    return LAC_OK;
}

static lac_status gather(lac_comm *c, void *to, const void *from, size_t bytes)
{
    mpi *m = c->state;
    MPI_Request request;
    uint8_t *own = (uint8_t *)to + (size_t)c->rank * bytes;
    if (own != from)
        memmove(own, from, bytes);
    if (bytes <= PIECE) {
        LAC_TRY(check(MPI_Iallgather(MPI_IN_PLACE, 0, MPI_BYTE, to, (int)bytes, MPI_BYTE, m->data, &request), "all-gather"));
        return wait(c, &request, "all-gather");
    }
    for (int r = 0; r < c->size; r++)               /* counts are ints: piece by piece */
        LAC_TRY(spread(c, (uint8_t *)to + (size_t)r * bytes, bytes, r));
    return LAC_OK;
}

/* to[i] = sum over ranks of part[r n + i], in rank order. */
static void sum_parts(float *to, const float *part, int64_t n, int ranks)
{
    LAC_PARALLEL_BLOCKS(b, from, end, n)
        for (int64_t i = from; i < end; i++) {
            float sum = part[i];
            for (int r = 1; r < ranks; r++)
                sum += part[r * n + i];
            to[i] = sum;
        }
}

/* Elements [at, at + n) of each rank's share, n * size <= PIECE. Shares lie n_each apart in `from`, close together in parts. */
static lac_status scatter_piece(lac_comm *c, float *to, const float *from, int64_t n_each, int64_t at, int64_t n)
{
    mpi *m = c->state;
    MPI_Datatype block, piece;
    MPI_Request request;
    MPI_Type_contiguous((int)n, MPI_FLOAT, &block);
    MPI_Type_create_resized(block, 0, n_each * (MPI_Aint)sizeof(float), &piece);
    MPI_Type_commit(&piece);
    lac_status s = check(MPI_Ialltoall(from + at, 1, piece, m->parts, (int)n, MPI_FLOAT, m->data, &request), "reduce-scatter");
    if (s == LAC_OK)
        s = wait(c, &request, "reduce-scatter");
    MPI_Type_free(&piece);
    MPI_Type_free(&block);
    if (s == LAC_OK)
        sum_parts(to + at, m->parts, n, c->size);
    return s;
}

static lac_status sum_shares(lac_comm *c, float *to, const float *from, int64_t n_each)
{
    const int64_t most = LAC_MAX(PIECE / c->size, 1);
    for (int64_t at = 0; at < n_each; at += most)
        LAC_TRY(scatter_piece(c, to, from, n_each, at, LAC_MIN(most, n_each - at)));
    return LAC_OK;
}

/* Everybody gets everything and sums it: for what is too short to share out. */
static lac_status reduce_small(lac_comm *c, float *x, int64_t n)
{
    mpi *m = c->state;
    LAC_TRY(gather(c, m->parts, x, (size_t)n * sizeof *x));
    sum_parts(x, m->parts, n, c->size);
    return LAC_OK;
}

static lac_status sum_all(lac_comm *c, float *x, int64_t n)
{
    const int64_t each = n > SMALL ? n / c->size : 0, shared = each * c->size;
    if (each > 0) {
        LAC_TRY(sum_shares(c, x + c->rank * each, x, each));
        LAC_TRY(gather(c, x, x + c->rank * each, (size_t)each * sizeof *x));
    }
    return shared < n ? reduce_small(c, x + shared, n - shared) : LAC_OK;
}

static lac_status sum_all_f64(lac_comm *c, double *x, int64_t n)
{
    mpi *m = c->state;
    const int64_t most = LAC_MAX(PIECE / 2 / c->size, 1);
    const double *part = (const double *)(const void *)m->parts;
    for (int64_t at = 0; at < n; at += most) {
        const int64_t k = LAC_MIN(most, n - at);
        LAC_TRY(gather(c, m->parts, x + at, (size_t)k * sizeof *x));
        for (int64_t i = 0; i < k; i++) {
            x[at + i] = part[i];
            for (int r = 1; r < c->size; r++)
                x[at + i] += part[r * k + i];
        }
    }
    return LAC_OK;
}

static lac_status all_reduce(lac_comm *c, float *x, int64_t n) { return lac_comm_ended(c, sum_all(c, x, n)); }
static lac_status all_reduce_f64(lac_comm *c, double *x, int64_t n) { return lac_comm_ended(c, sum_all_f64(c, x, n)); }
static lac_status reduce_scatter(lac_comm *c, float *to, const float *from, int64_t n_each) { return lac_comm_ended(c, sum_shares(c, to, from, n_each)); }
static lac_status all_gather(lac_comm *c, void *to, const void *from, size_t bytes) { return lac_comm_ended(c, gather(c, to, from, bytes)); }
static lac_status broadcast(lac_comm *c, void *x, size_t bytes, int root) { return lac_comm_ended(c, spread(c, x, bytes, root)); }

/* ---- beginning and end ---- */

static void tell_all(lac_comm *c, const char *why)
{
    mpi *m = c->state;
    char text[560];
    snprintf(text, sizeof text, "%s", why);
    for (int r = 0; r < c->size && !c->lost; r++)
        if (r != c->rank)
            tell(m, r, LEFT, text);
    lac_comm_give_up(c);
}

static void end(lac_comm *c)
{
    mpi *m = c->state;
    if (!c->lost) {                                 /* MPI_Finalize would wait for the lost one */
        MPI_Comm_free(&m->data);
        MPI_Comm_free(&m->control);
        MPI_Finalize();
    }
    free(m->parts);
    free(m);
    free(c);
}

static lac_status connect(lac_comm *c, mpi *m)
{
    int level;
    LAC_TRY(check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level), "starting"));
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &c->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &c->size);
    LAC_TRY(check(MPI_Comm_dup(MPI_COMM_WORLD, &m->data), "starting"));
    return check(MPI_Comm_dup(MPI_COMM_WORLD, &m->control), "starting");
}

lac_status lac_comm_mpi(lac_comm **out)
{
    lac_comm *c;
    mpi *m = NULL;
    LAC_TRY(lac_calloc((void **)&c, 1, sizeof *c));
    *c = (lac_comm){ .kind = "mpi", .size = 1, .all_reduce = all_reduce, .all_reduce_f64 = all_reduce_f64, .reduce_scatter = reduce_scatter,
                     .all_gather = all_gather, .broadcast = broadcast, .attend = attend, .abort = tell_all, .free = end };
    lac_status s = lac_calloc((void **)&m, 1, sizeof *m);
    if (s == LAC_OK)
        s = lac_aligned_alloc((void **)&m->parts, PIECE * sizeof *m->parts);
    c->state = m;
    if (s == LAC_OK)
        s = connect(c, m);
    if (s != LAC_OK) {
        free(m != NULL ? m->parts : NULL);
        free(m);
        free(c);
        return s;
    }
    *out = c;
    return LAC_OK;
}
