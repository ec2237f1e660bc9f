/* core/cpu/winograd.h -- f32 convolution as Winograd F(4x4, 3x3) and F(2x2, 3x3) in NHWC (Lavin and Gray, arXiv:1509.09308).
 *
 * Four shapes of convolution become one form, "6x6 input pixels give 4x4 output pixels for a 3x3 kernel":
 *   3x3, stride 1, dilation d    d*d interleaved grids of pixels, each an ordinary 3x3 convolution
 *   5x5, stride 2                the four phases (row and column parity) of x are 4 C channels of a 3x3 convolution, stride 1;
 *                                the gradient of x writes four phases of 3x3 kernels from one transformed gy
 *   5x5, stride 1, forward       its kernel is four of 3x3 (6x6 with zeros), each over x moved by 0 or 3: 4 C channels again
 *   1x7, 7x1, 1x3, 3x1, forward  no square but a line of pixels: 10 or 6 give 4, F(4, 7) and F(4, 3)
 * Gradients of x are convolutions with the reversed kernel; the gradient of the weight multiplies transformed x and gy.
 *
 * Work is cut by tiles where there are many. Of few tiles with many channels ("few", 3x3 alone) all are transformed first and work is cut by channels of the
 * result, so that U, then far larger than the maps, is read once; the smallest maps have 4x4 input pixels to 2x2 output pixels, whose U is 16/36 as large.
 *
 * Inside core/cpu alone: dnn_winograd.c cuts the work, cpu_winograd.c has the kernels, cpu_winograd_line.c those of lines. */
#pragma once

#include "core/cpu/dnn.h"

/* Rows and columns are axes 0 and 1. Pixel of the source: in_base[axis][phase] + grid + step * (m * tile + r), r in 0..m + 1; of the
 * result: out_base[axis][phase] + grid + out_step * (m * tile + i), i in 0..m - 1. */
typedef struct lac_wino {
    int64_t n, in_size[2], in_c, out_size[2], out_c;
    int64_t grids, step, out_step, in_phases, out_phases;       /* per axis; phases 1 or 2 */
    int64_t in_base[2][2], out_base[2][2];
    int64_t m;                      /* a tile has m x m results, 4 or 2, and (m + 2)^2 products: the 36 or 16 below */
    bool few, line;
    int axis;                       /* of a line: 0 lies down, 1 along a row; a tile is 4 pixels of it and has taps + 3 products */
    int64_t taps;                   /* 3 or, of a line, 7 */
    int64_t tap[2][2][3];           /* axis, phase, place in the 3x3 kernel: index in the real kernel, or -1 */
    int64_t tiles[2], n_tiles;
    int64_t k, o;                   /* channels with phases: in_phases^2 in_c, out_phases^2 out_c */
    int64_t w_size[2], w_in;        /* the weight as it lies: [.., kh, kw, w_in] */
    bool reversed;                  /* gradient of x: the weight's filters are our source channels */
    int64_t vectors, lanes;         /* registers per row of the product, floats per panel row */
    int64_t panels;                 /* of o: ceil(o / lanes) */
    int64_t block;                  /* tiles at a time */
} lac_wino;

/* A line has pack and run alone. */
typedef struct lac_wino_kernels {
    int64_t width;                                      /* floats per vector */
    int64_t most_vectors;
    /* Weight to U (lac_wino_u), rows [from, to) of k. */
    void (*pack)(const lac_wino *w, const float *weight, float *u, int64_t from, int64_t to);
    /* Tiles [from, to) of y = act(sums + bias + before); scratch: lac_wino_scratch floats. */
    void (*run)(const lac_wino *w, const float *x, const float *u, const float *bias, const float *before, lac_act_fn act, float *y, int64_t from, int64_t to,
                float *scratch);
    /* Weight gradient. Tile `tile` of x and gy transformed into row `row` of V [36][rows][k_padded] and Y [36][panels][rows][lanes], the 36
     * lac_wino_step apart. */
    void (*transform)(const lac_wino *w, const float *x, const float *gy, float *v, float *y, int64_t tile, int64_t row, int64_t rows);
    /* One of the 36 products, panel p: M [k_padded][lanes] (+)= V^T Y. */
    void (*product)(const lac_wino *w, const float *v, const float *y, float *m, bool add, int64_t rows);
    /* M [36][panels][k_padded][lanes] back to gw, rows [from, to) of k. */
    void (*finish)(const lac_wino *w, const float *m, float *gw, bool add, int64_t from, int64_t to);
    void (*bias)(const lac_wino *w, const float *gy, float *gb, int64_t from, int64_t to);      /* sums over pixels [from, to) */
    /* Few tiles. Tile `tile` of x into V, 36 matrices [k / 32][rows][32] lac_wino_few_step apart; beyond the last, zeros. */
    void (*few_source)(const lac_wino *w, const float *x, float *v, int64_t tile);
    /* A panel of y from V; m: lac_wino_few_m floats. */
    void (*few_panel)(const lac_wino *w, const float *v, const float *u, const float *bias, const float *before, lac_act_fn act, float *y, int64_t panel, float *m);
    /* A panel of gw, rows [from, to) of k, at most LAC_WINO_FEW_K, from all tiles as `transform` made them. */
    void (*few_gradient)(const lac_wino *w, const float *v, const float *y, float *gw, bool add, int64_t panel, int64_t from, int64_t to, float *m);
} lac_wino_kernels;

enum {
    LAC_WINO_ROWS = 24,             /* rows of a block are a multiple: all kernels' heights divide it */
    LAC_WINO_PIECE = 32,            /* depth of a product that is summed in one go */
    LAC_WINO_SQUARE = 16,           /* rows of k that are packed, or finished, best together */
    LAC_WINO_FEW_K = 96,            /* a multiple of LAC_WINO_ROWS */
};
static inline int64_t lac_wino_padded(int64_t k) { return (k + LAC_WINO_ROWS - 1) / LAC_WINO_ROWS * LAC_WINO_ROWS; }
/* Floats from one of the 36 matrices to the next: an odd number of cache lines, so that writing all 36 at once uses all sets. */
static inline int64_t lac_wino_step(int64_t floats) { return (((floats + 15) / 16) | 1) * 16; }
static inline int64_t lac_wino_points(const lac_wino *w) { return w->line ? w->m + w->taps - 1 : (w->m + 2) * (w->m + 2); }
/* Where a panel of one of U's matrices begins: [k][lanes]. */
static inline int64_t lac_wino_u(const lac_wino *w, int64_t xi, int64_t panel) { return xi * lac_wino_step(w->panels * w->k * w->lanes) + panel * w->k * w->lanes; }
static inline int64_t lac_wino_scratch(const lac_wino *w) { return lac_wino_points(w) * (lac_wino_step(w->block * w->k) + lac_wino_step(w->block * w->lanes)); }

static inline int64_t lac_wino_few_rows(const lac_wino *w) { return (w->n_tiles + 3) / 4 * 4; }
static inline int64_t lac_wino_few_step(const lac_wino *w)
{
    return lac_wino_step((w->k + LAC_WINO_PIECE - 1) / LAC_WINO_PIECE * LAC_WINO_PIECE * lac_wino_few_rows(w));
}
static inline int64_t lac_wino_few_m(const lac_wino *w)
{
    const int64_t rows = lac_wino_few_rows(w);
    return lac_wino_points(w) * lac_wino_step((rows > LAC_WINO_FEW_K ? rows : LAC_WINO_FEW_K) * w->lanes);
}

