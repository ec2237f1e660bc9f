/* data/pack_collage.h -- `lacuna pack collage`: objects of a packed set laid on its photographs, as many pictures as asked for.
 *
 * The source is a set of photographs and cut-out objects, as `pack stamps` makes it. Each picture is a square window of a photograph with
 * one object or several of them, none over another: each a part with mask, box and label, and a caption that names them all ("lion and yellow
 * pear"). A picture is a function of the seed, its split and its number. In place of photographs, grounds may be rendered (data/scene/scene.h, without solids), of which no
 * two are alike: a split's are drawn apart from every other's, and each picture is a group of its own.
 *
 *     split     photographs     objects
 *     train     train           train
 *     val       val             train             backgrounds never seen
 *     test      test_near       train
 *     unseen    test_far        val, test         things never seen either
 *
 * A record's group is its photograph's. A split whose photographs or objects the source has not is left out, but for train. */
#pragma once

#include "data/format.h"

typedef struct lac_pack_collage_own {
    int64_t size;               /* side of a picture; 0: 128 */
    int64_t count;              /* pictures of train; 0: 4000. The other splits have an eighth of it */
    int64_t objects;            /* most in a picture; 0: 1 */
    int64_t seed;
    const char *labels;         /* "apple,lion": objects of these labels alone; NULL: all */
    const char *grounds;        /* "photos", "rendered"; NULL: photos */
    bool pairs;                 /* the window without its objects is an edited copy */
} lac_pack_collage_own;
