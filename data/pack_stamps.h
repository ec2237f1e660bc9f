/* data/pack_stamps.h -- `lacuna pack stamps`: photographs and cut-out objects from the system's packages, as data/stamps/manifest.tsv lists
 * them, into one packed set. scripts/fetch-stamps fills the cache folder, which is the source.
 *
 * Photographs: splits train, val, test_near (a package seen in training, other authors), test_far (no source shared with
 * train). Objects: PNG with alpha, label = English name, splits train, val, test by name, variants together. LAC_ERR_IO naming the
 * file when the cache lacks one; LAC_ERR_FORMAT when a picture is not of the manifest's size. */
#pragma once

#include "data/format.h"

typedef struct lac_pack_stamps_own {
    int64_t max_side;           /* as in lac_pack_shrink, photographs alone */
    const char *manifest;       /* NULL: the one that comes with the program */
} lac_pack_stamps_own;
