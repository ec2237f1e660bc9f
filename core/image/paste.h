/* core/image/paste.h -- cutting, mirroring, padding and putting back, on 8-bit images and masks.
 *
 * A mask is an image of one channel: 0 keeps the pixel, anything else is hole. Every function that gives an image makes a new one. */
#pragma once

#include "core/image/image.h"

/* The height x width pixels from (top, left) on. LAC_ERR_ARG unless they lie inside. */
lac_status lac_image_crop(lac_image *to, const lac_image *from, int64_t top, int64_t left, int64_t height, int64_t width);

void lac_image_flip(lac_image *image);      /* left and right change places */

/* Grown to the right and to the bottom until both sides are multiples of `multiple`: an image by its mirror image (the border pixel
 * comes twice: c b a | a b c), a mask by 0, which is known. */
lac_status lac_image_pad(lac_image *to, const lac_image *from, int64_t multiple);
lac_status lac_mask_pad(lac_image *to, const lac_image *from, int64_t multiple);

/* A mask of 0 and 1 of one of 0 .. 255: hole is what is white, 128 and more. */
void lac_mask_binarise(uint8_t *mask, int64_t n);

/* The result of inpainting at the source's size: where the mask is set, the prediction; elsewhere the source's own bytes. All three
 * must have one height and width, the images one number of channels: LAC_ERR_SHAPE. */
lac_status lac_image_paste(lac_image *to, const lac_image *source, const lac_image *mask, const lac_image *predicted);

/* What a hole shows where nothing is known: 0 in [-1, 1] to rounding. n pixels of three channels, grey where the mask is set. */
enum { LAC_HOLE_GREY = 128 };
void lac_hole_grey(uint8_t *pixels, const uint8_t *mask, int64_t n);

/* n bytes to [-1, 1] as v / 127.5 - 1 and back: (x + 1) 127.5, clamped to 0..255, rounded half up; or cut, as the official
 * DeepFill code does it, so that a byte does not always survive the round trip. NaN becomes 0. */
void lac_bytes_to_unit(float *to, const uint8_t *from, int64_t n);
void lac_unit_to_bytes(uint8_t *to, const float *from, int64_t n);
void lac_unit_to_bytes_cut(uint8_t *to, const float *from, int64_t n);
