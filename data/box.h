/* data/box.h -- a rectangle in a picture, in pixels from its top left corner; parts of pixels count, as published boxes have them. */
#pragma once

typedef struct lac_box { float left, top, width, height; } lac_box;
