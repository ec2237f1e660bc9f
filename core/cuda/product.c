#include "core/cuda/product.h"

#include "core/cuda/device.h"
#include "core/cuda/library.h"
#include "core/cuda/plans.h"
#include "core/cuda/timing.h"
#include "core/cuda/vector.h"
#include "core/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cuBLASLt counts columns first: a row-major C [m, n] is its C' [n, m], so it is asked for C' = B' A', and bias goes down its rows. */
typedef struct choice {
    lac_product p;                          /* without `add`: the algorithm is the same */
    cublasLtMatmulDesc_t call;
    cublasLtMatrixLayout_t a, b, c;
    cublasLtMatmulAlgo_t algorithm;
    size_t workspace, bias;                 /* bytes: the library's, and the bias in bf16 */
} choice;

enum { MOST_WORKSPACE = 32 << 20, PROPOSED = 8 };
static const lac_cublaslt *lt;
static cublasLtHandle_t handle;
static choice **known;
static int64_t n_known, room;

static lac_status status(cublasStatus_t s, const char *what)
{
    return s == CUBLAS_STATUS_SUCCESS ? LAC_OK : LAC_FAIL(s == CUBLAS_STATUS_ALLOC_FAILED ? LAC_ERR_MEM : LAC_ERR_LIBRARY, "cuBLASLt: %s fails: %s", what,
                                                          lt->cublasLtGetStatusString(s));
}

static lac_status start(void)
{
    if (handle != NULL)
        return LAC_OK;
    LAC_TRY(lac_cuda_start());
    LAC_TRY(lac_cublaslt_open(&lt));
    return status(lt->cublasLtCreate(&handle), "starting");
}

static cudaDataType_t type_of(lac_dtype d) { return d == LAC_BF16 ? CUDA_R_16BF : CUDA_R_32F; }

static void name(const lac_product *p, char text[LAC_CUDA_PLAN_KEY])
{
    snprintf(text, LAC_CUDA_PLAN_KEY, "product %s to %s%s, %" PRId64 " of %" PRId64 "x%" PRId64 "x%" PRId64 ", a %" PRId64 " %" PRId64 " %" PRId64
             ", b %" PRId64 " %" PRId64 " %" PRId64 ", c %" PRId64 " %" PRId64, lac_dtype_name(p->dtype), lac_dtype_name(p->c_dtype), p->bias ? " + bias" : "",
             p->batch, p->m, p->n, p->k, p->a_row, p->a_col, p->a_batch, p->b_row, p->b_col, p->b_batch, p->c_row, p->c_batch);
}

static lac_status layout(cublasLtMatrixLayout_t *l, lac_dtype d, int64_t rows, int64_t columns, int64_t step, int64_t batch, int64_t apart)
{
    const int32_t count = (int32_t)batch;
    LAC_TRY(status(lt->cublasLtMatrixLayoutCreate(l, type_of(d), (uint64_t)rows, (uint64_t)columns, step), "describing a matrix"));
    if (batch == 1)
        return LAC_OK;
    LAC_TRY(status(lt->cublasLtMatrixLayoutSetAttribute(*l, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count), "setting a batch"));
    return status(lt->cublasLtMatrixLayoutSetAttribute(*l, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &apart, sizeof apart), "setting a batch");
}

static lac_status set(choice *c, cublasLtMatmulDescAttributes_t attribute, const void *value, size_t size)
{
    return status(lt->cublasLtMatmulDescSetAttribute(c->call, attribute, value, size), "describing a product");
}

/* A matrix whose rows lie apart and whose columns are neighbours is, columns first, its transpose as it lies. */
static lac_status describe(choice *c)
{
    const lac_product *p = &c->p;
    const bool a_flat = p->a_col == 1, b_flat = p->b_col == 1;
    const cublasOperation_t op_b = b_flat ? CUBLAS_OP_N : CUBLAS_OP_T, op_a = a_flat ? CUBLAS_OP_N : CUBLAS_OP_T;
    const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    const cudaDataType_t bias = type_of(p->c_dtype);
    LAC_TRY(status(lt->cublasLtMatmulDescCreate(&c->call, CUBLAS_COMPUTE_32F, CUDA_R_32F), "describing a product"));
    LAC_TRY(set(c, CUBLASLT_MATMUL_DESC_TRANSA, &op_b, sizeof op_b));
    LAC_TRY(set(c, CUBLASLT_MATMUL_DESC_TRANSB, &op_a, sizeof op_a));
    if (p->bias) {
        LAC_TRY(set(c, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
        LAC_TRY(set(c, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &bias, sizeof bias));
        c->bias = p->c_dtype == LAC_F32 ? 0 : ((size_t)p->n * sizeof(uint16_t) + 255) / 256 * 256;
    }
    LAC_TRY(b_flat ? layout(&c->b, p->dtype, p->n, p->k, LAC_MAX(p->b_row, p->n), p->batch, p->b_batch)
                   : layout(&c->b, p->dtype, p->k, p->n, LAC_MAX(p->b_col, p->k), p->batch, p->b_batch));
    LAC_TRY(a_flat ? layout(&c->a, p->dtype, p->k, p->m, LAC_MAX(p->a_row, p->k), p->batch, p->a_batch)
                   : layout(&c->a, p->dtype, p->m, p->k, LAC_MAX(p->a_col, p->m), p->batch, p->a_batch));
    return layout(&c->c, p->c_dtype, p->n, p->m, LAC_MAX(p->c_row, p->n), p->batch, p->c_batch);
}

static lac_status limit(cublasLtMatmulPreference_t wish, cublasLtMatmulPreferenceAttributes_t attribute, uint32_t value)
{
    return status(lt->cublasLtMatmulPreferenceSetAttribute(wish, attribute, &value, sizeof value), "setting a limit");
}

/* Of a matrix in bytes: 16, or what its rows and batches leave of that. */
static uint32_t alignment(int64_t row, int64_t batch, lac_dtype d)
{
    const uint64_t step = (uint64_t)(row | batch) * lac_dtype_size(d) | 16;
    return (uint32_t)(step & -step);
}

/* No partial sums in place: those are added by whoever comes first. */
static lac_status limits(cublasLtMatmulPreference_t wish, const lac_product *p)
{
    const uint32_t a = alignment(LAC_MAX(p->a_row, p->a_col), p->a_batch, p->dtype), b = alignment(LAC_MAX(p->b_row, p->b_col), p->b_batch, p->dtype);
    const uint32_t c = alignment(p->c_row, p->c_batch, p->c_dtype);
    const size_t most = MOST_WORKSPACE;
    LAC_TRY(status(lt->cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, sizeof most), "setting a limit"));
    LAC_TRY(limit(wish, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_NONE));
    LAC_TRY(limit(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, b));
    LAC_TRY(limit(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, a));
    LAC_TRY(limit(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, c));
    return limit(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, c);
}

static lac_status propose(const choice *c, cublasLtMatmulHeuristicResult_t found[PROPOSED], int *n)
{
    cublasLtMatmulPreference_t wish;
    char text[LAC_CUDA_PLAN_KEY];
    LAC_TRY(status(lt->cublasLtMatmulPreferenceCreate(&wish), "setting limits"));
    lac_status s = limits(wish, &c->p);
    if (s == LAC_OK)
        s = status(lt->cublasLtMatmulAlgoGetHeuristic(handle, c->call, c->b, c->a, c->c, c->c, wish, PROPOSED, found, n), "asking for algorithms");
    lt->cublasLtMatmulPreferenceDestroy(wish);
    name(&c->p, text);
    if (s == LAC_OK && *n == 0)
        s = LAC_FAIL(LAC_ERR_LIBRARY, "cuBLASLt has no algorithm");
    return lac_context(s, "%s", text);
}

static lac_status call(const choice *c, const cublasLtMatmulAlgo_t *algorithm, const void *a, const void *b, const void *bias, const void *onto, void *to,
                       void *workspace, size_t size)
{
    const float one = 1, beta = onto != NULL ? 1 : 0;
    if (bias != NULL)
        LAC_TRY(status(lt->cublasLtMatmulDescSetAttribute(c->call, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias), "setting the bias"));
    return status(lt->cublasLtMatmul(handle, c->call, &one, b, c->b, a, c->a, &beta, onto != NULL ? onto : to, c->c, to, c->c, algorithm, workspace, size, lac_cuda_stream()),
                  "a product");
}

/* Elements from the first to the last one that a matrix touches. */
static size_t extent(int64_t rows, int64_t row, int64_t columns, int64_t column, int64_t batch, int64_t apart)
{
    return (size_t)((rows - 1) * row + (columns - 1) * column + (batch - 1) * apart + 1);
}

typedef struct trials { const choice *c; const cublasLtMatmulHeuristicResult_t *found; void *a, *b, *to, *bias, *workspace; } trials;

static lac_status trial(void *context, int i)
{
    const trials *t = context;
    return call(t->c, &t->found[i].algo, t->a, t->b, t->c->p.bias ? t->bias : NULL, NULL, t->to, t->workspace, t->found[i].workspaceSize);
}

/* All operands in one piece of scratch: A | B | C | bias | workspace. */
static lac_status time_them(const choice *c, const cublasLtMatmulHeuristicResult_t *found, int n, int *best, double *us)
{
    const lac_product *p = &c->p;
    const size_t e = lac_dtype_size(p->dtype), round = 256;
    const size_t a = (extent(p->m, p->a_row, p->k, p->a_col, p->batch, p->a_batch) * e + round) / round * round;
    const size_t b = (extent(p->k, p->b_row, p->n, p->b_col, p->batch, p->b_batch) * e + round) / round * round;
    const size_t to = (extent(p->m, p->c_row, p->n, 1, p->batch, p->c_batch) * lac_dtype_size(p->c_dtype) + round) / round * round;
    const size_t bias = ((size_t)p->n * sizeof(float) + round) / round * round, size = a + b + to + bias + MOST_WORKSPACE;
    char *base;
    LAC_TRY(lac_cuda_scratch((void **)&base, size));
    trials t = { c, found, base, base + a, base + a + b, base + a + b + to, base + a + b + to + bias };
    const lac_status s = lac_cuda_fastest(trial, &t, n, best, us);
    lac_cuda_free(base, size);
    return s;
}

/* An algorithm as text: its workspace, then its words in hexadecimal, which the same version of the library understands. */
static void write_algorithm(const cublasLtMatmulHeuristicResult_t *r, char text[LAC_CUDA_PLAN_TEXT])
{
    int at = snprintf(text, LAC_CUDA_PLAN_TEXT, "workspace %zu algorithm", r->workspaceSize);
    for (size_t i = 0; i < LAC_COUNT(r->algo.data); i++)
        at += snprintf(text + at, (size_t)(LAC_CUDA_PLAN_TEXT - at), " %016" PRIx64, (uint64_t)r->algo.data[i]);
}

static bool read_algorithm(const choice *c, const char *text, cublasLtMatmulHeuristicResult_t *r)
{
    int used = 0;
    size_t size;
    if (sscanf(text, "workspace %zu algorithm%n", &size, &used) != 1 || used == 0)
        return false;
    for (size_t i = 0; i < LAC_COUNT(r->algo.data); i++) {
        char *end;
        r->algo.data[i] = strtoull(text + used, &end, 16);
        if (end == text + used)
            return false;
        used = (int)(end - text);
    }
    cublasLtMatmulHeuristicResult_t checked;
    const bool fits = lt->cublasLtMatmulAlgoCheck(handle, c->call, c->b, c->a, c->c, c->c, &r->algo, &checked) == CUBLAS_STATUS_SUCCESS;
    r->workspaceSize = fits ? checked.workspaceSize : 0;
    return fits && checked.workspaceSize <= MOST_WORKSPACE;
}

/* From the plan file, or timed now; where there is no memory to time in, the library's first proposal, for this time only. */
static lac_status choose(choice *c)
{
    cublasLtMatmulHeuristicResult_t found[PROPOSED];
    char key[LAC_CUDA_PLAN_KEY], text[LAC_CUDA_PLAN_TEXT];
    int n = 0, best = -1;
    double us;
    name(&c->p, key);
    const char *kept = lac_cuda_plan_find(key);
    if (kept != NULL && read_algorithm(c, kept, &found[0])) {
        best = 0;
    } else {
        LAC_TRY(propose(c, found, &n));
        if (time_them(c, found, n, &best, &us) == LAC_OK && best >= 0) {
            write_algorithm(&found[best], text);
            LAC_TRY(lac_cuda_plan_keep(key, text, us));
        }
        best = LAC_MAX(best, 0);
    }
    c->algorithm = found[best].algo;
    c->workspace = found[best].workspaceSize;
    return LAC_OK;
}

static void drop(choice *c)
{
    if (c->call != NULL)
        lt->cublasLtMatmulDescDestroy(c->call);
    cublasLtMatrixLayout_t layouts[] = { c->a, c->b, c->c };
    for (size_t i = 0; i < LAC_COUNT(layouts); i++)
        if (layouts[i] != NULL)
            lt->cublasLtMatrixLayoutDestroy(layouts[i]);
    free(c);
}

static lac_status make(choice **c, const lac_product *p)
{
    LAC_TRY(start());
    LAC_TRY(lac_calloc((void **)c, 1, sizeof **c));
    memcpy(&(*c)->p, p, sizeof *p);           /* with what lies between the members: find compares bytes */
    lac_status s = describe(*c);
    if (s == LAC_OK)
        s = choose(*c);
    if (s == LAC_OK)
        s = lac_grow((void **)&known, n_known, &room, sizeof *known);
    if (s != LAC_OK)
        drop(*c);
    else
        known[n_known++] = *c;
    return s;
}

static lac_status find(choice **c, const lac_product *p)
{
    lac_product wanted;
    memset(&wanted, 0, sizeof wanted);      /* compared byte by byte, so what lies between the members counts */
    wanted.batch = p->batch, wanted.m = p->m, wanted.n = p->n, wanted.k = p->k;
    wanted.a_row = p->a_row, wanted.a_col = p->a_col, wanted.b_row = p->b_row, wanted.b_col = p->b_col, wanted.c_row = p->c_row;
    if (p->batch > 1)
        wanted.a_batch = p->a_batch, wanted.b_batch = p->b_batch, wanted.c_batch = p->c_batch;
    wanted.dtype = p->dtype, wanted.c_dtype = p->c_dtype, wanted.bias = p->bias;
    for (int64_t i = 0; i < n_known; i++)
        if (memcmp(&known[i]->p, &wanted, sizeof wanted) == 0) {
            *c = known[i];
            return LAC_OK;
        }
    return make(c, &wanted);
}

static bool is_empty(const lac_product *p) { return p->batch == 0 || p->m == 0 || p->n == 0; }

lac_status lac_cuda_product_workspace(const lac_product *p, size_t *size)
{
    choice *c;
    *size = 0;
    if (is_empty(p) || p->k == 0)
        return LAC_OK;
    LAC_TRY(find(&c, p));
    *size = c->bias + (c->workspace + 255) / 256 * 256;
    return LAC_OK;
}

/* The epilogue takes a bias in the dtype of C. */
static lac_status narrow(const float *bias, int64_t n, void *to)
{
    lac_tensor f32, bf16;
    lac_tensor_shape(&f32, LAC_F32, 1, &n);
    lac_tensor_shape(&bf16, LAC_BF16, 1, &n);
    f32.data = (void *)bias;
    bf16.data = to;
    return lac_cuda_convert(&bf16, &f32);
}

/* Nothing summed: zero, or the C that is added to. C's rows may lie apart. */
static lac_status sum_of_nothing(const lac_product *p, void *to)
{
    const size_t e = lac_dtype_size(p->c_dtype);
    for (int64_t b = 0; b < p->batch && !p->add; b++)
        LAC_CUDA_TRY(cudaMemset2DAsync((char *)to + (size_t)(b * p->c_batch) * e, (size_t)p->c_row * e, 0, (size_t)p->n * e, (size_t)p->m, lac_cuda_stream()),
                     "clearing a product");
    return p->bias ? LAC_FAIL(LAC_ERR_SHAPE, "a product with a bias and nothing to sum") : LAC_OK;
}

lac_status lac_cuda_product_onto(const lac_product *p, const void *a, const void *b, const float *bias, const void *onto, void *to, void *workspace)
{
    choice *c;
    const void *vector = bias;
    if (is_empty(p))
        return LAC_OK;
    if (p->k == 0)
        return onto == NULL ? sum_of_nothing(p, to) : LAC_FAIL(LAC_ERR_SHAPE, "a product of nothing, onto another matrix");
    LAC_TRY(find(&c, p));
    if (p->bias && c->bias > 0) {
        LAC_TRY(narrow(bias, p->n, workspace));
        vector = workspace;
    }
    return call(c, &c->algorithm, a, b, p->bias ? vector : NULL, !p->add ? NULL : onto != NULL ? onto : to, to, (char *)workspace + c->bias, c->workspace);
}

lac_status lac_cuda_product(const lac_product *p, const void *a, const void *b, const float *bias, void *to, void *workspace)
{
    return lac_cuda_product_onto(p, a, b, bias, NULL, to, workspace);
}
