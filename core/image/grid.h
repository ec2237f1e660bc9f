/* core/image/grid.h -- a contact sheet: pictures in rows and columns on white ground, for samples and reports. */
#pragma once

#include "core/image/image.h"

/* RGB. Pictures (1, 3 or 4 channels; alpha dropped) fill the sheet row by row; a column is as wide as its widest picture, a row as high as
 * its highest, each picture at its cell's top left; `gap` white pixels between cells and around all. The last row may be short;
 * an empty picture (pixels NULL) leaves its cell white. LAC_ERR_ARG for n or columns below 1 or a negative gap. */
lac_status lac_image_grid(lac_image *sheet, const lac_image *pictures, int64_t n, int64_t columns, int64_t gap);
