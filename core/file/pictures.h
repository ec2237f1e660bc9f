/* core/file/pictures.h -- the picture files of a folder, to the bottom.
 *
 * Those are .png, .jpg and .jpeg, in any case; names that begin with a dot are skipped, folders too, and other files are passed over. */
#pragma once

#include "core/status.h"

typedef struct lac_paths { char **item; int64_t n, capacity; } lac_paths;

lac_status lac_paths_add(lac_paths *p, const char *folder, const char *name);       /* "folder/name", or "name" where folder is "" */
void lac_paths_free(lac_paths *p);

/* Adds the paths of the pictures below `root`, relative to it, and puts all into the order of their bytes. LAC_ERR_IO for a folder that cannot be opened, and where folders
 * lie so deep that one must be a link to itself. */
lac_status lac_pictures_below(lac_paths *found, const char *root);
