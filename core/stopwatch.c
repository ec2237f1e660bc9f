#include "core/stopwatch.h"

#include "core/clock.h"
#include "core/queue.h"

#include <stdlib.h>

#define SAMPLE 0.2

typedef struct stopwatch {
    const lac_backend *b;
    lac_work *work;
    void *context;
    lac_graph *graph;                   /* the work, captured; NULL on a backend without a queue */
    lac_mark *from, *to;
} stopwatch;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static lac_status calls(const stopwatch *w, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        LAC_TRY(w->graph != NULL ? w->b->queue->replay(w->graph) : w->work(w->context));
    return LAC_OK;
}

/* Marks are waited for one after the other: the first is behind when the second is. */
static lac_status take(stopwatch *w, int64_t n, double *seconds)
{
    const lac_queue *q = w->b->queue;
    const double start = lac_seconds();
    if (q != NULL)
        LAC_TRY(q->mark(&w->from));
    LAC_TRY(calls(w, n));
    *seconds = lac_seconds() - start;
    if (q == NULL)
        return LAC_OK;
    LAC_TRY(q->mark(&w->to));
    LAC_TRY(q->wait(w->from));
    LAC_TRY(q->wait(w->to));
    return q->elapsed(w->from, w->to, seconds);
}

static lac_status prepare(stopwatch *w)
{
    const lac_queue *q = w->b->queue;
    for (int i = 0; i < 2; i++)
        LAC_TRY(w->work(w->context));
    if (q == NULL)
        return LAC_OK;
    LAC_TRY(q->finish());
    LAC_TRY(q->begin());
    const lac_status s = w->work(w->context);
    if (s != LAC_OK)
        q->end(NULL);
    return s != LAC_OK ? s : q->end(&w->graph);
}

static lac_status measure(stopwatch *w, int64_t samples, double *seconds)
{
    double all[LAC_STOPWATCH_SAMPLES], first;
    LAC_TRY(prepare(w));
    LAC_TRY(take(w, 1, &first));
    LAC_TRY(take(w, 1, &first));                        /* a graph's first replay uploads it */
    const int64_t n = first > 0 && first < SAMPLE ? (int64_t)LAC_MIN(SAMPLE / first + 1, 1e6) : 1;
    samples = LAC_MIN(samples, LAC_STOPWATCH_SAMPLES);
    for (int64_t i = 0; i < samples; i++)
        LAC_TRY(take(w, n, &all[i]));
    qsort(all, (size_t)samples, sizeof *all, by_value);
    *seconds = all[samples / 2] / (double)n;
    return LAC_OK;
}

lac_status lac_stopwatch(const lac_backend *b, lac_work *work, void *context, int64_t samples, double *seconds)
{
    stopwatch w = { .b = b, .work = work, .context = context };
    const lac_status s = measure(&w, samples, seconds);
    if (b->queue != NULL) {
        b->queue->drop(w.graph);
        b->queue->unmark(w.from);
        b->queue->unmark(w.to);
    }
    return s;
}
