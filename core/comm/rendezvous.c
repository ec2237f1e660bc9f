#include "core/comm/rendezvous.h"

#include "core/clock.h"
#include "core/comm/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DATA, CONTROL, CHANNELS };
enum { WELCOME, OTHER_RUN, REFUSED, LATE };         /* all are here; come again later; it cannot be; others did not come */
static const char magic[8] = "LACUNA1";
static const double hello_seconds = 2;              /* for a rank that has connected to say who it is */

typedef struct hello { char magic[8]; uint64_t token; int32_t rank, size, channel, zero; } hello;
typedef struct answer { char magic[8]; int32_t verdict; char text[500]; } answer;

/* n bytes within so many seconds. */
static bool receive(int fd, void *to, size_t n, double seconds)
{
    const double begun = lac_seconds();
    size_t got = 0;
    while (got < n) {
        struct pollfd p = { fd, POLLIN, 0 };
        const double left = seconds - (lac_seconds() - begun);
        if (left <= 0 || poll(&p, 1, (int)(LAC_MIN(left, 1000) * 1e3) + 1) < 0)
            return false;
        const ssize_t k = p.revents != 0 ? recv(fd, (char *)to + got, n - got, MSG_DONTWAIT) : 0;
        if (p.revents != 0 && (k == 0 || (k < 0 && errno != EAGAIN && errno != EINTR)))
            return false;
        got += (size_t)LAC_MAX(k, 0);
    }
    return true;
}

/* As short as it is, it fits into the socket's buffer. */
static bool send_short(int fd, const void *x, size_t n) { return send(fd, x, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n; }

static void reply(int fd, int verdict, const char *text)
{
    answer a = { .verdict = verdict };
    memcpy(a.magic, magic, sizeof magic);
    snprintf(a.text, sizeof a.text, "%s", text);
    send_short(fd, &a, sizeof a);
}

static void without_delay(int fd)
{
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int *socket_of(lac_peer *p, int channel) { return channel == DATA ? &p->data : &p->control; }

/* ---- rank 0 ---- */

static void more_files(int ranks)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < (rlim_t)ranks * CHANNELS + 256) {
        r.rlim_cur = LAC_MIN(r.rlim_max, (rlim_t)ranks * CHANNELS + 256);
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

/* On every address of this machine, v6 and v4; v4 alone where the system has no v6. */
static int listen_at(int port)
{
    const int yes = 1, no = 0;
    const struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = in6addr_any };
    const struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    const int fd6 = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), fd = fd6 >= 0 ? fd6 : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd6 >= 0)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    const struct sockaddr *at = fd6 >= 0 ? (const void *)&six : (const void *)&four;
    if (bind(fd, at, fd6 >= 0 ? sizeof six : sizeof four) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    const int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static void answer_all(const lac_launch *l, lac_peer *peer, int verdict, const char *text)
{
    for (int r = 1; r < l->size; r++)
        for (int k = 0; k < CHANNELS; k++)
            if (*socket_of(&peer[r], k) >= 0)
                reply(*socket_of(&peer[r], k), verdict, text);
}

/* What a rank of this run says of itself must fit what this one knows. */
static lac_status check_hello(const lac_launch *l, lac_peer *peer, const hello *h)
{
    if (h->size != l->size)
        return LAC_FAIL(LAC_ERR_CONFIG, "rank %d counts %d ranks, rank 0 counts %d", h->rank, h->size, l->size);
    if (h->rank < 1 || h->rank >= l->size || h->channel < 0 || h->channel >= CHANNELS)
        return LAC_FAIL(LAC_ERR_CONFIG, "somebody says to be rank %d of %d", h->rank, l->size);
    if (*socket_of(&peer[h->rank], h->channel) >= 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "two processes say to be rank %d of %d", h->rank, l->size);
    return LAC_OK;
}

/* One connection that has come: *n grows if it is a rank's. */
static lac_status admit(const lac_launch *l, lac_peer *peer, int fd, int *n)
{
    hello h;
    if (!receive(fd, &h, sizeof h, hello_seconds) || memcmp(h.magic, magic, sizeof magic) != 0) {
        close(fd);
        return LAC_OK;
    }
    if (h.token != l->token) {
        reply(fd, OTHER_RUN, "");
        close(fd);
        return LAC_OK;
    }
    const lac_status s = check_hello(l, peer, &h);
    if (s != LAC_OK) {
        reply(fd, REFUSED, lac_error_message());
        close(fd);
        return s;
    }
    without_delay(fd);
    *socket_of(&peer[h.rank], h.channel) = fd;
    ++*n;
    return LAC_OK;
}

static lac_status missing(const lac_launch *l, const lac_peer *peer, double timeout)
{
    char names[400] = "";
    size_t length = 0;
    for (int r = 1; r < l->size; r++)
        if ((peer[r].data < 0 || peer[r].control < 0) && length + 16 < sizeof names)
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%d", length ? ", " : "", r);
    return LAC_FAIL(LAC_ERR_TIMEOUT, "waited %.0f s at port %d; no sign of rank %s of %d", timeout, l->port, names, l->size);
}

static lac_status gather_at(int listening, const lac_launch *l, double timeout, lac_peer *peer)
{
    const double begun = lac_seconds();
    for (int n = 0; n < CHANNELS * (l->size - 1);) {
        struct pollfd p = { listening, POLLIN, 0 };
        const double left = timeout - (lac_seconds() - begun);
        if (left <= 0)
            return missing(l, peer, timeout);
        if (poll(&p, 1, (int)(LAC_MIN(left, 1000) * 1e3) + 1) <= 0)
            continue;
        const int fd = accept(listening, NULL, NULL);
        if (fd >= 0)
            LAC_TRY(admit(l, peer, fd, &n));
        else if (errno == EMFILE || errno == ENFILE)
            return LAC_FAIL(LAC_ERR_IO, "%d ranks need %d open files in rank 0: %s (ulimit -n)", l->size, CHANNELS * l->size, strerror(errno));
    }
    return LAC_OK;
}

static lac_status receive_all(const lac_launch *l, double timeout, lac_peer *peer)
{
    more_files(l->size);
    const int listening = listen_at(l->port);
    if (listening < 0)
        return LAC_FAIL(LAC_ERR_IO, "rank 0 cannot listen at port %d: %s", l->port, strerror(errno));
    const lac_status s = gather_at(listening, l, timeout, peer);
    close(listening);
    answer_all(l, peer, s == LAC_OK ? WELCOME : s == LAC_ERR_TIMEOUT ? LATE : REFUSED, s == LAC_OK ? "" : lac_error_message());
    return s;
}

/* ---- the others ---- */

/* A connection to one address within `seconds`; -1 with errno. */
static int connect_to(const struct addrinfo *at, double seconds)
{
    int error = 0;
    socklen_t n = sizeof error;
    const int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
        struct pollfd p = { fd, POLLOUT, 0 };
        error = errno;
        if (error == EINPROGRESS && poll(&p, 1, (int)(seconds * 1e3)) == 1)
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);
        else if (error == EINPROGRESS)
            error = ETIMEDOUT;
    }
    if (error == 0)
        return without_delay(fd), fd;
    close(fd);
    errno = error;
    return -1;
}

/* Whatever address of the host answers first; -1 with the reason in words. */
static int reach(const lac_launch *l, double seconds, char *why, size_t size)
{
    const struct addrinfo wish = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    char port[16];
    int fd = -1;
    snprintf(port, sizeof port, "%d", l->port);
    const int error = getaddrinfo(l->host, port, &wish, &found);
    if (error != 0) {
        snprintf(why, size, "%s", gai_strerror(error));
        return -1;
    }
    for (const struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next)
        fd = connect_to(a, seconds);
    if (fd < 0)
        snprintf(why, size, "%s", strerror(errno));
    freeaddrinfo(found);
    return fd;
}

/* Rank 0 may refuse the first channel and be gone before the second has sent: what it said lies in the first all the same. */
static void introduce(const lac_launch *l, lac_peer *zero)
{
    for (int k = 0; k < CHANNELS; k++) {
        hello h = { .token = l->token, .rank = l->rank, .size = l->size, .channel = k };
        memcpy(h.magic, magic, sizeof magic);
        send_short(*socket_of(zero, k), &h, sizeof h);
    }
}

static void hang_up(lac_peer *zero)
{
    for (int k = 0; k < CHANNELS; k++) {
        if (*socket_of(zero, k) >= 0)
            close(*socket_of(zero, k));
        *socket_of(zero, k) = -1;
    }
}

/* One try: LAC_OK with both sockets open, or with none and the reason why it may be tried again. */
static lac_status try_once(const lac_launch *l, double left, lac_peer *zero, char *why, size_t size)
{
    answer a[CHANNELS];
    for (int k = 0; k < CHANNELS; k++)
        if ((*socket_of(zero, k) = reach(l, LAC_MIN(left, 5), why, size)) < 0)
            return hang_up(zero), LAC_OK;
    bool heard = true;
    introduce(l, zero);
    for (int k = 0; k < CHANNELS && heard; k++) {
        heard = receive(*socket_of(zero, k), &a[k], sizeof a[k], left + hello_seconds) && memcmp(a[k].magic, magic, sizeof magic) == 0;
        a[k].text[sizeof a[k].text - 1] = '\0';
        if (heard && (a[k].verdict == REFUSED || a[k].verdict == LATE))
            return hang_up(zero), LAC_FAIL(a[k].verdict == LATE ? LAC_ERR_TIMEOUT : LAC_ERR_CONFIG, "rank 0 says: %s", a[k].text);
        if (heard && a[k].verdict == WELCOME)
            continue;
        snprintf(why, size, "%s", heard ? "there waits another run, or another build" : "who listens there is no rank of this run");
        heard = false;
    }
    if (!heard)
        hang_up(zero);
    return LAC_OK;
}

static lac_status call_first(const lac_launch *l, double timeout, lac_peer *zero)
{
    char why[200] = "";
    const double begun = lac_seconds();
    for (int tries = 0; lac_seconds() - begun < timeout; tries++) {
        LAC_TRY(try_once(l, timeout - (lac_seconds() - begun), zero, why, sizeof why));
        if (zero->control >= 0)
            return LAC_OK;
        nanosleep(&(struct timespec){ .tv_nsec = tries < 10 ? 50000000 : 500000000 }, NULL);
    }
    return LAC_FAIL(LAC_ERR_TIMEOUT, "waited %.0f s; no sign of rank 0 of %d at '%s', port %d: %s", timeout, l->size, l->host, l->port, why);
}

lac_status lac_rendezvous(const lac_launch *l, double timeout, lac_peer *peer)
{
    return l->rank == 0 ? receive_all(l, timeout, peer) : call_first(l, timeout, &peer[0]);
}
