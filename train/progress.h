/* train/progress.h -- the words of the progress line; printing them is cli's. */
#pragma once

#include "core/status.h"

typedef struct lac_progress {
    const char *what;           /* is counted; NULL: "step" */
    int64_t step, steps;        /* done, wanted */
    double loss;                /* NaN: not known yet */
    double images_per_second;
    double seconds_per_step;    /* over the last while; 0: not known yet, no ETA */
    double wait;                /* share of the time that the step waited for the loader, shown from 5 % */
} lac_progress;

/* "step 1200/40000   loss 0.0312   8.4 images/s   ETA 3 h 12 min"; cut to size, always ended. Returns its length. */
size_t lac_progress_line(char *to, size_t size, const lac_progress *p);

/* "42 s", "3 min 20 s", "3 h 12 min", "2 d 4 h"; "?" for what is negative or not finite. */
size_t lac_duration(char *to, size_t size, double seconds);
