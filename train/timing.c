#include "train/timing.h"

#include <string.h>

static void add(void *context, const char *path, const char *op, bool backward, double start, double seconds, int64_t bytes, int64_t flops)
{
    lac_timing *t = context;
    (void)path, (void)start;
    for (int k = 0; k < LAC_N_OPS; k++)
        if (strcmp(lac_op_name((lac_op)k), op) == 0) {
            lac_op_time *to = &t->of[k][backward];
            to->seconds += seconds;
            to->calls++;
            to->bytes += bytes;
            to->flops += flops;
        }
}

void lac_timing_start(lac_timing *t, lac_tape *tape)
{
    memset(t, 0, sizeof *t);
    lac_tape_profile(tape, add, t);
}

void lac_timing_stop(lac_tape *tape) { lac_tape_profile(tape, NULL, NULL); }

/* How many stand before entry i: slower ones, and equal ones listed earlier. */
static int rank(const lac_op_time *all, int i)
{
    int before = 0;
    for (int k = 0; k < 2 * LAC_N_OPS; k++)
        before += all[k].calls > 0 && (all[k].seconds > all[i].seconds || (all[k].seconds == all[i].seconds && k < i));
    return before;
}

bool lac_timing_at(const lac_timing *t, int k, lac_op *op, bool *backward)
{
    const lac_op_time *all = &t->of[0][0];
    for (int i = 0; i < 2 * LAC_N_OPS; i++)
        if (all[i].calls > 0 && rank(all, i) == k) {
            *op = (lac_op)(i / 2);
            *backward = i % 2;
            return true;
        }
    return false;
}

double lac_timing_seconds(const lac_timing *t)
{
    double sum = 0;
    for (int op = 0; op < LAC_N_OPS; op++)
        sum += t->of[op][0].seconds + t->of[op][1].seconds;
    return sum;
}
