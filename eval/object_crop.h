/* eval/object_crop.h -- the part of a picture that shows its object, as metrics of objects cut it. */
#pragma once

#include "core/image/image.h"
#include "eval/features.h"

/* The tightest box around the hole of a mask [height, width]; false: there is none. */
bool lac_hole_around(const uint8_t *mask, int64_t height, int64_t width, lac_cutout *box);

/* A new picture: the part of p (which has a mask, where it is the hole's alone). */
lac_status lac_cutout_take(lac_image *to, const lac_picture *p, const lac_cutout *cut);

/* Each makes a new picture.
 *
 * _cut:     the hole's box alone
 * _squared: the hole's box in the middle of black (what is odd goes right, below), brought to side x side by OpenCV's cubic: HD-Painter's
 * _centred: Inst-Inpaint's. The picture's middle square is brought to 256 x 256 by Pillow's bilinear; the box, which belongs to a picture of box->width x box->height (0: to this
 *           one), is moved into its middle square, clipped to it, brought to 256 likewise and cut down to whole pixels; what it holds stands in the middle of a black square. A box
 *           of which nothing is left is a black picture. */
lac_status lac_object_cut(lac_image *to, const lac_picture *p, const lac_cutout *hole);
lac_status lac_object_squared(lac_image *to, const lac_picture *p, const lac_cutout *hole, int64_t side);
lac_status lac_object_centred(lac_image *to, const lac_picture *p, const lac_object_box *box);
