#include "models/autoencoder/tiles.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* One way through: tiles of `from` pixels a side of what comes in, `to` of what goes out, every `step`; of each `keep` pixels stay, `blend` are faded in. */
typedef struct tiling {
    const char *what;
    lac_network_call *call;
    int64_t from, to, step, keep, blend, rows, columns;
} tiling;

static lac_status call_encode(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    const lac_autoencoder *a = model;
    out[0] = lac_autoencoder_encode(t, a, in[0]);
    return lac_tape_status(t);
}

static lac_status call_decode(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    const lac_autoencoder *a = model;
    out[0] = lac_autoencoder_decode(t, a, in[0]);
    return lac_tape_status(t);
}

/* ---- tiles ---- */

/* The tile that begins at (top, left), cut off at the edge; in the network's dtype. */
static lac_status cut(const lac_tensor *x, int64_t top, int64_t left, int64_t size, lac_dtype d, lac_tensor **tile)
{
    const int64_t h = LAC_MIN(size, x->dim[1] - top), w = LAC_MIN(size, x->dim[2] - left), c = x->dim[3];
    LAC_TRY(lac_tensor_new(tile, d, 4, (int64_t[]){ x->dim[0], h, w, c }));
    for (int64_t n = 0; n < x->dim[0]; n++)
        for (int64_t y = 0; y < h; y++)
            lac_from_f32((char *)(*tile)->data + (size_t)((n * h + y) * w * c) * lac_dtype_size(d), d,
                         (const float *)x->data + ((n * x->dim[1] + top + y) * x->dim[2] + left) * c, w * c);
    return LAC_OK;
}

static lac_status run_tile(const lac_network *n, lac_tape *t, const tiling *g, const lac_tensor *x, int64_t row, int64_t column, lac_tensor **y)
{
    lac_tensor *tile = NULL;
    lac_status s = cut(x, row * g->step, column * g->step, g->from, n->params->dtype, &tile);
    if (s == LAC_OK)
        s = lac_network_run(n, t, g->what, g->call, &tile, 1, y, 1);
    lac_tensor_free(tile);
    return s;
}

/* b fades in behind the last pixels of a along an axis (1: a above, 2: a to the left). */
static void fade(const lac_tensor *a, lac_tensor *b, int axis, int64_t blend)
{
    const int64_t n = LAC_MIN(LAC_MIN(a->dim[axis], b->dim[axis]), blend), start = a->dim[axis] - n, c = b->dim[3];
    const int64_t h = axis == 1 ? n : LAC_MIN(a->dim[1], b->dim[1]), w = axis == 2 ? n : LAC_MIN(a->dim[2], b->dim[2]);
    for (int64_t i = 0; i < b->dim[0]; i++)
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++) {
                const float share = (float)(axis == 1 ? y : x) / (float)n;
                const float *from = (const float *)a->data + ((i * a->dim[1] + y + (axis == 1 ? start : 0)) * a->dim[2] + x + (axis == 2 ? start : 0)) * c;
                float *to = (float *)b->data + ((i * b->dim[1] + y) * b->dim[2] + x) * c;
                for (int64_t k = 0; k < c; k++)
                    to[k] = from[k] * (1 - share) + to[k] * share;
            }
}

/* The part of a tile that stays, into the result. */
static void put(const tiling *g, const lac_tensor *tile, int64_t row, int64_t column, lac_tensor *y)
{
    const int64_t h = LAC_MIN(g->keep, tile->dim[1]), w = LAC_MIN(g->keep, tile->dim[2]), c = tile->dim[3];
    for (int64_t n = 0; n < y->dim[0]; n++)
        for (int64_t i = 0; i < h; i++)
            memcpy((float *)y->data + ((n * y->dim[1] + row * g->keep + i) * y->dim[2] + column * g->keep) * c,
                   (const float *)tile->data + (n * tile->dim[1] + i) * tile->dim[2] * c, (size_t)(w * c) * sizeof(float));
}

static lac_status make_result(const tiling *g, const lac_tensor *x, const lac_tensor *tile, lac_tensor **y)
{
    const int64_t h = x->dim[1] * g->to / g->from, w = x->dim[2] * g->to / g->from;
    return *y != NULL ? LAC_OK : lac_tensor_new(y, LAC_F32, 4, (int64_t[]){ x->dim[0], h, w, tile->dim[3] });
}

/* above [columns]: the tiles of the row before, which this row's take the place of. */
static lac_status run_row(const lac_network *n, lac_tape *t, const tiling *g, const lac_tensor *x, int64_t row, lac_tensor **above, lac_tensor **y)
{
    for (int64_t j = 0; j < g->columns; j++) {
        lac_tensor *tile = NULL;
        LAC_TRY(run_tile(n, t, g, x, row, j, &tile));
        if (row > 0)
            fade(above[j], tile, 1, g->blend);
        if (j > 0)
            fade(above[j - 1], tile, 2, g->blend);
        lac_tensor_free(above[j]);
        above[j] = tile;
        LAC_TRY(make_result(g, x, tile, y));
        put(g, tile, row, j, *y);
    }
    return LAC_OK;
}

static lac_status run(const lac_network *n, lac_tape *t, const tiling *g, const lac_tensor *x, lac_tensor **y)
{
    lac_tensor **above;
    lac_status s = lac_calloc((void **)&above, (size_t)g->columns, sizeof *above);
    *y = NULL;
    for (int64_t i = 0; s == LAC_OK && i < g->rows; i++)
        s = run_row(n, t, g, x, i, above, y);
    for (int64_t j = 0; above != NULL && j < g->columns; j++)
        lac_tensor_free(above[j]);
    free(above);
    if (s != LAC_OK) {
        lac_tensor_free(*y);
        *y = NULL;
    }
    return s;
}

/* ---- sizes ---- */

static lac_status check(const lac_autoencoder *a, const lac_tensor *x, int64_t size)
{
    if (x->ndim != 4 || x->dtype != LAC_F32 || x->dim[1] < 1 || x->dim[2] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "tiles are cut from maps [N, H, W, C] of f32, got %s of %s", lac_shape_str(x), lac_dtype_name(x->dtype));
    return size > 0 && size % (4 * a->factor) == 0 ? LAC_OK
         : LAC_FAIL(LAC_ERR_ARG, "tiles of %lld pixels a side, expected a multiple of %lld", (long long)size, (long long)(4 * a->factor));
}

/* An overlap of a quarter. What fits one tile is run at once. */
static void lay_out(tiling *g, const lac_tensor *x)
{
    const bool whole = x->dim[1] <= g->from && x->dim[2] <= g->from;
    g->step = g->from - g->from / 4;
    g->blend = g->to / 4;
    g->keep = whole ? INT64_MAX : g->to - g->blend;
    g->rows = whole ? 1 : (x->dim[1] + g->step - 1) / g->step;
    g->columns = whole ? 1 : (x->dim[2] + g->step - 1) / g->step;
}

lac_status lac_tiled_encode(const lac_network *n, lac_tape *t, const lac_tensor *image, int64_t size, lac_tensor **moments)
{
    const lac_autoencoder *a = n->model;
    tiling g = { .what = "encode", .call = call_encode, .from = size > 0 ? size : a->tile };
    LAC_TRY(check(a, image, g.from));
    if (image->dim[1] % a->factor != 0 || image->dim[2] % a->factor != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "image is %s, expected height and width a multiple of %lld", lac_shape_str(image), (long long)a->factor);
    g.to = g.from / a->factor;
    lay_out(&g, image);
    return run(n, t, &g, image, moments);
}

lac_status lac_tiled_decode(const lac_network *n, lac_tape *t, const lac_tensor *latent, int64_t size, lac_tensor **image)
{
    const lac_autoencoder *a = n->model;
    tiling g = { .what = "decode", .call = call_decode, .to = size > 0 ? size : a->tile };
    LAC_TRY(check(a, latent, g.to));
    g.from = g.to / a->factor;
    lay_out(&g, latent);
    return run(n, t, &g, latent, image);
}
