/* Ranks on host memory over TCP, all by way of rank 0, which sums in rank order. Each of the others has two sockets to it: data flows in
 * one, and in the other ranks ask who is there, answer, and say why they leave. */
#include "core/clock.h"
#include "core/comm/rendezvous.h"
#include "core/comm/wait.h"

#include "core/memory.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CALL = 1, HERE, LEFT, DONE };                /* who waits? I do; I am gone, because; I am done */
enum { PIECE = 1 << 20, NOTE_MAGIC = 0x4e43414c, DATA_MAGIC = 0x4443414c };      /* bytes summed at once */
static const double answer_seconds = 3;             /* at most; no longer than the timeout */

typedef enum { ALL_REDUCE = 1, ALL_REDUCE_F64, REDUCE_SCATTER, ALL_GATHER, BROADCAST } call;

typedef struct note { uint32_t magic; int32_t kind, rank, zero; char text[560]; } note;
typedef struct head { uint32_t magic, kind; uint64_t number, bytes; } head;

typedef struct tcp {
    lac_peer *peer;                                 /* by rank */
    bool *done;                                     /* said so: its end is no loss */
    bool *here;                                     /* answered since it was last asked */
    uint64_t number;                                /* of the collective under way */
    uint8_t *sum, *part;                            /* PIECE each */
} tcp;

static const char *name_of(uint32_t kind)
{
    static const char *const names[] = { "something unknown", "all-reduce", "all-reduce f64", "reduce-scatter", "all-gather", "broadcast" };
    return names[kind < LAC_COUNT(names) ? kind : 0];
}

/* ---- what ranks tell each other ---- */

static void tell(tcp *t, int to, int kind, int about, const char *text)
{
    note n = { .magic = NOTE_MAGIC, .kind = kind, .rank = about };
    snprintf(n.text, sizeof n.text, "%s", text);
    if (t->peer[to].control >= 0)                   /* nobody there any more is noticed where something is received */
        (void)!send(t->peer[to].control, &n, sizeof n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void tell_others(lac_comm *c, int but, int kind, int about, const char *text)
{
    for (int r = 0; r < c->size; r++)
        if (r != but)
            tell(c->state, r, kind, about, text);
}

static void tell_all(lac_comm *c, const char *why)
{
    if (!c->lost)
        tell_others(c, c->rank, LEFT, c->rank, why);
    lac_comm_give_up(c);
}

/* `from` said it, or is silent for ever: rank 0 passes it on. */
static lac_status left(lac_comm *c, int from, int rank, const char *why)
{
    if (c->rank == 0)
        tell_others(c, from, LEFT, rank, why);
    lac_comm_give_up(c);
    return LAC_FAIL(LAC_ERR_TIMEOUT, "rank %d of %d left: %s", rank, c->size, why);
}

/* One note, if a whole one is there. */
static lac_status listen_to(lac_comm *c, int r, bool *heard)
{
    tcp *t = c->state;
    note n;
    const int fd = t->peer[r].control;
    const ssize_t k = fd < 0 ? -1 : recv(fd, &n, sizeof n, MSG_PEEK | MSG_DONTWAIT);
    *heard = k == (ssize_t)sizeof n;
    const bool over = k == 0 || (k < 0 && fd >= 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    if (over && !t->done[r])
        return left(c, r, r, "its process is gone");
    if (over) {
        close(fd);
        t->peer[r].control = -1;
    }
    if (!*heard)
        return LAC_OK;
    (void)!recv(fd, &n, sizeof n, MSG_DONTWAIT);
    n.text[sizeof n.text - 1] = '\0';
    if (n.magic != NOTE_MAGIC || n.rank < 0 || n.rank >= c->size)
        return LAC_FAIL(LAC_ERR_IO, "rank %d of %d says what is no word of ours", r, c->size);
    if (n.kind == LEFT)
        return left(c, r, n.rank, n.text);
    if (n.kind == CALL)
        tell(t, r, HERE, c->rank, "");
    t->done[r] |= n.kind == DONE;
    t->here[r] |= n.kind == HERE || n.kind == CALL;
    return LAC_OK;
}

static lac_status listen_around(lac_comm *c)
{
    for (int r = 0; r < c->size; r++)
        for (bool heard = ((tcp *)c->state)->peer[r].control >= 0; heard;)
            LAC_TRY(listen_to(c, r, &heard));
    return LAC_OK;
}

/* Rank 0 asks everybody; the others ask rank 0, which asks for them. */
static lac_status call_the_roll(lac_comm *c, const lac_wait *w)
{
    tcp *t = c->state;
    for (int r = 0; r < c->size; r++)
        t->here[r] = t->peer[r].control < 0;
    tell_others(c, c->rank, CALL, c->rank, "");
    bool all = false;
    for (const double begun = lac_seconds(); !all && lac_seconds() - begun < LAC_MIN(answer_seconds, c->timeout);) {
        poll(NULL, 0, 1);
        LAC_TRY(listen_around(c));
        all = true;
        for (int r = 0; r < c->size; r++)
            all &= t->here[r];
    }
    return lac_comm_name_silent(c, t->here, w);
}

static lac_status look_around(lac_comm *c, lac_wait *w)
{
    LAC_TRY(listen_around(c));
    if (lac_waited(w) > w->patience) {
        LAC_TRY(call_the_roll(c, w));
        w->patience = lac_waited(w) + c->timeout;
    }
    return LAC_OK;
}

static lac_status attend(lac_comm *c, lac_wait *w)
{
    lac_wait_rest(w);
    return lac_waited(w) < 1e-3 ? LAC_OK : look_around(c, w);
}

/* ---- data ---- */

/* k: what recv or send gave. How far it came is added to *at; nothing at all is waited for. */
static lac_status proceed(lac_comm *c, int r, short events, ssize_t k, size_t *at, lac_wait *w)
{
    if (k > 0) {
        *at += (size_t)k;
        *w = lac_wait_begin(c);
        return LAC_OK;
    }
    const lac_peer *peer = &((tcp *)c->state)->peer[r];
    if (k == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        struct pollfd word = { peer->control, POLLIN, 0 };
        poll(&word, 1, 1000);                       /* it may have said why */
        LAC_TRY(listen_around(c));
        return left(c, r, r, "its process is gone");
    }
    struct pollfd p = { peer->data, events, 0 };
    poll(&p, 1, 1);
    return p.revents != 0 && lac_waited(w) < w->patience ? LAC_OK : look_around(c, w);
}

static lac_status send_bytes(lac_comm *c, int r, const void *x, size_t n, int more)
{
    lac_wait w = lac_wait_begin(c);
    for (size_t at = 0; at < n;) {
        const ssize_t k = send(((tcp *)c->state)->peer[r].data, (const char *)x + at, n - at, MSG_NOSIGNAL | MSG_DONTWAIT | more);
        LAC_TRY(proceed(c, r, POLLOUT, k, &at, &w));
    }
    return LAC_OK;
}

static lac_status take_bytes(lac_comm *c, int r, void *x, size_t n)
{
    lac_wait w = lac_wait_begin(c);
    for (size_t at = 0; at < n;) {
        const ssize_t k = recv(((tcp *)c->state)->peer[r].data, (char *)x + at, n - at, MSG_DONTWAIT);
        LAC_TRY(proceed(c, r, POLLIN, k, &at, &w));
    }
    return LAC_OK;
}

static lac_status give(lac_comm *c, int r, call kind, const void *x, size_t n)
{
    const head h = { DATA_MAGIC, kind, ((tcp *)c->state)->number, n };
    LAC_TRY(send_bytes(c, r, &h, sizeof h, n > 0 ? MSG_MORE : 0));
    return send_bytes(c, r, x, n, 0);
}

/* Nothing is believed of a message but that it is the one that belongs here. */
static lac_status take(lac_comm *c, int r, call kind, void *x, size_t n)
{
    const uint64_t number = ((tcp *)c->state)->number;
    head h;
    LAC_TRY(take_bytes(c, r, &h, sizeof h));
    if (h.magic != DATA_MAGIC)
        return LAC_FAIL(LAC_ERR_IO, "rank %d of %d sends what is no word of ours", r, c->size);
    if (h.number != number || h.kind != (uint32_t)kind || h.bytes != n)
        return LAC_FAIL(LAC_ERR_STATE, "rank %d of %d is elsewhere: call %llu, %s of %llu bytes; here call %llu, %s of %zu", r, c->size,
                        (unsigned long long)h.number, name_of(h.kind), (unsigned long long)h.bytes, (unsigned long long)number, name_of(kind), n);
    return take_bytes(c, r, x, n);
}

static lac_status give_all(lac_comm *c, int but, call kind, const void *x, size_t n)
{
    for (int r = 1; r < c->size; r++)
        if (r != but)
            LAC_TRY(give(c, r, kind, x, n));
    return LAC_OK;
}

/* ---- collectives ---- */

static void add(call kind, void *sum, const void *x, size_t bytes)
{
    if (kind == ALL_REDUCE_F64)
        for (size_t i = 0; i < bytes / sizeof(double); i++)
            ((double *)sum)[i] += ((const double *)x)[i];
    else
        for (size_t i = 0; i < bytes / sizeof(float); i++)
            ((float *)sum)[i] += ((const float *)x)[i];
}

/* At most PIECE bytes: rank 0 has the sum in t->sum. */
static lac_status sum_piece(lac_comm *c, call kind, const void *x, size_t bytes)
{
    tcp *t = c->state;
    if (c->rank > 0)
        return give(c, 0, kind, x, bytes);
    memcpy(t->sum, x, bytes);
    for (int r = 1; r < c->size; r++) {
        LAC_TRY(take(c, r, kind, t->part, bytes));
        add(kind, t->sum, t->part, bytes);
    }
    return LAC_OK;
}

static lac_status reduce_all(lac_comm *c, call kind, void *x, size_t bytes)
{
    tcp *t = c->state;
    t->number++;
    for (size_t at = 0; at < bytes; at += PIECE) {
        const size_t n = LAC_MIN(bytes - at, (size_t)PIECE);
        LAC_TRY(sum_piece(c, kind, (char *)x + at, n));
        if (c->rank > 0) {
            LAC_TRY(take(c, 0, kind, (char *)x + at, n));
            continue;
        }
        LAC_TRY(give_all(c, 0, kind, t->sum, n));
        memcpy((char *)x + at, t->sum, n);
    }
    return LAC_OK;
}

/* The piece at byte `at` of rank r's share. */
static lac_status scatter_piece(lac_comm *c, char *to, const char *share, int r, size_t at, size_t n)
{
    LAC_TRY(sum_piece(c, REDUCE_SCATTER, share + at, n));
    if (c->rank == 0 && r > 0)
        return give(c, r, REDUCE_SCATTER, ((tcp *)c->state)->sum, n);
    if (c->rank == r && r > 0)
        return take(c, 0, REDUCE_SCATTER, to + at, n);
    if (c->rank == r)
        memcpy(to + at, ((tcp *)c->state)->sum, n);
    return LAC_OK;
}

static lac_status sum_shares(lac_comm *c, float *to, const float *from, int64_t n_each)
{
    const size_t each = (size_t)n_each * sizeof *to;
    ((tcp *)c->state)->number++;
    for (int r = 0; r < c->size; r++)
        for (size_t at = 0; at < each; at += PIECE)
            LAC_TRY(scatter_piece(c, (char *)to, (const char *)from + (size_t)r * each, r, at, LAC_MIN(each - at, (size_t)PIECE)));
    return LAC_OK;
}

static lac_status gather(lac_comm *c, void *to, const void *from, size_t bytes)
{
    char *own = (char *)to + (size_t)c->rank * bytes;
    ((tcp *)c->state)->number++;
    if (c->rank > 0) {
        LAC_TRY(give(c, 0, ALL_GATHER, from, bytes));
        return take(c, 0, ALL_GATHER, to, bytes * (size_t)c->size);
    }
    if (own != from)
        memmove(own, from, bytes);
    for (int r = 1; r < c->size; r++)
        LAC_TRY(take(c, r, ALL_GATHER, (char *)to + (size_t)r * bytes, bytes));
    return give_all(c, 0, ALL_GATHER, to, bytes * (size_t)c->size);
}

static lac_status spread(lac_comm *c, void *x, size_t bytes, int root)
{
    ((tcp *)c->state)->number++;
    if (c->rank == root && root > 0)
        return give(c, 0, BROADCAST, x, bytes);
    if (c->rank > 0)
        return take(c, 0, BROADCAST, x, bytes);
    if (root > 0)
        LAC_TRY(take(c, root, BROADCAST, x, bytes));
    return give_all(c, root, BROADCAST, x, bytes);
}

static lac_status all_reduce(lac_comm *c, float *x, int64_t n) { return lac_comm_ended(c, reduce_all(c, ALL_REDUCE, x, (size_t)n * sizeof *x)); }
static lac_status all_reduce_f64(lac_comm *c, double *x, int64_t n) { return lac_comm_ended(c, reduce_all(c, ALL_REDUCE_F64, x, (size_t)n * sizeof *x)); }
static lac_status reduce_scatter(lac_comm *c, float *to, const float *from, int64_t n_each) { return lac_comm_ended(c, sum_shares(c, to, from, n_each)); }
static lac_status all_gather(lac_comm *c, void *to, const void *from, size_t bytes) { return lac_comm_ended(c, gather(c, to, from, bytes)); }
static lac_status broadcast(lac_comm *c, void *x, size_t bytes, int root) { return lac_comm_ended(c, spread(c, x, bytes, root)); }

/* ---- beginning and end ---- */

/* Rank 0 leaves last: what it sent is read before its end is noticed. */
static void take_leave(lac_comm *c)
{
    tcp *t = c->state;
    const double begun = lac_seconds();
    bool gone = c->rank > 0;
    tell_others(c, c->rank, DONE, c->rank, "");
    while (!gone && !c->lost && lac_seconds() - begun < c->timeout) {
        poll(NULL, 0, 1);
        if (listen_around(c) != LAC_OK)
            return;
        gone = true;
        for (int r = 1; r < c->size; r++)
            gone &= t->done[r];
    }
}

static void release(tcp *t, int size)
{
    for (int r = 0; t->peer != NULL && r < size; r++) {
        if (t->peer[r].data >= 0)
            close(t->peer[r].data);
        if (t->peer[r].control >= 0)
            close(t->peer[r].control);
    }
    free(t->peer);
    free(t->done);
    free(t->here);
    free(t->sum);
    free(t->part);
    free(t);
}

static void end(lac_comm *c)
{
    tcp *t = c->state;
    if (!c->lost)
        take_leave(c);
    release(t, c->size);
    free(c);
}

static lac_status prepare(tcp *t, int size)
{
    LAC_TRY(lac_calloc((void **)&t->peer, (size_t)size, sizeof *t->peer));
    for (int r = 0; r < size; r++)
        t->peer[r] = (lac_peer){ -1, -1 };
    LAC_TRY(lac_calloc((void **)&t->done, (size_t)size, sizeof *t->done));
    LAC_TRY(lac_calloc((void **)&t->here, (size_t)size, sizeof *t->here));
    LAC_TRY(lac_aligned_alloc((void **)&t->sum, PIECE));
    return lac_aligned_alloc((void **)&t->part, PIECE);
}

static lac_status build(tcp *t, const lac_launch *l, double timeout, lac_comm **c)
{
    LAC_TRY(prepare(t, l->size));
    LAC_TRY(lac_rendezvous(l, timeout, t->peer));
    LAC_TRY(lac_calloc((void **)c, 1, sizeof **c));
    **c = (lac_comm){ .kind = "tcp", .rank = l->rank, .size = l->size, .timeout = timeout, .state = t, .all_reduce = all_reduce,
                      .all_reduce_f64 = all_reduce_f64, .reduce_scatter = reduce_scatter, .all_gather = all_gather, .broadcast = broadcast,
                      .attend = attend, .abort = tell_all, .free = end };
    return LAC_OK;
}

lac_status lac_comm_tcp(lac_comm **c, const lac_launch *l, double timeout)
{
    tcp *t = NULL;
    *c = NULL;
    LAC_TRY(lac_calloc((void **)&t, 1, sizeof *t));
    const lac_status s = build(t, l, timeout, c);
    if (s != LAC_OK)
        release(t, l->size);
    return s;
}
