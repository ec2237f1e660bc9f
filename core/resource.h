/* core/resource.h -- the files that come with the program: configs-lua/, weights/, data/masks/, data/stamps/manifest.tsv,
 * scripts/.
 *
 * They keep the places they have in the source tree. A build folder finds the tree it was made from, an installed program
 * PREFIX/share/lacuna; both ways are relative to the executable (generated/lac_resources.h), so either may be moved as a whole. */
#pragma once

#include "core/status.h"

/* "data/masks" gives the path of that file or folder: fresh, free(*path). LAC_ERR_IO, saying where it was looked for. */
lac_status lac_resource(char **path, const char *name);
