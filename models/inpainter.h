/* models/inpainter.h -- how a system is used: a picture and a mask in, the finished picture out.
 *
 * Sample grids, `lacuna inpaint` and every evaluation go through lac_inpaint and nothing else, so every system runs everywhere. */
#pragma once

#include "autograd/params.h"
#include "autograd/tape.h"
#include "core/config.h"
#include "core/image/image.h"

typedef struct lac_inpainter lac_inpainter;

typedef struct lac_inpainter_def {
    const char *name, *about;
    const lac_key *keys;            /* schema of its network's config */
    int64_t multiple;               /* heights and widths it takes */
    /* Makes ip->model and its parameters in ip->params. */
    lac_status (*open)(lac_inpainter *ip, const json_t *config);
    /* image [N, H, W, 3] f32 in [-1, 1], mask [N, H, W, 1] f32, 1 = hole; returns the finished pictures, [N, H, W, 3]. */
    lac_tensor *(*paint)(const lac_inpainter *ip, lac_tape *t, lac_tensor *image, lac_tensor *mask);
} lac_inpainter_def;

struct lac_inpainter {
    const lac_inpainter_def *def;
    lac_params *params;
    void *model;
    bool bgr;                       /* its weights expect blue first (the official DeepFill checkpoints) */
    bool borrowed;                  /* params and model belong to a recipe */
};

#define LAC_INPAINTER(name) extern const lac_inpainter_def lac_inpainter_##name;
#include "models/inpainters.def"
#undef LAC_INPAINTER

lac_status lac_inpainter_find(const lac_inpainter_def **def, const char *name);     /* LAC_ERR_ARG with the nearest one */

/* With a frozen network of its own, values still zero: load them into ip->params. config is resolved by def->keys.
 * lac_inpainter_close ends it; safe on zeroes. */
lac_status lac_inpainter_open(lac_inpainter *ip, const lac_inpainter_def *def, const json_t *config, const lac_backend *b, lac_dtype d);
void lac_inpainter_close(lac_inpainter *ip);

/* From a weights file that `lacuna export` or `lacuna import` wrote: its metadata say which inpainter, config and channel order. */
lac_status lac_inpainter_load(lac_inpainter *ip, const char *path, const lac_backend *b, lac_dtype d);

/* Any size: padded to the multiple, run, cut back. result is fresh; pixels where mask is 0 are image's own bytes. LAC_ERR_SHAPE for a
 * mask of another size. A mask without a hole gives a copy. */
lac_status lac_inpaint(const lac_inpainter *ip, lac_tape *t, const lac_image *image, const lac_image *mask, lac_image *result);
