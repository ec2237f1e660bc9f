/* data/pack_brushbench.h -- `lacuna pack brushbench`: BrushBench (Ju et al. 2024, arXiv:2403.06976), 600 pictures of 512 x 512 with a mask and a caption
 * each, in the layout of data/mapping.h. */
#pragma once

#include "data/format.h"

typedef struct lac_pack_brushbench_own {
    const char *root;           /* the folder of mapping_file.json */
    const char *task;           /* "inside": the hole is the object; "outside": everything but it, as the file has it */
} lac_pack_brushbench_own;
