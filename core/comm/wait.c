#include "core/comm/wait.h"

#include "core/clock.h"
#include "core/comm/lane.h"

#include <stdio.h>
#include <time.h>

lac_wait lac_wait_begin(const lac_comm *c) { return (lac_wait){ lac_seconds(), c->timeout }; }
double lac_waited(const lac_wait *w) { return lac_seconds() - w->begun; }

void lac_wait_rest(const lac_wait *w)
{
    const double waited = lac_waited(w);
    if (waited > 1e-3)
        nanosleep(&(struct timespec){ .tv_nsec = waited > 0.1 ? 1000000 : 50000 }, NULL);
}

void lac_comm_give_up(lac_comm *c)
{
    c->lost = true;
    for (int i = 0; i < LAC_COMM_LANES; i++)
        if (c->lane[i] != NULL)
            c->lane[i]->give_up(c->lane[i]);
}

lac_status lac_comm_ended(lac_comm *c, lac_status s)
{
    if (s != LAC_OK && !c->lost)
        c->abort(c, lac_error_message());
    return s;
}

lac_status lac_comm_name_silent(lac_comm *c, const bool *here, const lac_wait *w)
{
    char names[400] = "", why[500];
    size_t length = 0;
    for (int r = 0; r < c->size; r++)
        if (!here[r] && length + 16 < sizeof names)
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%d", length ? ", " : "", r);
    if (length == 0)
        return LAC_OK;
    snprintf(why, sizeof why, "waited %.0f s; no sign of rank %s of %d", lac_waited(w), names, c->size);
    c->abort(c, why);
    return LAC_FAIL(LAC_ERR_TIMEOUT, "%s", why);
}
