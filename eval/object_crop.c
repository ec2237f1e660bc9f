#include "eval/object_crop.h"

#include "core/image/opencv.h"
#include "core/image/paste.h"
#include "core/image/resample.h"
#include "core/memory.h"
#include "data/box.h"

#include <string.h>

enum { CENTRED = 256 };

bool lac_hole_around(const uint8_t *mask, int64_t height, int64_t width, lac_cutout *box)
{
    const lac_box b = lac_box_around(mask, height, width);
    *box = (lac_cutout){ (int64_t)b.top, (int64_t)b.left, (int64_t)b.height, (int64_t)b.width, false };
    return box->height > 0;
}

static lac_image whole(const lac_picture *p) { return (lac_image){ p->height, p->width, 3, (uint8_t *)p->pixels }; }

lac_status lac_cutout_take(lac_image *to, const lac_picture *p, const lac_cutout *cut)
{
    enum { GREY = 127 };
    const lac_image from = whole(p);
    LAC_TRY(lac_image_crop(to, &from, cut->top, cut->left, cut->height, cut->width));
    for (int64_t i = 0; cut->hole_alone && i < cut->height * cut->width; i++)
        if (p->mask[(cut->top + i / cut->width) * p->width + cut->left + i % cut->width] == 0)
            memset(to->pixels + 3 * i, GREY, 3);
    return LAC_OK;
}

lac_status lac_object_cut(lac_image *to, const lac_picture *p, const lac_cutout *hole)
{
    const lac_image from = whole(p);
    return lac_image_crop(to, &from, hole->top, hole->left, hole->height, hole->width);
}

/* In the middle of the black square that holds it. */
static lac_status square(lac_image *to, const lac_image *from)
{
    const int64_t side = LAC_MAX(from->height, from->width), top = (side - from->height) / 2, left = (side - from->width) / 2;
    LAC_TRY(lac_image_new(to, side, side, 3));
    for (int64_t y = 0; y < from->height; y++)
        memcpy(to->pixels + ((top + y) * side + left) * 3, from->pixels + y * from->width * 3, (size_t)from->width * 3);
    return LAC_OK;
}

lac_status lac_object_squared(lac_image *to, const lac_picture *p, const lac_cutout *hole, int64_t side)
{
    lac_image cut = { 0 }, squared = { 0 };
    lac_status s = lac_object_cut(&cut, p, hole);
    if (s == LAC_OK)
        s = square(&squared, &cut);
    if (s == LAC_OK)
        s = lac_image_resize_opencv_cubic(to, &squared, side, side);
    lac_image_free(&cut);
    lac_image_free(&squared);
    return s;
}

/* The middle square at 256 x 256. */
static lac_status middle(lac_image *to, const lac_picture *p)
{
    const lac_image from = whole(p);
    const int64_t side = LAC_MIN(p->height, p->width);
    lac_image cut = { 0 };
    LAC_TRY(lac_image_crop(&cut, &from, (p->height - side) / 2, (p->width - side) / 2, side, side));
    const lac_status s = lac_image_resize(to, &cut, CENTRED, CENTRED, LAC_FILTER_BILINEAR, LAC_PASSES_HORIZONTAL_FIRST);
    lac_image_free(&cut);
    return s;
}

/* A coordinate of the box along a side of n pixels, whose middle square has `square`. */
static int64_t moved(double x, int64_t n, int64_t square)
{
    const double inside = LAC_MIN(LAC_MAX(x - (double)((n - square) / 2), 0), (double)square);
    return (int64_t)(inside * ((double)CENTRED / (double)square));
}

lac_status lac_object_centred(lac_image *to, const lac_picture *p, const lac_object_box *box)
{
    const int64_t width = box->width > 0 ? box->width : p->width, height = box->height > 0 ? box->height : p->height, side = LAC_MIN(width, height);
    const int64_t left = moved(box->left, width, side), right = moved(box->right, width, side);
    const int64_t top = moved(box->top, height, side), bottom = moved(box->bottom, height, side);
    lac_image from = { 0 }, cut = { 0 };
    if (left >= right || top >= bottom)
        return lac_image_new(to, CENTRED, CENTRED, 3);
    lac_status s = middle(&from, p);
    if (s == LAC_OK)
        s = lac_image_crop(&cut, &from, top, left, bottom - top, right - left);
    if (s == LAC_OK)
        s = square(to, &cut);
    lac_image_free(&from);
    lac_image_free(&cut);
    return s;
}
