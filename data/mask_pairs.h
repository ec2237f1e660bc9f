/* data/mask_pairs.h -- pictures with their masks beside them, as LaMa's evaluation folders are: NAME.png, and NAME_mask000.png, NAME_mask001.png, ... */
#pragma once

#include "core/file/pictures.h"

/* Whether a path's last name has "_mask" behind its beginning; what is before the last one is its picture's path without ending. */
bool lac_is_mask(const char *path);

/* Of paths in the order of their bytes (lac_pictures_below): the picture of mask i, -1 where none is there; whether picture i has a mask. */
int64_t lac_mask_picture(const lac_paths *found, int64_t i);
bool lac_picture_has_mask(const lac_paths *found, int64_t i);
