/* models/autoencoder/tiles.h -- pictures of any size through an autoencoder in bounded memory: overlapping tiles, blended where they overlap.
 *
 * As diffusers' AutoencoderKL.enable_tiling does it: tiles begin every 3/4 of their size; over the first quarter that two share, the later one fades in by
 * a ramp y / n that begins at 0, first from above, then from the left, each with what was blended already. What a tile sees of its neighbours ends at
 * its edge, so the result differs a little from that of the whole picture (attention and group norm look at a tile alone). */
#pragma once

#include "models/autoencoder/autoencoder.h"
#include "models/network.h"

/* x on the host, f32: a picture [N, H, W, in] (or a latent [N, h, w, z], unscaled) in tiles of `size` pixels of the picture, a multiple of 4 factor; 0: the
 * config's sample_size or resolution. Not larger than a tile: at once. *y is fresh, f32, the caller's; n is a network "autoencoder-kl" or "vqgan".
 * LAC_ERR_ARG for a size that does not fit. */
lac_status lac_tiled_encode(const lac_network *n, lac_tape *t, const lac_tensor *image, int64_t size, lac_tensor **moments);
lac_status lac_tiled_decode(const lac_network *n, lac_tape *t, const lac_tensor *latent, int64_t size, lac_tensor **image);
