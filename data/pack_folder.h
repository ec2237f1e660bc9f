/* data/pack_folder.h -- `lacuna pack folder`: pictures in folders, or named by list files, into one packed set.
 *
 * A source is a folder (walked to the bottom, in byte order of the paths; .jpg .jpeg .png in any case) or a list file (*.flist, *.txt: one
 * path a line, in its order: data/picture_list.h; relative paths start at `root`, or at the list's folder). Names are the paths below the source. */
#pragma once

#include "data/format.h"

typedef struct lac_pack_folder_own {
    bool split_by_place;        /* a folder's first sub-folder, or a list's own name without ending, is the split ("val.flist": val) */
    bool captions;              /* NAME.txt beside the picture NAME.jpg: a caption a line */
    bool from_zero;             /* a list's N.jpg is the folder's file of number N + 1, in five digits */
    bool masks;                 /* pictures with masks beside them (data/mask_pairs.h): a record for each mask, called by it, the mask its object */
    const char *root;           /* where a list's relative paths start; NULL: the list's folder */
    int64_t max_side;           /* shrink what is longer (lac_pack_shrink); 0: bytes as published */
} lac_pack_folder_own;
