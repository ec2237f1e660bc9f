/* core/cuda/kernel.h and the host that stands in for a GPU (harness/cuda_host.h). */
#include "core/cuda/columns_kernel.h"
#include "core/cuda/kernel.h"

extern "C" {
#include "tests/harness/test.h"
}

#include <vector>

/* What one thread of a grid is given to do. */
struct seen { int64_t n, first, last; bool steps; };

static seen walk(unsigned block, unsigned blocks, unsigned thread, unsigned threads, int64_t n)
{
    seen s = { 0, -1, -1, true };
    gridDim.x = blocks, blockDim.x = threads, blockIdx.x = block, threadIdx.x = thread;
    for LAC_EACH(i, n) {
        s.first = s.n == 0 ? i : s.first;
        s.steps = s.steps && (s.n == 0 || i - s.last == (int64_t)blocks * threads);
        s.last = i;
        s.n++;
    }
    return s;
}

static void check_walk(unsigned block, unsigned blocks, unsigned thread, unsigned threads, int64_t n)
{
    const seen s = walk(block, blocks, thread, threads, n);
    const int64_t first = (int64_t)block * threads + thread, stride = (int64_t)blocks * threads;
    LAC_CHECK(s.steps && s.n == (first < n ? (n - 1 - first) / stride + 1 : 0));
    LAC_CHECK(s.n == 0 || (s.first == first && s.last < n && s.last + stride >= n));
}

LAC_TEST(each_index_comes_once_past_two_to_the_31st)
{
    const int64_t n = ((int64_t)1 << 31) + 1000;
    for (unsigned thread : { 0u, 1u, 255u })
        for (unsigned block : { 0u, 1u, 40000u, 65535u })
            check_walk(block, 65536, thread, 256, n);
    check_walk(0, 1, 31, 256, (int64_t)1 << 31);                        /* few threads, many steps */
    const unsigned most = 2147483647u;                                  /* the largest grid there is: its stride is 2^41 */
    for (unsigned block : { 0u, 5000000u, most - 1 })
        check_walk(block, most, 1023, 1024, ((int64_t)1 << 42) + 7);
    LAC_CHECK(walk(0, 1, 0, 32, 0).n == 0);
}

static __global__ void count(int *times, int64_t n)
{
    for LAC_EACH(i, n)
        times[i]++;
}

LAC_TEST(a_launch_covers_every_element)
{
    for (int64_t n : { 1, 31, 256, 257, 5000 }) {
        std::vector<int> times((size_t)n);
        LAC_CHECK_STATUS(lac_launch(lac_grid_each(n), count, times.data(), n));
        LAC_CHECK_STATUS(lac_launch(lac_grid{ 3, 64 }, count, times.data(), n));
        for (int t : times)
            LAC_CHECK(t == 2);
    }
    LAC_CHECK_STATUS(lac_launch(lac_grid_each(0), count, (int *)NULL, 0));
    LAC_CHECK(lac_grid_each((int64_t)1 << 40).blocks == LAC_MAX_BLOCKS);
}

static __global__ void reduce(double *sum, float *most, const float *x, int64_t n)
{
    double s = 0;
    float m = -INFINITY;
    for LAC_EACH(i, n) {
        s += (double)x[i];
        m = x[i] > m ? x[i] : m;
    }
    for (int turn = 0; turn < 2; turn++) {              /* the second uses the memory of the first */
        sum[turn * blockDim.x + threadIdx.x] = lac_block_sum((double)(turn + 1) * s);
        most[turn * blockDim.x + threadIdx.x] = lac_block_max((float)(turn + 1) * m);
    }
}

LAC_TEST(a_block_adds_up_and_finds_the_largest)
{
    for (unsigned threads : { 32u, 64u, 256u, 1024u })
        for (int downwards = 0; downwards < 2; downwards++) {
            std::vector<float> x(3000), most(2 * threads);
            std::vector<double> sum(2 * threads);
            for (int i = 0; i < 3000; i++)
                x[(size_t)i] = (float)(i * 7919 % 3000) - 4000.0f;         /* every number of -4000 .. -1001, once */
            lac_cuda_host_downwards(downwards);
            LAC_CHECK_STATUS(lac_launch(lac_grid{ 1, threads }, reduce, sum.data(), most.data(), x.data(), (int64_t)3000));
            lac_cuda_host_downwards(false);
            for (unsigned t = 0; t < 2 * threads; t++)
                LAC_CHECK(sum[t] == -3000.0 * 5001 / 2 * (1 + t / threads) && most[t] == -1001.0f * (float)(1 + t / threads));
        }
}

/* A kernel as it must not be: what a neighbour wrote is read without a barrier. */
static __global__ void hasty(int *got)
{
    __shared__ int slot[64];
    slot[threadIdx.x] = 0;
    __syncthreads();
    slot[threadIdx.x] = 1;
    got[threadIdx.x] = slot[(threadIdx.x + 1) % 64];
}

LAC_TEST(a_missing_barrier_shows_when_threads_run_the_other_way)
{
    int up[64], down[64];
    LAC_CHECK_STATUS(lac_launch(lac_grid{ 1, 64 }, hasty, up));
    lac_cuda_host_downwards(true);
    LAC_CHECK_STATUS(lac_launch(lac_grid{ 1, 64 }, hasty, down));
    lac_cuda_host_downwards(false);
    LAC_CHECK(memcmp(up, down, sizeof up) != 0);
}

template <int V, typename T> static __global__ void copy(T *to, const T *from, bool add)
{
    for LAC_EACH(i, 64 / V) {
        float v[V];
        lac_load(v, from + i * V);
        lac_put(to + i * V, v, add);
    }
}

template <typename T> static void check_copy(T like)
{
    alignas(16) T x[64], wide[64], narrow[64];
    for (int i = 0; i < 64; i++)
        lac_store(&x[i], (float)i * 1.37f - 40);
    for (int add = 0; add < 2; add++) {
        LAC_CHECK_STATUS(lac_launch(lac_grid_each(8), copy<LAC_WIDE, T>, wide, (const T *)x, add));
        LAC_CHECK_STATUS(lac_launch(lac_grid_each(64), copy<1, T>, narrow, (const T *)x, add));
        LAC_CHECK(memcmp(wide, narrow, sizeof wide) == 0);
        for (int i = 0; i < 64; i++)
            LAC_CHECK(lac_f32(wide[i]) == (float)(1 + add) * lac_f32(x[i]));
    }
    (void)like;
}

LAC_TEST(sixteen_bytes_at_a_time_are_the_same_elements)
{
    check_copy(float());
    check_copy(lac_bf16());
    alignas(16) float x[8];
    LAC_CHECK(lac_wide(16, x, (void *)NULL) && !lac_wide(16, x + 1) && !lac_wide(12, x));
}

LAC_TEST(areas_of_a_workspace_lie_on_256_bytes_inside_it)
{
    alignas(64) static char memory[4096];
    lac_areas sizing(NULL), real(memory + 64);
    for (lac_areas *a : { &sizing, &real }) {
        const char *first = a->take<char>(100), *second = a->take<char>(300), *rest = a->take<char>(0);
        LAC_CHECK(a == &sizing ? rest == NULL : ((uintptr_t)first & 255) == 0 && second == first + 256 && rest == second + 512);
    }
    LAC_CHECK(real.base + real.used <= memory + 64 + sizing.size());
    LAC_CHECK(lac_areas(NULL).size() == 0);
}

/* a[i][j] b[i][j] scale[i], of which no matrix lies anywhere. */
struct scaled_product {
    const float *a, *b, *scale;
    int64_t columns;
    template <int V> __device__ void operator()(float (&v)[V], int64_t i, int64_t j) const
    {
        float u[V];
        lac_load(v, a + i * columns + j);
        lac_load(u, b + i * columns + j);
        for (int k = 0; k < V; k++)
            v[k] *= u[k] * scale[i];
    }
};

static void check_products(int64_t rows, int64_t columns)
{
    std::vector<float4> a4((size_t)(rows * columns) / 4 + 1), b4(a4.size());           /* 16-byte aligned */
    std::vector<float> scale((size_t)rows), sums((size_t)columns, 1.0f), workspace(lac_cuda_column_sums_workspace(rows, columns) / sizeof(float));
    float *a = (float *)a4.data(), *b = (float *)b4.data();
    for (int64_t i = 0; i < rows * columns; i++)
        a[i] = (float)(i * 37 % 101) / 50 - 1, b[i] = (float)(i * 53 % 89) / 44 - 1;
    for (int64_t i = 0; i < rows; i++)
        scale[(size_t)i] = (float)(i % 7);
    for (bool add : { false, true })
        LAC_CHECK_STATUS(lac_typed(lac_wide(columns, a, b), [&](auto v) {
            return lac_columns<v>(sums.data(), add, scaled_product{ a, b, scale.data(), columns }, rows, columns, workspace.data());
        }));
    for (int64_t j = 0; j < columns; j++) {
        double sum = 0;
        for (int64_t i = 0; i < rows; i++)
            sum += (double)a[i * columns + j] * b[i * columns + j] * scale[(size_t)i];
        LAC_CHECK(std::abs(sums[(size_t)j] - 2 * sum) < 1e-5 * (double)rows + 1e-12);      /* f32 sums of terms below 7; overwritten, then added to */
    }
}

LAC_TEST(columns_of_products_add_up)
{
    check_products(0, 3);
    check_products(1, 1);
    check_products(700, 5);
    check_products(2001, 48);
}
