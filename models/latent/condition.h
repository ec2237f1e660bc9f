/* models/latent/condition.h -- what a latent inpainting network is told of the picture and its hole, by the named rules of the published systems.
 *
 * The picture with its hole filled goes through the encoder; the hole itself becomes a mask of the latent's size, 1 = hole. */
#pragma once

#include "autograd/tape.h"
#include "core/image/image.h"

/* What the encoder sees in the hole, in [-1, 1]. */
typedef enum {
    LAC_HOLE_FILL_GREY,             /* 0: Stable Diffusion's inpainting */
    LAC_HOLE_FILL_BLACK,            /* -1: BrushNet, CAT-Diffusion */
    LAC_HOLE_FILL_KEEP,             /* the picture as it is: systems that paint over it */
} lac_hole_fill;

/* Which cells of f x f pixels are hole, of a mask of 0 .. 255. */
typedef enum {
    LAC_LATENT_MASK_NEAREST,        /* the pixel (f i, f j) is, 128 and more: PyTorch's nearest (Stable Diffusion's inpainting) */
    LAC_LATENT_MASK_CENTRE,         /* the pixel (f i + f/2, f j + f/2) is: Pillow's nearest (Blended Latent Diffusion) */
    LAC_LATENT_MASK_HALF,           /* Pillow's bicubic is above half: CAT-Diffusion when it paints */
    LAC_LATENT_MASK_ANY_TOUCH,      /* Pillow's bicubic is above 0: CAT-Diffusion when it learns */
} lac_latent_mask;

/* Words of configs, in the order of the enumerations, for lac_key.choices. */
#define LAC_HOLE_FILLS "grey|black|keep"
#define LAC_LATENT_MASKS "nearest|centre|half|any-touch"

/* to[3 pixels] = v / 127.5 - 1, and what `fill` says where hole is not 0. */
void lac_masked_picture(float *to, const uint8_t *picture, const uint8_t *hole, int64_t pixels, lac_hole_fill fill);

/* to[height * width], 0 or 1, of a mask of 0 .. 255 that is at least as large: f is mask->height / height and mask->width / width, which the nearest
 * rules take to be whole. */
lac_status lac_latent_mask_make(float *to, int64_t height, int64_t width, const lac_image *mask, lac_latent_mask rule);

/* The channels that a denoiser reads behind its latent, of mask [N, h, w, 1] and the masked picture's latent [N, h, w, C], both f32 or both bf16; of the last two
 * lac_latent_beside puts them together. */
typedef enum {
    LAC_BESIDE_NONE,
    LAC_BESIDE_MASK,                /* the mask alone: SmartBrush, five */
    LAC_BESIDE_MASK_FIRST,          /* [mask, latent]: Stable Diffusion's inpainting, nine channels */
    LAC_BESIDE_MASK_LAST,           /* [latent, mask], the mask -1 and 1: latent diffusion's inpainting without text, seven */
} lac_beside;

lac_tensor *lac_latent_beside(lac_tape *t, lac_tensor *mask, lac_tensor *latent, lac_beside order);
/* mask[n]: 0 and 1 as lac_latent_mask_make leaves them, then as the network reads them. */
void lac_latent_mask_read(float *mask, int64_t n, lac_beside order);
