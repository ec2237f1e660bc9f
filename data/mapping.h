/* data/mapping.h -- a folder with mapping_file.json, as BrushBench is published and BrushNet hands EditBench on:
 *
 *     { "ID": { "image": "images/....jpg", "caption": "...", "inpainting_mask": [start, length, start, length, ...], ... }, ... }
 *
 * Pictures are 512 x 512; masks are runs counted from 1, row by row, and are the hole. Keys that are not named here are passed over. */
#pragma once

#include "data/format.h"

#define LAC_MAPPING_FILE "mapping_file.json"

/* A record for each sample, in the file's order, named by its id: its picture, its caption, and its hole as an object; the split is the options', or
 * "test". masks: keys of the mask, the first that a sample has, NULL behind the last. A sample with anything missing or wrong is skipped, by a line that
 * names file and id. */
lac_status lac_mapping_pack(lac_pack_job *j, const char *root, const char *const *masks);
