/* models/inpainter.h -- how a system is used: pictures, masks and what is asked for in, the finished pictures out.
 *
 * Sample grids, `lacuna inpaint` and every evaluation go through lac_inpaint_n and nothing else, so every system runs everywhere. */
#pragma once

#include "core/image/image.h"
#include "models/network.h"

typedef struct lac_inpainter lac_inpainter;

/* What a user asks for besides picture and mask; a zeroed one asks for nothing. Whatever else a system may be told becomes a member
 * here and a bit below. */
typedef struct lac_ask {
    const char *prompt;             /* UTF-8, borrowed; NULL: none */
    uint64_t seed;                  /* of what is drawn at random (models/noise.h) */
    uint32_t sample;                /* whose draws these are: in evaluation the record's id, else 0 */
} lac_ask;

/* What a definition takes of it. */
enum { LAC_ASK_PROMPT = 1, LAC_ASK_SEED = 2 };

/* n pictures of one size, padded to the definition's multiple, on the host; lives as long as the call. */
typedef struct lac_canvas {
    lac_tensor image, mask;         /* u8 [N, H, W, 3] and [N, H, W, 1], 1 = hole */
    const lac_ask *ask;             /* [N] */
} lac_canvas;

typedef struct lac_inpainter_def {
    const char *name, *about;
    const lac_network_def *network; /* whose weights it uses */
    int64_t multiple;               /* heights and widths it takes */
    unsigned asks;                  /* LAC_ASK_..., or 0 */
    /* One of two. In one region of the tape: image [N, H, W, 3] f32 in [-1, 1], mask [N, H, W, 1] f32, 1 = hole; returns the finished
     * pictures, [N, H, W, 3]. */
    lac_tensor *(*paint)(const lac_inpainter *ip, lac_tape *t, lac_tensor *image, lac_tensor *mask);
    /* Or in as many as it likes, say one a denoising step, each by lac_inpaint_region; what one hands to the next is kept on the host by
     * lac_keep and taken up by lac_tape_input. *result: what lac_keep gave of the finished pictures. Between regions it may branch on
     * values, inside them on their signature alone. */
    lac_status (*sample)(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result);
} lac_inpainter_def;

struct lac_inpainter {
    const lac_inpainter_def *def;
    lac_params *params;             /* those of `own`, or a recipe's network, lent */
    void *model;
    bool bgr;                       /* its weights expect blue first (the official DeepFill checkpoints) */
    lac_network own;                /* zero where the network is lent */
};

#define LAC_INPAINTER(name) extern const lac_inpainter_def lac_inpainter_##name;
#include "models/inpainters.def"
#undef LAC_INPAINTER

lac_status lac_inpainter_find(const lac_inpainter_def **def, const char *name);     /* LAC_ERR_ARG with the nearest one */
lac_status lac_inpainter_register(const lac_inpainter_def *def);        /* beside the list: a test's own */

/* With a frozen network of its own, as lac_network_open: load values into ip->params. lac_inpainter_close ends it; safe on zeroes. */
lac_status lac_inpainter_open(lac_inpainter *ip, const lac_inpainter_def *def, const json_t *config, const lac_backend *b, lac_dtype d);
void lac_inpainter_close(lac_inpainter *ip);

/* From a weights file that `lacuna export` or `lacuna import` wrote: the inpainter whose network it holds (lac_network_load). */
lac_status lac_inpainter_load(lac_inpainter *ip, const char *path, const lac_backend *b, lac_dtype d);

/* LAC_ERR_ARG where something is asked for that the definition does not take. */
lac_status lac_inpainter_takes(const lac_inpainter_def *def, const lac_ask *ask);

/* n pictures at once, all of one height and width, any size: padded to the multiple, run, cut back. result[n] are fresh; pixels where mask
 * is 0 are image's own bytes. ask [n], or NULL for nothing. LAC_ERR_SHAPE for a mask or picture of another size, LAC_ERR_ARG as
 * lac_inpainter_takes. A mask without a hole gives a copy. A picture's result depends on the picture, its mask and its ask alone: on the
 * CPU n changes no bit (on CUDA a library may choose another kernel for another n). On failure result[] is all empty. */
lac_status lac_inpaint_n(const lac_inpainter *ip, lac_tape *t, int64_t n, const lac_image *image, const lac_image *mask, const lac_ask *ask,
                         lac_image *result);
lac_status lac_inpaint(const lac_inpainter *ip, lac_tape *t, const lac_image *image, const lac_image *mask, const lac_ask *ask, lac_image *result);

/* ---- for a definition's `sample` ---- */

/* lac_tape_run of a region of its own. `what` says all that body's host code branches on besides the canvas's shape: "step", "decode". */
lac_status lac_inpaint_region(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, const char *what, lac_body *body, void *context);
/* In a region: the pictures, f32 in [-1, 1], and the masks, f32. */
lac_tensor *lac_canvas_image(lac_tape *t, const lac_canvas *c);
lac_tensor *lac_canvas_mask(lac_tape *t, const lac_canvas *c);
