/* models/latent/system.h -- latent inpainting whole: what the published systems have in common, and the choices in which they differ.
 *
 *     condition   the picture, its hole filled, through the encoder; the hole as a mask of the latent's size; prompts as states of the text encoder
 *     sample      the shared loop (models/latent/sampling.h)
 *     decode      the latent through the decoder
 *
 * A definition's networks are, in this order, LAC_LATENT_ROLES; its config has LAC_LATENT_KEYS. What is drawn at random belongs to seed, step and record
 * (models/noise.h), so neither batch nor ranks change a picture. */
#pragma once

#include "models/inpainter.h"
#include "models/latent/condition.h"
#include "models/latent/sampling.h"

enum { LAC_LATENT_UNET, LAC_LATENT_VAE, LAC_LATENT_TEXT };

typedef struct lac_latent_system {
    lac_beside beside;
    lac_blend_at blend;
    bool same_noise;                /* the known part has the noise of the start at every step; else its own at each */
    bool repaints;                  /* RePaint's order of steps: jump_length, jump_n_sample in the config */
    bool dilates;                   /* the hole is larger at first: dilations in the config */
    bool clips;                     /* LAC_BLEND_ESTIMATE cuts: estimate_clip in the config */
    bool precise;                   /* the UNet reads how exact the hole is and says it better: precision, predicted_mask in the config */
    /* Where the UNet reads a visual prompt: *visual, fresh, host f32 [N, R, F]; without guidance it is zeros. Made once for all results of a picture, so no seed
     * is in it. NULL: it reads none. */
    lac_status (*visual)(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **visual);
} lac_latent_system;

enum { LAC_PRECISION_LEVELS = 4 };      /* of masks: an object's outline, twice coarser, its box (core/image/coarse_mask.h) */

/* As lac_inpainter_def.sample. */
lac_status lac_latent_paint(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, const lac_latent_system *system, lac_tensor **result);

/* As lac_inpainter_def.fits: the UNet has `channels` in, "9" for Stable Diffusion's inpainting, or as many as it puts out where channels is 0; and neither
 * RefAdapters nor a table of labels. */
lac_status lac_latent_fits(const json_t *networks, int64_t channels);
lac_status lac_latent_fits_fed(const json_t *networks, int64_t channels);            /* with them or without */
lac_status lac_latent_fits_labels(const json_t *networks, int64_t labels);           /* as many channels in as out, and a table of so many labels */
/* For a definition of its own: the UNet of that role has so many channels in and out, neither RefAdapters nor a table of labels, and a text encoder if it reads texts. */
lac_status lac_latent_fits_unet(const json_t *networks, const char *role, int64_t in, int64_t out);

/* As lac_inpainter_def.scheduler: the config's, of the class that `sampler` says. */
lac_status lac_latent_scheduler(const json_t *config, json_t **published);

#define LAC_LATENT_ROLES(unet, vae) { "unet", unet }, { "vae", vae }, { "text_encoder", "clip-text|bert-encoder", .optional = true }

#define LAC_LATENT_SCHEDULE "\"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085, \"beta_end\": 0.012, \"clip_sample\": false"

/* Defaults are C literals of JSON. */
#define LAC_LATENT_KEYS(steps, guidance, scheduler, skip, encode, fill, rule, paste)                                                                       \
    { "scheduler", LAC_KEY_TABLE, scheduler, .help = "scheduler_config.json of diffusers (docs/diffusion.md)" },                                         \
    { "sampler", LAC_KEY_STR | LAC_KEY_NULL, "null", .choices = "ddpm|ddim|pndm|dpm|unipc|euler|euler-ancestral", .help = "another than scheduler's" },   \
    { "steps", LAC_KEY_INT, steps, .min = 1, .max = 100000, .help = "steps of the sampler" },                                                           \
    { "eta", LAC_KEY_NUM, "0", .min = 0, .max = 1, .help = "noise of ddim's steps" },                                                                   \
    { "guidance_scale", LAC_KEY_NUM, guidance, .min = 0, .max = 1000, .help = "of the prompt; 1: without guidance" },                                   \
    { "strength", LAC_KEY_NUM | LAC_KEY_ABOVE_MIN, "1", .min = 0, .max = 1, .help = "share of the steps that is taken, from the picture's own latent" }, \
    { "skip", LAC_KEY_NUM | LAC_KEY_BELOW_MAX, skip, .min = 0, .max = 1, .help = "share of the steps left out at the start, from noise alone" },          \
    { "tiles", LAC_KEY_INT, "0", .min = 0, .max = 65536, .help = "pixels a side that the autoencoder sees at once; 0: the whole picture" },           \
    { "encode", LAC_KEY_STR, encode, .choices = "sample|mean", .help = "what of the encoder's distribution is taken" },                                 \
    { "hole_fill", LAC_KEY_STR, fill, .choices = LAC_HOLE_FILLS, .help = "what the encoder sees in the hole" },                                         \
    { "mask_rule", LAC_KEY_STR, rule, .choices = LAC_LATENT_MASKS, .help = "which cells of the latent are hole" },                                      \
    { "paste", LAC_KEY_STR, paste, .choices = "none|hard|blur", .help = "how the known pixels come back" }
