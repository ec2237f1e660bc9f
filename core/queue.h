/* core/queue.h -- what a device offers that works beside the host: calls return before their work is done, and the work is done in the
 * order of the calls. A backend whose calls are done when they return, the CPU's, has none of this (lac_backend.queue is NULL).
 *
 * Captured work. Between `begin` and `end` calls of the backend do nothing but are noted down, with their addresses; `replay` does them
 * all with one call, any number of times. So what changes from one replay to the next must lie in memory. Captured calls ask for no memory,
 * read nothing back, and copy within the device alone: anything else is an error while it is captured.
 *
 * Uploads go beside the work: two places of device memory take turns, one that an upload fills while the work reads the other. */
#pragma once

#include "core/status.h"

#include <stddef.h>

typedef struct lac_graph lac_graph;     /* captured work; each backend's own */
typedef struct lac_mark lac_mark;       /* a place in the order of the work; each backend's own */

typedef struct lac_queue {
    /* Host memory that the device reads and writes by itself: `copy` of the backend does not wait for it. Until a mark behind such a copy
     * has been waited for, the host leaves the memory alone. */
    lac_status (*pin)(void **p, size_t size);
    void (*unpin)(void *p, size_t size);

    lac_status (*mark)(lac_mark **m);           /* sets *m behind all work so far; makes one where *m is NULL */
    lac_status (*wait)(lac_mark *m);            /* until the work before it is done */
    void (*unmark)(lac_mark *m);
    lac_status (*elapsed)(lac_mark *from, lac_mark *to, double *seconds);       /* on the device's clock, between two that were waited for */
    lac_status (*finish)(void);                 /* until all work is done */

    /* From pinned memory into `to`, beside the work; what `take` copied from there before it is safe. */
    lac_status (*upload)(void *to, const void *from, size_t size);
    /* In the order of the work: waits for the uploads so far, then copies within the device, from where they went. */
    lac_status (*take)(void *to, const void *from, size_t size);

    lac_status (*begin)(void);
    lac_status (*end)(lac_graph **g);           /* g NULL: what was captured is dropped, always LAC_OK */
    lac_status (*replay)(lac_graph *g);
    void (*drop)(lac_graph *g);                 /* not while it may still be replayed; NULL is fine */

    /* Named stretches of the host's calls, nested, for a profiler (NVTX). */
    void (*open_range)(const char *name);
    void (*close_range)(void);
} lac_queue;
