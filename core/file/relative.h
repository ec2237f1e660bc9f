/* core/file/relative.h -- where one thing lies as seen from a folder, so that both may be moved together. */
#pragma once

#include "core/status.h"

/* "../results" for /a/results seen from /a/out; "." for itself; links are followed. Fresh text. LAC_ERR_IO where one of them is not there. */
lac_status lac_path_relative(char **path, const char *folder, const char *to);
/* The folder that a file is named in, "." where none is: fresh text. */
lac_status lac_path_folder(char **folder, const char *file);
/* "FOLDER/NAME", and NAME itself where it begins at the root: fresh text. */
lac_status lac_path_join(char **path, const char *folder, const char *name);
