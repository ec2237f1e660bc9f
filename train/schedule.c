#include "train/schedule.h"

#include <math.h>
#include <stdlib.h>

static double progress(const lac_schedule *s, int64_t step)
{
    const int64_t length = s->total - s->warmup;
    return step - s->warmup >= length ? 1 : (double)(step - s->warmup) / (double)length;
}

static int64_t milestones_passed(const lac_schedule *s, int64_t step)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->n_milestones; i++)
        n += s->milestones[i] <= step;
    return n;
}

double lac_schedule_at(const lac_schedule *s, int64_t step)
{
    if (step < s->warmup)
        return s->lr * (double)step / (double)s->warmup;
    switch (s->kind) {
    case LAC_SCHEDULE_LINEAR:
        return s->lr + (s->final - s->lr) * progress(s, step);
    case LAC_SCHEDULE_COSINE:
        return s->final + (s->lr - s->final) * (1 + cos(M_PI * progress(s, step))) / 2;
    case LAC_SCHEDULE_STEP:
        return s->lr * pow(s->gamma, (double)(step / s->every));
    case LAC_SCHEDULE_MULTISTEP:
        return s->lr * pow(s->gamma, (double)milestones_passed(s, step));
    case LAC_SCHEDULE_CONSTANT:
        break;
    }
    return s->lr;
}

void lac_schedule_free(lac_schedule *s)
{
    free(s->milestones);
    *s = (lac_schedule){ 0 };
}
