#include "core/cpu/peak.h"

#include "core/clock.h"
#include "core/cpu/features.h"
#include "core/memory.h"
#include "core/threads.h"

#include <stdlib.h>
#include <string.h>

enum { COPY_SIZE = 64 << 20, BLOCK_ROUNDS = 4000, FMA_CHAINS = 256 };

typedef float fma_kernel(float factor, int64_t rounds);
fma_kernel lac_peak_fma_base;
#ifdef __x86_64__
fma_kernel lac_peak_fma_v3, lac_peak_fma_v4;
#endif

static fma_kernel *kernel_here(void)
{
#ifdef __x86_64__
    switch (lac_cpu_level_here()) {
    case LAC_LEVEL_V4: return lac_peak_fma_v4;
    case LAC_LEVEL_V3: return lac_peak_fma_v3;
    case LAC_LEVEL_BASE: break;
    }
#endif
    return lac_peak_fma_base;
}

/* The best of what fits into a tenth of a second, in 1e9 operations. */
static double fma_gflops(void)
{
    fma_kernel *run = kernel_here();
    volatile float sink[LAC_BLOCKS];
    const double end = lac_seconds() + 0.1;
    double best = 0;
    do {
        const double start = lac_seconds();
        LAC_PARALLEL_BLOCKS(b, from, to, LAC_BLOCKS)
            sink[b] = run(0.5f, BLOCK_ROUNDS * (to - from));
        best = LAC_MAX(best, 2e-9 * FMA_CHAINS * BLOCK_ROUNDS * LAC_BLOCKS / (lac_seconds() - start));
    } while (lac_seconds() < end);
    (void)sink;
    return best;
}

static void copy(char *to, const char *from)
{
    LAC_PARALLEL_BLOCKS(b, begin, end, COPY_SIZE)
        memcpy(to + begin, from + begin, (size_t)(end - begin));
}

static double copy_gbs(char *to, char *from)
{
    double best = 0;
    memset(from, 1, COPY_SIZE);
    copy(to, from);
    const double end = lac_seconds() + 0.1;
    do {
        const double start = lac_seconds();
        copy(to, from);
        best = LAC_MAX(best, 2e-9 * COPY_SIZE / (lac_seconds() - start));
    } while (lac_seconds() < end);
    return best;
}

lac_status lac_peak_measure(lac_peak *p)
{
    void *both;
    LAC_TRY(lac_aligned_alloc(&both, 2 * (size_t)COPY_SIZE));
    p->copy_gbs = copy_gbs(both, (char *)both + COPY_SIZE);
    p->fma_gflops = fma_gflops();
    free(both);
    return LAC_OK;
}
