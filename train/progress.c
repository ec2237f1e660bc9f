#include "train/progress.h"

#include <math.h>
#include <stdio.h>

static size_t fitted(int n, size_t size) { return n < 0 || size == 0 ? 0 : LAC_MIN((size_t)n, size - 1); }

size_t lac_duration(char *to, size_t size, double seconds)
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e12)
        return fitted(snprintf(to, size, "?"), size);
    const long long s = llround(seconds), minutes = s / 60, hours = minutes / 60, days = hours / 24;
    if (days > 0)
        return fitted(snprintf(to, size, "%lld d %lld h", days, hours % 24), size);
    if (hours > 0)
        return fitted(snprintf(to, size, "%lld h %lld min", hours, minutes % 60), size);
    if (minutes > 0)
        return fitted(snprintf(to, size, "%lld min %lld s", minutes, s % 60), size);
    return fitted(snprintf(to, size, "%lld s", s), size);
}

size_t lac_progress_line(char *to, size_t size, const lac_progress *p)
{
    char loss[40] = "", eta[64] = "", wait[64] = "";
    if (!isnan(p->loss))
        snprintf(loss, sizeof loss, "   loss %.4g", p->loss);
    if (p->seconds_per_step > 0 && p->steps > p->step) {
        char left[40];
        lac_duration(left, sizeof left, (double)(p->steps - p->step) * p->seconds_per_step);
        snprintf(eta, sizeof eta, "   ETA %s", left);
    }
    if (p->wait >= 0.05)
        snprintf(wait, sizeof wait, "   waits %.0f %% for data", 100 * p->wait);
    return fitted(snprintf(to, size, "%s %lld/%lld%s   %.3g images/s%s%s", p->what != NULL ? p->what : "step", (long long)p->step, (long long)p->steps, loss,
                           p->images_per_second, eta, wait), size);
}
