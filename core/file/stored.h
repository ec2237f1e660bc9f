/* core/file/stored.h -- where tensors lie in a file: what the readers of containers hand to weights.c, and to nobody else. */
#pragma once

#include "core/tensor.h"

typedef struct lac_stored {
    char *name;
    lac_dtype dtype;                    /* BOOL is read as u8 */
    lac_shape shape;
    uint64_t at, size;                  /* bytes from its first element to behind its last, from the file's begin or the entry's */
    int64_t packed;                     /* the zip's entry that must be unpacked for it; -1: it lies in the file as it is */
    bool strided;                       /* elements lie stride[] elements apart; otherwise one after the other */
    int64_t stride[LAC_MAX_DIMS];
    int64_t part;                       /* which of the files; weights.c's own */
} lac_stored;

/* What stands under a name and is no tensor that can be read, and why, in a few words. */
typedef struct lac_absent { char *name, *why; } lac_absent;

typedef struct lac_contents {
    lac_stored *entry;
    lac_absent *absent;
    int64_t n, capacity, n_absent, absent_capacity;
} lac_contents;

/* Adds one of this name, otherwise empty; *e until the next one. */
lac_status lac_contents_add(lac_contents *c, const char *name, lac_stored **e);
lac_status lac_contents_add_absent(lac_contents *c, const char *name, const char *why);
/* Moves all of `from` behind those of c. */
lac_status lac_contents_join(lac_contents *c, lac_contents *from);
void lac_contents_free(lac_contents *c);
