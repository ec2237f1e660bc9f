/* data/pack_openimages.h -- `lacuna pack openimages`: objects of OpenImages V6 (https://storage.googleapis.com/openimages/web), from the files as they are
 * published or as FiftyOne lays them out (docs/formats.md lists both), or from one of CAT-Diffusion's lists.
 *
 * Boxes are ordered XMin, XMax, YMin, YMax there, in shares of the picture. The table of masks does not say which box is a group or a depiction: each mask is
 * looked up among its picture's boxes of the same class, whose corners are the same to 1e-4. */
#pragma once

#include "data/pack_objects.h"

typedef struct lac_pack_openimages_own {
    lac_object_wishes objects;
    const char *root;               /* the folder of all of it; the split is the options' */
} lac_pack_openimages_own;
