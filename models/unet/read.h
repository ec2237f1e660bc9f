/* models/unet/read.h -- what a UNet's attentions make of text and visual prompt: keys and values, the same at every step of sampling. Made once, read by every walk;
 * the bits are those of a walk that makes them. */
#pragma once

#include "models/unet/unet.h"

/* Of one network and n pictures, in its backend's memory. */
typedef struct lac_unet_read {
    const lac_unet *unet;
    int64_t n, context, fusion;         /* tokens of text and visual prompt; fusion 0: none */
    lac_block_read *block;              /* of all transformer blocks, in the order of the walk */
    lac_tensor *tensor;                 /* theirs, context's k and v, then fusion's */
    int n_blocks;
    void *memory;
    size_t bytes;
} lac_unet_read;

/* For a network that reads a text, and with RefAdapters a visual prompt; contents undefined. Ends with lac_unet_read_free. */
lac_status lac_unet_read_new(lac_unet_read **r, const lac_unet *u, int64_t n, int64_t context, int64_t fusion);
void lac_unet_read_free(lac_unet_read *r);          /* NULL too */

/* In a region: fills it. context [n, T, width], fusion [n, R, width] or NULL, of the network's dtype. LAC_ERR_SHAPE for others than it was made for. */
lac_status lac_unet_read_fill(lac_tape *t, lac_unet_read *r, lac_tensor *context, lac_tensor *fusion);
