/* benchmarks/measure.h -- side by side timing: candidates alternate for a number of rounds on the same inputs. */
#pragma once

#include "core/memory.h"
#include "core/tensor.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static inline void stop_on(lac_status s)
{
    if (s == LAC_OK)
        return;
    fprintf(stderr, "bench: %s\n", lac_error_message());
    exit(1);
}

/* Touched memory in huge pages. */
static inline void *bench_memory(size_t size)
{
    void *p;
    const size_t page = 2 << 20, whole = (size / page + 1) * page;
    stop_on(lac_aligned_pages(&p, whole, page));
    madvise(p, whole, MADV_HUGEPAGE);
    for (size_t i = 0; i < whole; i += 4096)
        ((char *)p)[i] = 0;
    return p;
}

/* Values in [-1, 1), never zeros: zeros run faster. */
static inline void *bench_random(int64_t n, lac_dtype d)
{
    void *p = bench_memory((size_t)n * lac_dtype_size(d));
    uint32_t state = 12345;
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        const float v = (float)(state >> 8) / 8388608.0f - 1.0f;
        lac_from_f32((char *)p + i * (int64_t)lac_dtype_size(d), d, &v, 1);
    }
    return p;
}

typedef struct candidate {
    void (*run)(void *context);
    void *context;
    double times[64], median, best;
} candidate;

static inline int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Wall time; with one thread the thread's own time, which other load on the machine disturbs less. */
static inline double bench_now(void)
{
    struct timespec t;
    if (omp_get_max_threads() > 1)
        return omp_get_wtime();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Each round runs each candidate for about `seconds`, once at least, and takes the fastest call of that stretch. */
static inline void alternate(candidate *c, int n, int rounds, double seconds)
{
    for (int i = 0; i < n; i++)
        c[i].run(c[i].context), c[i].run(c[i].context);
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < n; i++) {
            const double start = bench_now();
            double best = 1e9;
            do {
                const double t = bench_now();
                c[i].run(c[i].context);
                const double took = bench_now() - t;
                best = took < best ? took : best;
            } while (bench_now() - start < seconds);
            c[i].times[r] = best;
        }
    for (int i = 0; i < n; i++) {
        qsort(c[i].times, (size_t)rounds, sizeof(double), by_value);
        c[i].median = c[i].times[rounds / 2];
        c[i].best = c[i].times[0];
    }
}
