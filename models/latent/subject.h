/* models/latent/subject.h -- what a latent system knows of the pictures before anything is drawn: what the encoders of texts and pictures say, made once
 * however many results are painted. */
#pragma once

#include "models/latent/system.h"
#include "models/unet/read.h"

/* Tensors are on the host, f32, a row for each picture; NULL: the system has none. */
typedef struct lac_latent_subject {
    lac_tensor *text, *no_text, *visual;
    lac_tensor *cells;                      /* the hole at the latent's size, [P, h, w, 1]; -1 and 1 where the network reads it so (LAC_BESIDE_MASK_LAST) */
    lac_tensor *filled, *source;            /* the autoencoder's moments of the pictures with their holes filled, and as they are */
    lac_unet_read *read;                    /* what the UNet makes of the prompts of the results that were last sampled */
    int64_t *read_of;                       /* whose pictures' they are */
} lac_latent_subject;

/* Of the canvas's pictures; it is the memo's. guided: no_text is wanted. */
lac_status lac_latent_subject_of(lac_latent_subject **s, const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, const lac_latent_system *system, bool guided);

/* s->read for the results of c, n prompts of so many tokens (as lac_unet_read_new). *filled: it holds what they want, for the last results were of the same pictures;
 * else it is to be filled before anything else is done with it. */
lac_status lac_latent_subject_read(lac_latent_subject *s, const lac_canvas *c, const lac_unet *unet, int64_t n, int64_t context, int64_t fusion, bool *filled);

/* *rows, fresh: the row of each result's picture; NULL of NULL. */
lac_status lac_latent_rows(lac_tensor **rows, const lac_tensor *of_pictures, const lac_canvas *c);

/* Weights that are no numbers, or settings that drive the sampler away, end here and not in a black picture: LAC_ERR_NONFINITE. */
lac_status lac_latent_finite(const lac_tensor *x, const char *what);
