/* data/pack_editbench.h -- `lacuna pack editbench`: EditBench (Wang et al. 2023, arXiv:2212.06909), 120 natural and 120 generated pictures with a free-form
 * hole and prompts each.
 *
 *     annotations_{natural,generated}.csv     columns aos, prompt_full, prompt_mask-simple, prompt_mask-rich, ...
 *     references_{natural,generated}/AOS.png  1024 x 1024
 *     masks_{natural,generated}/AOS.png       of one size with the picture; grey, 128 and more is white
 *
 * A folder with mapping_file.json in their place is what BrushNet hands on, read as BrushBench is (data/mapping.h).
 *
 * Whether white is hole is found out for each folder of masks, and said: holes are the lesser part of pictures and seldom touch the border. Where
 * the two signs disagree, that is an error, until it is told. */
#pragma once

#include "data/format.h"

typedef struct lac_pack_editbench_own {
    const char *root;
    const char *prompt;         /* the column of the prompts; NULL: prompt_full */
    const char *holes;          /* "white", "black"; NULL: found out */
    int64_t size;               /* resized to size x size, pictures by Pillow's bicubic, masks to the nearest pixel; 0: bytes as published */
} lac_pack_editbench_own;
