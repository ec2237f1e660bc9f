/* models/glide/glide.h -- GLIDE's inpainting in pixels (Nichol et al. 2021, arXiv:2112.10741, section 2.4): a small picture is painted, then made large.
 *
 *     base        [ x_t | picture keep | keep ]           a `factor` smaller, guided
 *     upsampler   [ x_t | picture keep | keep | low ]     at full size, of the prompt alone; low: the small picture, bilinearly as large
 *
 * in the released code's order, keep 1 where the picture is known, other than masks elsewhere. Both are UNets (models/unet/unet.h) that say beside their prediction of three
 * channels three of the variance (models/diffusion/variance.h), and read the states of one text encoder. In each of their estimates of x_0 the known part is the picture's
 * own, then it is cut to [-1, 1] (models/latent/estimate.h). */
#pragma once

#include "autograd/tape.h"
#include "models/diffusion/sampler.h"

typedef enum { LAC_GLIDE_BASE, LAC_GLIDE_UPSAMPLER, LAC_GLIDE_TEXT } lac_glide_role;        /* places of the inpainter's networks */

enum { LAC_GLIDE_BASE_READS = 7, LAC_GLIDE_UPSAMPLER_READS = 10, LAC_GLIDE_SAYS = 6 };      /* channels */

/* A picture [N, h, w, 3] in [-1, 1] and its hole [N, h, w, 1], both f32. */
typedef struct lac_glide_view { lac_tensor *picture, *hole; } lac_glide_view;

/* What the base sees of it: means of factor x factor pixels, hole where one of them is. */
lac_glide_view lac_glide_smaller(lac_tape *t, lac_glide_view full, int64_t factor);

/* What stands beside x_t, in dtype d. low: f32 [N, h', w', 3] for the upsampler, NULL for the base. */
lac_tensor *lac_glide_beside(lac_tape *t, lac_glide_view seen, lac_tensor *low, lac_dtype d);

/* The sampler of one of the networks, by the inpainter's config: its `scheduler` with so many `steps`, or `upsampler_scheduler` with the timesteps of `upsampler_sections`.
 * Ends with lac_sampler_close. */
lac_status lac_glide_sampler(lac_sampler *s, const json_t *config, lac_glide_role role);

/* Pixels a side of the picture for one of the base's: 2, 4 or 8, LAC_ERR_CONFIG else. */
lac_status lac_glide_factor(const json_t *config, int64_t *factor);
