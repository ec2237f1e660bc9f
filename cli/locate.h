/* cli/locate.h -- where a packed set or a mask file lies that a config or an option names.
 *
 *     a path that exists       itself
 *     NAME                     $LACUNA_SETS/NAME.h5, sets/NAME.h5, or data/masks/NAME.png among the program's own files, .png said or not */
#pragma once

#include "core/status.h"

/* *path is fresh; the hook of train/run.h, context unused. LAC_ERR_IO saying where it was looked for. */
lac_status lac_locate(void *context, const char *name, char **path);
