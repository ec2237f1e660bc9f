/* models/latent/sampling.h -- the loop that every latent system shares: noise, step by step, becomes a latent.
 *
 *     for each step:   x = [z, beside];  e = guide(network(x, t, no text), network(x, t, text));  z = the sampler's step
 *                      and where the known part is kept, one of lac_blend_at
 *
 * Both branches of guidance go through the network in one batch. Steps are regions of the tape (models/diffusion/sampler.h), what a step draws is asked of
 * the caller. With `jumps` the steps come in RePaint's order: from time to time noise is added again. */
#pragma once

#include "models/diffusion/guidance.h"
#include "models/diffusion/repaint.h"
#include "models/diffusion/sampler.h"
#include "models/network.h"

/* x [M, h, w, C + beside], timestep f32 [M], text [M, L, E], visual prompt [M, R, F], label i32 [M], the last three or NULL; all in the network's
 * dtype but timesteps and labels. read: in place of text and visual prompt, what a UNet made of them before (models/unet/read.h). */
typedef struct lac_denoise_in { lac_tensor *x, *timestep, *text, *visual, *label; const struct lac_unet_read *read; } lac_denoise_in;
/* The network's answer to it, [M, h, w, C]; channels behind the C of the latent are a mask's logits (said_mask), or C that say the variance
 * (a sampler that wants it), or not looked at. */
typedef lac_tensor *lac_denoise(lac_tape *t, const void *model, const lac_denoise_in *in);

/* How the known part comes in while sampling. */
typedef enum {
    LAC_BLEND_NONE,                 /* not at all */
    LAC_BLEND_AT_T,                 /* after each step, with the noise of the timestep just done */
    LAC_BLEND_AT_NEXT,              /* after each step, with that of the next; after the last, clean */
    LAC_BLEND_BEFORE,               /* before each step, with the noise of its timestep */
    LAC_BLEND_CLEAN,                /* what the network sees of it is clean; the sample keeps its noise until it is clean too, after the last step */
    LAC_BLEND_ESTIMATE,             /* in each estimate of x_0 (models/latent/estimate.h) */
} lac_blend_at;

/* Where the hole of LAC_BLEND_CLEAN is what the network says it is, within the given one. */
typedef enum { LAC_SAID_MASK_OFF, LAC_SAID_MASK_LAST, LAC_SAID_MASK_STEPS } lac_said_mask;
#define LAC_SAID_MASKS "off|last|steps"     /* words of configs, in that order */

typedef enum { LAC_DRAW_STEP, LAC_DRAW_KNOWN, LAC_DRAW_JUMP } lac_latent_draw;

typedef struct lac_latent_sampling {
    const char *name;                       /* of the system: part of signatures */
    const lac_network *network;
    lac_denoise *denoise;
    const lac_sampler *sampler;
    const lac_guidance *guidance;           /* of two branches, classic; NULL: the text alone */
    const lac_tensor *text, *no_text;       /* host, f32 [N, L, E]; both NULL: the network takes none; no_text NULL without guidance */
    const lac_tensor *visual, *no_visual;   /* likewise, of a visual prompt [N, R, F] */
    const struct lac_unet_read *read;       /* what lac_latent_read made of these four, which then are looked at no more; NULL: they are read at each step */
    const lac_tensor *beside;               /* host, f32 [N, h, w, B]: channels behind the latent's; NULL: none */
    const lac_tensor *label;                /* host, i32 [N], of both branches [2 N]; NULL: the network takes none */
    lac_blend_at blend;
    const lac_tensor *mask, *source;        /* host, f32 [N, h, w, 1] and [N, h, w, C], for blend */
    int64_t dilations;                      /* of the mask, larger at first: models/latent/dilated.h */
    lac_said_mask said_mask;
    double clip;                            /* with LAC_BLEND_ESTIMATE: x_0 is cut to [-clip, clip]; 0: not */
    const lac_tensor *known_noise;          /* host: of the known part, the same at each step; NULL: drawn anew where it has noise */
    const lac_repaint *jumps;               /* NULL: each step once, in order */
    /* Standard normals of the latent's shape for the i-th step that is taken: *x is fresh, on the host. */
    lac_status (*draw)(void *context, lac_latent_draw what, int64_t i, lac_tensor **x);
    void *context;
} lac_latent_sampling;

/* Fills what a UNet, s->network, makes of text and visual prompt, both branches': for this run and any other with the same prompts. */
lac_status lac_latent_read(lac_tape *t, const lac_latent_sampling *s, struct lac_unet_read *read);

/* z: f32 [N, h, w, C], host, a sample before the sampler's step 0, taken over; *result: the latent, host, the caller's; NULL after an error.
 * LAC_ERR_NONFINITE names the first step after which it is no number any more. */
lac_status lac_latent_sample(lac_tape *t, const lac_latent_sampling *s, lac_tensor *z, lac_tensor **result);
