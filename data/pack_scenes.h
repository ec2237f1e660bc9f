/* data/pack_scenes.h -- `lacuna pack scenes`: rendered solids (data/scene/scene.h), as many pictures as asked for.
 *
 * Each picture is of one scene, a group of its own: its solids are objects with visible masks, boxes and labels; captions (first the labels, then a sentence) and
 * relations follow. With pairs, the k-th edited copy is the picture without the k-th object and its shadow, labelled "remove the LABEL". A picture is a function of the seed,
 * its split and its number. Splits: train, val, test; and unseen, whose identities (colours with shapes) the others have not. */
#pragma once

#include "data/format.h"

typedef struct lac_pack_scenes_own {
    int64_t size;               /* side of a picture; 0: 128 */
    int64_t count;              /* pictures of train; 0: 4000. The other splits have an eighth of it */
    const char *objects;        /* "1-4", "3"; NULL: 1-4 */
    int64_t seed;
    bool pairs;
} lac_pack_scenes_own;
