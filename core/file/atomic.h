/* core/file/atomic.h -- files that are there whole or not at all: written aside, synced, renamed over the target.
 *
 * "NAME.tmp-PID" lies beside the target until _commit; _abandon (or a failure) removes it. A reader never sees half a file, and
 * a full disk leaves the old one as it was. */
#pragma once

#include "core/status.h"

#include <stdio.h>

typedef struct lac_atomic { char *path, *aside; FILE *stream; } lac_atomic;

lac_status lac_atomic_open(lac_atomic *a, const char *path);        /* a->stream is for writing */
lac_status lac_atomic_commit(lac_atomic *a);                        /* flush, fsync, rename, fsync the folder */
void lac_atomic_abandon(lac_atomic *a);                             /* safe after commit and on a zeroed struct */

/* For libraries that write by path themselves: give them `aside`, then commit. */
lac_status lac_atomic_begin(lac_atomic *a, const char *path);

lac_status lac_file_write(const char *path, const void *bytes, size_t size);       /* all of the above in one call */
/* Whole file into memory (one zero byte beyond the end); a file above `limit` is refused. free(*bytes). */
lac_status lac_file_read(const char *path, size_t limit, char **bytes, size_t *size);
/* Removes what killed writers left in a folder: files "NAME.tmp-PID". For who alone writes there; a folder that is not there has none. */
lac_status lac_atomic_tidy(const char *folder);
lac_status lac_make_folders(const char *path);                      /* mkdir -p */
