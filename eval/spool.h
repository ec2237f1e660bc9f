/* eval/spool.h -- numbers of many pictures in a file without a name that is mapped into memory: 50,000 rows of 2048 are 400 MB of disk, and what nobody looks at
 * the system may put away. The file lies in $TMPDIR, else in /var/tmp, and is gone with the process. */
#pragma once

#include "core/status.h"

#include <stdint.h>

typedef struct lac_spool lac_spool;

/* No file yet: the first _take makes it. */
lac_status lac_spool_new(lac_spool **s);
void lac_spool_free(lac_spool *s);              /* safe on NULL */

/* Fresh zeroes, n of them, at *x until lac_spool_free. LAC_ERR_IO, naming the folder, where there is no room: it is asked for before it is written to. */
lac_status lac_spool_take(lac_spool *s, int64_t n, float **x);
