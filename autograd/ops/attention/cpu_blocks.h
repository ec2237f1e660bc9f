/* autograd/ops/attention/cpu_blocks.h -- a call cut into blocks of queries and keys, all of one size so that a product is made once: what is
 * missing in the last block is zero. Included by this op's CPU kernels alone.
 *
 * A unit is one head of one sample. Units are taken in groups, so that what is packed of them stays below some hundred megabytes. */
#pragma once

#include "autograd/ops/attention/geometry.h"
#include "autograd/ops/rows.h"
#include "core/cpu/dnn.h"

#include <omp.h>

enum { ROWS = 128, KEYS = 512, GROUP = 32, LINE = 16 };

typedef struct blocks {
    lac_attention_shape of;
    int64_t rows, n_rows, keys, n_keys;     /* queries of a block, and such blocks; the same of keys */
    int64_t depth;                          /* d as the scores' product takes it: whole tiles of bf16 */
    int64_t units, group;
    int threads;
} blocks;

static int64_t even_share(int64_t n, int64_t most, int64_t tile)
{
    const int64_t parts = (n + most - 1) / most;
    return ((n + parts - 1) / parts + tile - 1) / tile * tile;
}

static blocks blocks_of(const lac_op_ctx *c)
{
    blocks b = { .of = lac_attention_shape_of(c), .threads = lac_threads() };
    const lac_attention_shape *s = &b.of;
    const int64_t tile = s->dtype == LAC_BF16 ? 32 : 16;
    b.rows = even_share(s->tq, ROWS, tile);
    b.keys = even_share(s->tk, KEYS, tile);
    b.n_rows = (s->tq + b.rows - 1) / b.rows;
    b.n_keys = (s->tk + b.keys - 1) / b.keys;
    b.depth = s->dtype == LAC_BF16 ? (s->d + 31) / 32 * 32 : s->d;
    b.units = s->n * s->heads;
    b.group = LAC_MIN(b.units, (int64_t)GROUP);
    return b;
}

/* Tokens of a block that are there, of `size` from `from` on. */
static int64_t present(int64_t from, int64_t size, int64_t all) { return LAC_MIN(size, all - from); }

/* Where token `token` of a unit begins in a tensor of T tokens. */
static int64_t place(const lac_attention_shape *s, int64_t unit, int64_t token, int64_t tokens)
{
    return (unit / s->heads * tokens + token) * s->width + unit % s->heads * s->d;
}

/* n <= LINE tokens as a piece of `depth` rows of `size`: a line of it at a time, as a column of strides would push its own lines out of the cache. */
LAC_BODY void turn_line(void *restrict to, const void *restrict from, int64_t width, int64_t n, int64_t depth, int64_t size, lac_dtype d, lac_dtype dx)
{
    for (int64_t k = 0; k < depth; k++)
        for (int64_t i = 0; i < n; i++)
            lac_st(to, k * size + i, d, lac_ld(from, i * width + k, dx));
}

/* `count` tokens from element `at` of x as rows of `depth`, zeros behind d and behind the last token; turned: as columns of `size`. */
LAC_BODY void cut_rows(const lac_attention_shape *s, void *restrict to, const lac_tensor *x, int64_t at, int64_t count, int64_t size, int64_t depth,
                       bool turned, lac_dtype d, lac_dtype dx)
{
    memset(to, 0, (size_t)(size * depth) * lac_dtype_size(d));
    for (int64_t i = 0; turned && i < count; i += LINE)
        turn_line(lac_at(to, i, d), lac_at(x->data, at + i * s->width, dx), s->width, LAC_MIN(count - i, LINE), s->d, size, d, dx);
    for (int64_t i = 0; !turned && i < count; i++) {
        const void *row = lac_at(x->data, at + i * s->width, dx);
        for (int64_t k = 0; k < s->d; k++)
            lac_st(to, i * depth + k, d, lac_ld(row, k, dx));
    }
}

static void cut(const lac_attention_shape *s, void *to, const lac_tensor *x, int64_t at, int64_t count, int64_t size, int64_t depth, bool turned)
{
    LAC_EACH_DTYPE_2(s->dtype, x->dtype, cut_rows, s, to, x, at, count, size, depth, turned);
}

/* [m, k] times [k, n], dense operands, a sum in f32 with rows of n. */
static lac_product dense_product(const blocks *b, int64_t m, int64_t n, int64_t k, bool add)
{
    return (lac_product){ .batch = 1, .m = m, .n = n, .k = k, .a_row = k, .a_col = 1, .b_row = n, .b_col = 1, .c_row = n, .dtype = b->of.dtype,
                          .c_dtype = LAC_F32, .add = add };
}

/* Cuts memory up; without memory (sizing) only counts. */
typedef struct carver { char *base; size_t used; } carver;

static void *take(carver *m, int64_t n, size_t each)
{
    void *p = m->base != NULL ? m->base + m->used : NULL;
    m->used += ((size_t)n * each + 63) & ~(size_t)63;
    return p;
}

/* 2^x for x <= 0, as exact as what is made of it. */
LAC_BODY float power(float x, lac_dtype d) { return d == LAC_F32 ? lac_exp2_negative(x) : lac_exp2_negative_coarse(x); }

/* To the nearest bf16, ties away from zero; NaN of arithmetic stays NaN. */
LAC_BODY uint16_t nearest(float x) { return (uint16_t)((lac_to_bits(x) + 0x8000) >> 16); }

static const float LOG2_E = 1.44269504f;

/* The first failure among threads. */
typedef struct failure { lac_status status; char message[256]; } failure;

static void note_failure(failure *f, lac_status s)
{
    if (s == LAC_OK)
        return;
    #pragma omp critical(lac_attention_error)
    {
        f->status = s;
        lac_error_copy(f->message, sizeof f->message);
    }
}

static lac_status raise_failure(const failure *f) { return f->status == LAC_OK ? LAC_OK : LAC_FAIL(f->status, "%s", f->message); }
