/* models/diffusion/guidance.h -- what several answers of the network become: a linear form over named branches, by the system's formula.
 *
 *     classic            uncond + w (cond - uncond)                                              (Ho and Salimans 2022)
 *     ip2p               uncond + w_image (image - uncond) + w (full - image)                    (Brooks et al. 2023, eq. 3)
 *     instructdiffusion  (image + text) / 2 + w (full - image) + w_image (full - text)           (Geng et al. 2023)
 *
 * uncond: neither prompt nor picture; image: the picture alone; text: the prompt alone; cond, full: all there is. With rescale phi the result is brought
 * phi of the way to the standard deviation of the last named kind (match_std). */
#pragma once

#include "autograd/tape.h"
#include "core/config.h"

enum { LAC_GUIDANCE_BRANCHES = 3 };

typedef struct lac_guidance_def {
    const char *name, *about;
    const char *branch[LAC_GUIDANCE_BRANCHES];          /* NULL: fewer */
    int whole;                                          /* the branch with everything */
    double scale, image_scale;                          /* of the published system */
    void (*weights)(double scale, double image_scale, double *w);
} lac_guidance_def;

#define LAC_GUIDANCE(identifier) extern const lac_guidance_def lac_guidance_##identifier;
#include "models/diffusion/guidances.def"
#undef LAC_GUIDANCE

/* Keys of a config: mode, guidance_scale, image_guidance_scale (without a value: the published system's), guidance_rescale. */
extern const lac_key lac_guidance_keys[];

typedef struct lac_guidance {
    const lac_guidance_def *def;
    int n;                                              /* branches */
    float weight[LAC_GUIDANCE_BRANCHES], rescale;
} lac_guidance;

/* config is resolved by lac_guidance_keys. */
lac_status lac_guidance_open(lac_guidance *g, const json_t *config);

/* branch[n] in the order of the definition, all of one shape [N, ...], f32 or bf16; the result is f32. g outlives the region. */
lac_tensor *lac_guide(lac_tape *t, const lac_guidance *g, lac_tensor *const *branch);
