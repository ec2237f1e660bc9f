/* models/latent/sampling.h -- the loop that every latent system shares: noise, step by step, becomes a latent.
 *
 *     for each step:   x = [z, beside];  e = guide(network(x, t, no text), network(x, t, text));  z = the sampler's step
 *                      and where the known part is kept: z = mask z + (1 - mask) source at that noise
 *
 * Both branches of guidance go through the network in one batch. Steps are regions of the tape (models/diffusion/sampler.h), what a step draws is asked of
 * the caller. With `jumps` the steps come in RePaint's order: from time to time noise is added again. */
#pragma once

#include "models/diffusion/guidance.h"
#include "models/diffusion/repaint.h"
#include "models/diffusion/sampler.h"
#include "models/network.h"

/* x [M, h, w, C + beside], timestep f32 [M], text [M, L, E], visual prompt [M, R, F], the last two or NULL; all in the network's dtype but the timesteps. */
typedef struct lac_denoise_in { lac_tensor *x, *timestep, *text, *visual; } lac_denoise_in;
/* The network's answer to it, [M, h, w, C]. */
typedef lac_tensor *lac_denoise(lac_tape *t, const void *model, const lac_denoise_in *in);

/* At whose noise the known part is put back after a step: not at all, that of the timestep just done, or that of the next. */
typedef enum { LAC_BLEND_NONE, LAC_BLEND_AT_T, LAC_BLEND_AT_NEXT } lac_blend_at;

typedef enum { LAC_DRAW_STEP, LAC_DRAW_KNOWN, LAC_DRAW_JUMP } lac_latent_draw;

typedef struct lac_latent_sampling {
    const char *name;                       /* of the system: part of signatures */
    const lac_network *network;
    lac_denoise *denoise;
    const lac_sampler *sampler;
    const lac_guidance *guidance;           /* of two branches, classic; NULL: the text alone */
    const lac_tensor *text, *no_text;       /* host, f32 [N, L, E]; both NULL: the network takes none; no_text NULL without guidance */
    const lac_tensor *visual, *no_visual;   /* likewise, of a visual prompt [N, R, F] */
    const lac_tensor *beside;               /* host, f32 [N, h, w, B]: channels behind the latent's; NULL: none */
    lac_blend_at blend;
    const lac_tensor *mask, *source;        /* host, f32 [N, h, w, 1] and [N, h, w, C], for blend */
    const lac_tensor *known_noise;          /* host: of the known part, the same at each step; NULL: drawn anew */
    const lac_repaint *jumps;               /* NULL: each step once, in order */
    /* Standard normals of the latent's shape for the i-th step that is taken: *x is fresh, on the host. */
    lac_status (*draw)(void *context, lac_latent_draw what, int64_t i, lac_tensor **x);
    void *context;
} lac_latent_sampling;

/* z: f32 [N, h, w, C], host, a sample before the sampler's step 0, taken over; *result: the latent, host, the caller's; NULL after an error.
 * LAC_ERR_NONFINITE names the first step after which it is no number any more. */
lac_status lac_latent_sample(lac_tape *t, const lac_latent_sampling *s, lac_tensor *z, lac_tensor **result);
