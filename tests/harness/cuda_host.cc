#include "tests/harness/cuda_host.h"

#include <cstdio>
#include <csetjmp>
#include <cstdlib>
#include <sys/mman.h>
#include <ucontext.h>

lac_cuda_index gridDim, blockDim, blockIdx, threadIdx;

enum { MAX_THREADS = 1024, WARP = 32, STACK = 256 << 10, SLOT = 16 };
enum state { READY, AT_BARRIER, AT_SHUFFLE, DONE };

/* A fibre is made once and goes from block to block. swapcontext would ask the system twice at each turn; jumps do not. */
struct fibre {
    jmp_buf place;
    void *stack;                        /* NULL: not made yet */
    state at;
    unsigned shuffles;                  /* how many lie behind it: its value is in slot[shuffles % 2] */
    alignas(SLOT) char slot[2][SLOT];
};

static fibre fibres[MAX_THREADS];
static jmp_buf scheduler;
static void (*entry)(void *);
static void *entry_context;
static bool downwards;
static unsigned self;

extern "C" void lac_cuda_host_downwards(bool on) { downwards = on; }

static void stop(const char *what)
{
    fprintf(stderr, "cuda host: %s (block %u of %u, %u threads)\n", what, blockIdx.x, gridDim.x, blockDim.x);
    abort();
}

/* Back to the scheduler until it comes round again. */
static void give_way(state at)
{
    fibre *f = &fibres[self];
    f->at = at;
    if (_setjmp(f->place) == 0)
        _longjmp(scheduler, 1);
}

static void body()
{
    for (;;) {
        entry(entry_context);
        give_way(DONE);
    }
}

void __syncthreads() { give_way(AT_BARRIER); }

void __syncwarp() { char nothing = 0; lac_cuda_host_shuffle(&nothing, 1, 0); }

void lac_cuda_host_shuffle(void *value, size_t size, int flip)
{
    if (size > SLOT)
        stop("a shuffle of too large a value");
    const unsigned i = self, turn = fibres[i].shuffles++ % 2;
    memcpy(fibres[i].slot[turn], value, size);
    give_way(AT_SHUFFLE);
    memcpy(value, fibres[i ^ (unsigned)flip].slot[turn], size);
}

/* Left by a jump: what the address sanitizer lays around its variables would stay. */
__attribute__((no_sanitize_address)) static void make(fibre *f)
{
    ucontext_t context;
    f->stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (f->stack == MAP_FAILED)
        stop("no memory for a fibre");
    getcontext(&context);
    context.uc_stack.ss_sp = f->stack;
    context.uc_stack.ss_size = STACK;
    context.uc_link = NULL;
    makecontext(&context, body, 0);
    setcontext(&context);
}

static void resume(unsigned i)
{
    self = threadIdx.x = i;
    if (_setjmp(scheduler) != 0)
        return;
    if (fibres[i].stack == NULL)
        make(&fibres[i]);
    else
        _longjmp(fibres[i].place, 1);
}

/* Lets the threads from..to go on if they all wait for this; those of a barrier may have ended instead. */
static bool release(unsigned from, unsigned to, state at)
{
    unsigned waiting = 0, ended = 0;
    for (unsigned i = from; i < to; i++) {
        waiting += fibres[i].at == at;
        ended += fibres[i].at == DONE;
    }
    if (waiting == 0 || waiting + (at == AT_BARRIER ? ended : 0) < to - from)
        return false;
    for (unsigned i = from; i < to; i++)
        fibres[i].at = fibres[i].at == at ? READY : fibres[i].at;
    return true;
}

static bool run_ready()
{
    bool any = false;
    for (unsigned k = 0; k < blockDim.x; k++) {
        const unsigned i = downwards ? blockDim.x - 1 - k : k;
        if (fibres[i].at != READY)
            continue;
        resume(i);
        any = true;
    }
    return any;
}

static void run_block()
{
    for (unsigned i = 0; i < blockDim.x; i++) {
        fibres[i].at = READY;
        fibres[i].shuffles = 0;
    }
    for (bool going = true; going;) {
        going = run_ready();
        for (unsigned i = 0; i < blockDim.x; i += WARP)
            going |= release(i, i + WARP, AT_SHUFFLE);
        going |= release(0, blockDim.x, AT_BARRIER);
    }
    for (unsigned i = 0; i < blockDim.x; i++)
        if (fibres[i].at != DONE)
            stop(fibres[i].at == AT_SHUFFLE ? "a shuffle that a lane of the warp stays away from" : "a barrier that threads stay away from");
}

void lac_cuda_host_run(unsigned blocks, unsigned threads, void (*thread)(void *), void *context)
{
    gridDim.x = blocks;
    blockDim.x = threads;
    entry = thread;
    entry_context = context;
    if (threads == 0 || threads > MAX_THREADS || threads % WARP != 0)
        stop("blocks are of whole warps, of 1024 threads at most");
    for (unsigned b = 0; b < blocks; b++) {
        blockIdx.x = downwards ? blocks - 1 - b : b;
        run_block();
    }
}
