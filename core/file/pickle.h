/* core/file/pickle.h -- a Python pickle read as data. Nothing in it is ever run.
 *
 * The opcodes of protocols 2 to 5 build plain values (Python's pickletools.py is their definition). A global is its name and nothing more; what a
 * pickle would call (REDUCE, NEWOBJ) is kept as the call: who is called, with what, and the state that the result would be given. Whoever
 * reads the values decides which of these calls he understands. Containers that are made by calls and filled later (OrderedDict,
 * defaultdict) are plain tables.
 *
 * A pickle that calls what acts on the machine (os.system, subprocess.Popen, builtins.eval, ...) is no file of weights, whatever else is in
 * it: LAC_ERR_FORMAT naming the call. */
#pragma once

#include "core/status.h"

typedef enum { LAC_PICKLED_NONE, LAC_PICKLED_BOOL, LAC_PICKLED_INT, LAC_PICKLED_FLOAT, LAC_PICKLED_TEXT, LAC_PICKLED_BYTES,
               LAC_PICKLED_LIST,        /* and tuple, set, frozenset */
               LAC_PICKLED_TABLE,       /* item: key, value, key, value, ... */
               LAC_PICKLED_GLOBAL,      /* text: "torch._utils._rebuild_tensor_v2" */
               LAC_PICKLED_CALL,        /* callee, arguments, state; item: pairs that the result would be given */
               LAC_PICKLED_PERSISTENT,  /* arguments: what the pickle's own reader is to find */
} lac_pickled_kind;

typedef struct lac_pickled {
    lac_pickled_kind kind;
    int64_t number;                             /* INT (beyond 64 bits: saturated), BOOL */
    double real;
    const char *text;                           /* n bytes, no zero behind them: TEXT, BYTES, GLOBAL */
    const struct lac_pickled **item;
    int64_t n, capacity;                        /* items, or bytes of text */
    const struct lac_pickled *callee, *arguments, *state;       /* state NULL: none */
} lac_pickled;

/* Values may be shared, and a container may hold itself: who walks them bounds depth and number of his steps. */
typedef struct lac_pickle {
    const lac_pickled *root;
    lac_pickled **block;                        /* all values, LAC_PICKLE_BLOCK a piece */
    int64_t n_blocks, blocks_capacity, n;
    char **made;                                /* texts that do not lie in the bytes */
    int64_t n_made, made_capacity;
} lac_pickle;

enum { LAC_PICKLE_BLOCK = 1024 };

/* Reads one pickle, which takes the first *used of the bytes; they are borrowed until _free. LAC_ERR_FORMAT, with the place, for what is no
 * pickle of protocols 2 to 5, is cut off, or has more than 2 million values. */
lac_status lac_pickle_read(lac_pickle *p, const char *bytes, size_t size, size_t *used);
void lac_pickle_free(lac_pickle *p);                                /* zeroes are fine */

const lac_pickled *lac_pickle_value(const lac_pickle *p, int64_t i);       /* the i-th of p->n */

bool lac_pickled_is(const lac_pickled *v, lac_pickled_kind kind, const char *text);    /* TEXT, GLOBAL: of just this text */
/* The name of what a CALL calls: "os.system"; "?" where that is no global. In a buffer of the caller's. */
const char *lac_pickled_callee(const lac_pickled *call, char *to, size_t size);
/* The value under a key of text of a TABLE or CALL, the last one set; NULL when absent. */
const lac_pickled *lac_pickled_find(const lac_pickled *table, const char *key);
