#include "autograd/ops/rows.h"
#include "autograd/ops/vector_quantize/search.h"
#include "core/cpu/dnn.h"

#include <math.h>
#include <string.h>

enum { SCORES = 1 << 20 };          /* 4 MB at a time */

/* Areas of the workspace, each on 64 bytes. */
typedef struct areas { float *z, *squares, *scores, *product; size_t size; } areas;

static float *take(areas *a, void *workspace, int64_t n)
{
    float *p = workspace != NULL ? (float *)((char *)workspace + a->size) : NULL;
    a->size += ((size_t)n * sizeof(float) + 63) & ~(size_t)63;
    return p;
}

static areas areas_of(const lac_search *s, void *workspace)
{
    areas a = { .size = 0 };
    a.z = take(&a, workspace, s->block * s->depth);
    a.squares = take(&a, workspace, s->codes);
    a.scores = take(&a, workspace, s->block * s->codes);
    a.product = take(&a, workspace, 0);
    return a;
}

lac_status LAC_CPU(vector_quantize_workspace)(const lac_op_ctx *c, size_t *size)
{
    const lac_search s = lac_search_of(c, SCORES);
    if (c->backward || s.rows == 0)
        return LAC_OK;
    const int64_t last = s.rows % s.block;
    size_t whole = 0, rest = 0;
    const lac_product most = lac_search_product(&s, s.block), least = lac_search_product(&s, last);
    LAC_TRY(lac_dnn_matmul_workspace(&most, c->in[1]->uid != 0, &whole));
    if (last > 0)
        LAC_TRY(lac_dnn_matmul_workspace(&least, c->in[1]->uid != 0, &rest));
    *size = areas_of(&s, NULL).size + LAC_MAX(whole, rest);
    return LAC_OK;
}

/* |e|^2 of every code. */
static void square_codes(const lac_search *s, const float *e, float *squares)
{
    LAC_PARALLEL_FOR(k, s->codes) {
        double sum = 0;
        for (int64_t d = 0; d < s->depth; d++)
            sum += (double)e[k * s->depth + d] * (double)e[k * s->depth + d];
        squares[k] = (float)sum;
    }
}

static double distance(const float *z, const float *e, int64_t depth)
{
    double square = 0, product = 0;
    for (int64_t d = 0; d < depth; d++) {
        square += (double)e[d] * (double)e[d];
        product += (double)z[d] * (double)e[d];
    }
    return square - 2 * product;
}

/* The least score, then in double those that may be less. z as it is; 0 where nothing compares (NaN). */
static int64_t nearest(const lac_search *s, const float *restrict scores, const float *z, const float *e, float largest)
{
    float least = INFINITY, length = 0;
    #pragma omp simd reduction(min : least)
    for (int64_t k = 0; k < s->codes; k++)
        least = scores[k] < least ? scores[k] : least;
    for (int64_t d = 0; d < s->depth; d++)
        length += z[d] * z[d];
    const float limit = least + lac_search_slack(s->depth, lac_sqrt(length), largest);
    double best = (double)INFINITY;
    int64_t at = 0;
    for (int64_t k = 0; k < s->codes; k++)
        if (scores[k] <= limit) {
            const double found = distance(z, e + k * s->depth, s->depth);
            at = found < best ? k : at;
            best = found < best ? found : best;
        }
    return at;
}

/* Row `row` of the call, whose scores are in place; the sum of its squared differences. */
static double choose(const lac_op_ctx *c, const lac_search *s, int64_t row, const float *scores, float *z, float largest)
{
    const float *e = c->in[1]->data;
    double sum = 0;
    for (int64_t d = 0; d < s->depth; d++)
        z[d] *= -0.5f;
    const int64_t k = nearest(s, scores, z, e, largest);
    ((int64_t *)c->out[1]->data)[row] = k;
    for (int64_t d = 0; d < s->depth; d++) {
        const double gap = (double)e[k * s->depth + d] - (double)z[d];
        sum += gap * gap;
        lac_st(c->out[0]->data, row * s->depth + d, c->out[0]->dtype, e[k * s->depth + d]);
    }
    return sum;
}

static lac_status search_block(const lac_op_ctx *c, const lac_search *s, const areas *a, int64_t first, int64_t m, float largest, double part[LAC_BLOCKS])
{
    const lac_tensor *z = c->in[0], *e = c->in[1];
    const lac_product p = lac_search_product(s, m);
    LAC_PARALLEL_FOR(i, m * s->depth)
        a->z[i] = -2 * lac_ld(z->data, first * s->depth + i, z->dtype);
    LAC_TRY(lac_dnn_matmul(&p, a->z, &(lac_dnn_weight){ e->data, e->uid, e->version }, a->squares, a->scores, a->product));
    LAC_PARALLEL_BLOCKS(b, from, to, m)
        for (int64_t i = from; i < to; i++)
            part[b] += choose(c, s, first + i, a->scores + i * s->codes, a->z + i * s->depth, largest);
    return LAC_OK;
}

lac_status LAC_CPU(vector_quantize_forward)(const lac_op_ctx *c)
{
    const lac_vector_quantize_attr *attr = c->attr;
    const lac_search s = lac_search_of(c, SCORES);
    const areas a = areas_of(&s, c->workspace);
    double part[LAC_BLOCKS] = { 0 };
    float largest = 0;
    if (s.rows > 0)
        square_codes(&s, c->in[1]->data, a.squares);
    for (int64_t k = 0; s.rows > 0 && k < s.codes; k++)
        largest = LAC_MAX(largest, a.squares[k]);
    for (int64_t first = 0; first < s.rows; first += s.block)
        LAC_TRY(search_block(c, &s, &a, first, LAC_MIN(s.block, s.rows - first), lac_sqrt(largest), part));
    *(float *)c->out[2]->data = (float)(((double)attr->commitment + (double)attr->codebook) * lac_sum_block_parts(part));
    *(float *)c->out[3]->data = (float)lac_numel(c->in[0]);
    return LAC_OK;
}

/* Straight through, and towards the code. */
static void grad_z(const lac_op_ctx *c, float slope, int64_t row, int64_t depth)
{
    const float *e = (const float *)c->in[1]->data + ((const int64_t *)c->out[1]->data)[row] * depth;
    const lac_tensor *through = c->gout[0], *z = c->in[0];
    for (int64_t d = 0; d < depth; d++) {
        const int64_t i = row * depth + d;
        const float g = through != NULL ? lac_ld(through->data, i, through->dtype) : 0;
        lac_put(c->gin[0]->data, i, c->gin[0]->dtype, lac_fma(slope, lac_ld(z->data, i, z->dtype) - e[d], g), c->add[0]);
    }
}

/* Codes [from, to): the rows that chose them, in order. */
static void grad_codes(const lac_op_ctx *c, float slope, int64_t from, int64_t to, int64_t rows, int64_t depth)
{
    const int64_t *index = c->out[1]->data;
    const float *e = c->in[1]->data;
    float *ge = c->gin[1]->data;
    if (!c->add[1] && to > from)
        memset(ge + from * depth, 0, (size_t)((to - from) * depth) * sizeof *ge);
    for (int64_t i = 0; slope != 0 && i < rows; i++)
        for (int64_t d = 0; index[i] >= from && index[i] < to && d < depth; d++)
            ge[index[i] * depth + d] += slope * (e[index[i] * depth + d] - lac_ld(c->in[0]->data, i * depth + d, c->in[0]->dtype));
}

lac_status LAC_CPU(vector_quantize_backward)(const lac_op_ctx *c)
{
    const lac_vector_quantize_attr *attr = c->attr;
    const int64_t codes = c->in[1]->dim[0], depth = c->in[1]->dim[1], rows = lac_numel(c->in[0]) / depth;
    const float g = c->gout[2] != NULL ? *(const float *)c->gout[2]->data : 0;
    if (c->gin[0] != NULL)
        LAC_PARALLEL_FOR(i, rows)
            grad_z(c, 2 * g * attr->commitment, i, depth);
    if (c->gin[1] != NULL)
        LAC_PARALLEL_BLOCKS(b, from, to, codes)
            grad_codes(c, 2 * g * attr->codebook, from, to, rows, depth);
    return LAC_OK;
}
