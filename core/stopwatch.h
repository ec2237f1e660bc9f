/* core/stopwatch.h -- how long work takes on a backend: on its own clock, captured once and replayed, where it has a queue; else by the host's. */
#pragma once

#include "core/backend.h"

typedef lac_status lac_work(void *context);

enum { LAC_STOPWATCH_SAMPLES = 64 };

/* Seconds of one call of `work`, the median of so many samples (at most LAC_STOPWATCH_SAMPLES), each of as many calls as take 0.2 s. Two calls
 * before them warm up: libraries choose then. On a backend with a queue `work` obeys the rules of captured work from its third call on. */
lac_status lac_stopwatch(const lac_backend *b, lac_work *work, void *context, int64_t samples, double *seconds);
