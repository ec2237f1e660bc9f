#include "core/cpu/dnn_kernels.h"
#include "core/cpu/level.h"
#include "core/cpu/turn.h"

#include <string.h>

static void add(void *to, const void *from, lac_dtype d, int64_t n)
{
    if (d == LAC_F32) {
        float *t = to;
        const float *f = from;
        #pragma omp simd
        for (int64_t i = 0; i < n; i++)
            t[i] += f[i];
    } else {
        uint16_t *t = to;
        const uint16_t *f = from;
        #pragma omp simd
        for (int64_t i = 0; i < n; i++)
            t[i] = lac_f32_to_bf16(lac_bf16_to_f32(t[i]) + lac_bf16_to_f32(f[i]));
    }
}

/* In pieces that stay in the first-level cache while the parts go by. */
static void sum(float *to, const float *part, int64_t stride, int64_t n_parts, int64_t n)
{
    enum { PIECE = 1024 };
    for (int64_t at = 0; at < n; at += PIECE) {
        const int64_t m = n - at < PIECE ? n - at : PIECE;
        if (to != part)
            memcpy(to + at, part + at, (size_t)m * sizeof *to);
        for (int64_t p = 1; p < n_parts; p++) {
            float *t = to + at;
            const float *f = part + p * stride + at;
            #pragma omp simd
            for (int64_t i = 0; i < m; i++)
                t[i] += f[i];
        }
    }
}

static void sum_columns(float *to, bool add, const void *x, lac_dtype d, int64_t rows, int64_t stride, int64_t n)
{
    float sum[LAC_DNN_COLUMNS];
    for (int64_t j = 0; j < n; j++)
        sum[j] = add ? to[j] : 0;
    for (int64_t r = 0; r < rows; r++)
        if (d == LAC_F32) {
            const float *row = (const float *)x + r * stride;
            #pragma omp simd
            for (int64_t j = 0; j < n; j++)
                sum[j] += row[j];
        } else {
            const uint16_t *row = (const uint16_t *)x + r * stride;
            #pragma omp simd
            for (int64_t j = 0; j < n; j++)
                sum[j] += lac_bf16_to_f32(row[j]);
        }
    memcpy(to, sum, (size_t)n * sizeof *sum);
}

/* Squares that stay in the first-level cache. */
static void turn(uint16_t *restrict to, const uint16_t *restrict x, int64_t rows, int64_t stride, int64_t n)
{
    enum { SIDE = 32 };
    uint16_t square[SIDE][SIDE];
    for (int64_t j = 0; j < n; j += SIDE)
        for (int64_t r = 0; r < rows; r += SIDE) {
            const int64_t w = LAC_MIN(SIDE, n - j), h = LAC_MIN(SIDE, rows - r);
            for (int64_t b = 0; b < h; b++)
                for (int64_t a = 0; a < w; a++)
                    square[a][b] = x[(r + b) * stride + j + a];
            for (int64_t a = 0; a < w; a++)
                memcpy(to + (j + a) * rows + r, square[a], (size_t)h * sizeof *to);
        }
}

static void turn_floats(float *restrict to, const float *restrict x, int64_t rows, int64_t stride, int64_t n)
{
    for (int64_t j = 0; j < n; j += LAC_TURN)
        for (int64_t r = 0; r < rows; r += LAC_TURN) {
            if (j + LAC_TURN <= n && r + LAC_TURN <= rows) {
                lac_turn(to + j * rows + r, rows, x + r * stride + j, stride);
                continue;
            }
            for (int64_t b = r; b < LAC_MIN(r + LAC_TURN, rows); b++)
                for (int64_t a = j; a < LAC_MIN(j + LAC_TURN, n); a++)
                    to[a * rows + b] = x[b * stride + a];
        }
}

__attribute__((always_inline)) static inline void activate_all(void *y, lac_dtype d, int64_t n, lac_act_fn act)
{
    if (d == LAC_F32) {
        float *t = y;
        #pragma omp simd
        for (int64_t i = 0; i < n; i++)
            t[i] = lac_act_value(act, t[i]);
    } else {
        uint16_t *t = y;
        #pragma omp simd
        for (int64_t i = 0; i < n; i++)
            t[i] = lac_f32_to_bf16(lac_act_value(act, lac_bf16_to_f32(t[i])));
    }
}

static void activate(void *y, lac_act_fn act, lac_dtype d, int64_t n)
{
    if (act.kind == LAC_ACT_ELU)
        activate_all(y, d, n, lac_act_of(LAC_ACT_ELU));
    else if (act.kind == LAC_ACT_RELU)
        activate_all(y, d, n, lac_act_of(LAC_ACT_RELU));
    else
        activate_all(y, d, n, act);
}

const lac_dnn_kernels LAC_CPU(lac_dnn_kernels) = { .add = add, .sum = sum, .sum_columns = sum_columns, .turn = turn, .turn_floats = turn_floats, .activate = activate };
