/* data/pack_coco.h -- `lacuna pack coco`: objects of COCO (https://cocodataset.org, instances_*.json; data/coco.h), their pictures, names and captions.
 *
 * An object's mask is called STEM_ID.png: its picture's file name without ending, and the annotation's id. Crowds are left out. */
#pragma once

#include "data/pack_objects.h"

typedef struct lac_pack_coco_own {
    lac_object_wishes objects;
    const char *images, *annotations;       /* the pictures' folder, instances_*.json */
    const char *captions;                   /* captions_*.json; NULL: labels alone */
} lac_pack_coco_own;
