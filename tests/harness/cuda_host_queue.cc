#include "tests/harness/cuda_host_queue.h"

#include "tests/harness/cuda_host.h"

#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

using work = std::function<void()>;
struct lac_graph { std::vector<work> steps; };
struct lac_mark { size_t done; double when; };  /* how much work has to be done before it; when it was */

static std::vector<work> waiting, arriving;     /* what is not done yet; uploads that nobody has taken */
static std::map<const char *, size_t> device, pinned;
static lac_graph *capturing;
static bool late;
static size_t n_done;
static int64_t n_captures, n_replays;
static std::string ranges;

static void do_all(std::vector<work> &list)
{
    std::vector<work> now;
    now.swap(list);
    for (work &w : now)
        w();
    n_done += &list == &waiting ? now.size() : 0;
}

static bool inside(const std::map<const char *, size_t> &blocks, const void *p)
{
    auto after = blocks.upper_bound((const char *)p);
    return after != blocks.begin() && (const char *)p < std::prev(after)->first + std::prev(after)->second;
}

void lac_cuda_host_do(work w)
{
    if (capturing != nullptr)
        return capturing->steps.push_back(std::move(w));
    waiting.push_back(std::move(w));
    if (!late)
        do_all(waiting);
}

extern "C" {

void lac_cuda_host_late(bool on)
{
    do_all(waiting);
    late = on;
}

void lac_cuda_host_call(void (*f)(void *), const void *args, size_t size)
{
    const std::string copy((const char *)args, size);
    lac_cuda_host_do([f, copy] { f((void *)copy.data()); });
}

void lac_cuda_host_own(void *p, size_t size) { device[(const char *)p] = size; }

void lac_cuda_host_disown(void *p)
{
    do_all(waiting);
    device.erase((const char *)p);
}

int64_t lac_cuda_host_captures(void) { return n_captures; }
int64_t lac_cuda_host_replays(void) { return n_replays; }
const char *lac_cuda_host_ranges(void) { return ranges.c_str(); }

bool lac_cuda_capturing(void) { return capturing != nullptr; }

lac_status lac_cuda_copy(void *to, const void *from, size_t size)
{
    const bool there = inside(device, to) && inside(device, from);
    if (size == 0)
        return LAC_OK;
    if (capturing != nullptr && !there)
        return LAC_FAIL(LAC_ERR_STATE, "a copy of %zu bytes from or to the host inside captured work", size);
    if (there || ((inside(device, to) || inside(pinned, to)) && (inside(device, from) || inside(pinned, from)))) {
        lac_cuda_host_do([=] { memcpy(to, from, size); });
        return LAC_OK;
    }
    do_all(waiting);
    memcpy(to, from, size);
    return LAC_OK;
}

lac_status lac_cuda_fill_zero(void *to, size_t size)
{
    if (size > 0)
        lac_cuda_host_do([=] { memset(to, 0, size); });
    return LAC_OK;
}

static lac_status pin(void **p, size_t size)
{
    *p = malloc(size);
    memset(*p, 0xff, size);
    pinned[(const char *)*p] = size;
    return LAC_OK;
}

static void unpin(void *p, size_t)
{
    if (p == nullptr)
        return;
    do_all(arriving);
    do_all(waiting);
    pinned.erase((const char *)p);
    free(p);
}

static lac_status mark(lac_mark **m)
{
    if (*m == nullptr)
        *m = new lac_mark;
    (*m)->done = n_done + waiting.size();
    (*m)->when = 0;
    return LAC_OK;
}

/* No more than the contract asks for. */
static lac_status wait(lac_mark *m)
{
    while (n_done < m->done) {
        const work first = std::move(waiting.front());
        waiting.erase(waiting.begin());
        first();
        n_done++;
    }
    if (m->when == 0)
        m->when = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    return LAC_OK;
}

static lac_status elapsed(lac_mark *from, lac_mark *to, double *seconds)
{
    if (from->when == 0 || to->when == 0)
        return LAC_FAIL(LAC_ERR_STATE, "a mark that was not waited for has no time");
    *seconds = to->when - from->when;
    return LAC_OK;
}

static void unmark(lac_mark *m) { delete m; }

static lac_status finish(void)
{
    do_all(waiting);
    return LAC_OK;
}

static lac_status upload(void *to, const void *from, size_t size)
{
    if (!inside(pinned, from))
        return LAC_FAIL(LAC_ERR_ARG, "an upload from memory that is not pinned");
    arriving.push_back([=] { memcpy(to, from, size); });
    return LAC_OK;
}

static lac_status take(void *to, const void *from, size_t size)
{
    if (capturing != nullptr)
        return LAC_FAIL(LAC_ERR_STATE, "an upload is taken inside captured work");
    std::vector<work> now;
    now.swap(arriving);
    lac_cuda_host_do([=] {
        for (const work &w : now)
            w();
        memcpy(to, from, size);
    });
    return LAC_OK;
}

static lac_status begin(void)
{
    if (capturing != nullptr)
        return LAC_FAIL(LAC_ERR_STATE, "a capture inside a capture");
    capturing = new lac_graph;
    return LAC_OK;
}

static lac_status end(lac_graph **g)
{
    lac_graph *done = capturing;
    capturing = nullptr;
    if (g == nullptr)
        delete done;
    else
        *g = done, n_captures++;
    return LAC_OK;
}

static lac_status replay(lac_graph *g)
{
    n_replays++;
    for (const work &w : g->steps)
        lac_cuda_host_do(w);
    return LAC_OK;
}

static void drop(lac_graph *g) { delete g; }

static void open_range(const char *name) { ranges += std::string(name) + "{"; }
static void close_range(void) { ranges += "}"; }

const lac_queue lac_cuda_host_queue = {
    pin, unpin, mark, wait, unmark, elapsed, finish, upload, take, begin, end, replay, drop, open_range, close_range,
};

}
