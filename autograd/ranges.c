/* The module path, told to the device's profiler as nested ranges (core/queue.h). */
#include "autograd/tape_internal.h"

#include "core/queue.h"

void lac_tape_ranges(lac_tape *t, bool on) { t->ranges = on; }

static bool is_in(const frame *f, const frame *outer)
{
    while (f != NULL && f != outer)
        f = f->parent;
    return f == outer;
}

static void open_down_to(const lac_queue *q, const frame *f, const frame *outer)
{
    if (f == outer)
        return;
    open_down_to(q, f->parent, outer);
    q->open_range(f->name);
}

void tape_range(lac_tape *t, const frame *f)
{
    const lac_queue *q = t->backend->queue;
    if (!t->ranges || q == NULL)
        return;
    while (!is_in(f, t->range)) {
        q->close_range();
        t->range = t->range->parent;
    }
    open_down_to(q, f, t->range);
    t->range = f;
}
