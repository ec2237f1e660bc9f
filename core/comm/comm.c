#include "core/comm/comm.h"

#include "core/comm/lane.h"
#include "core/comm/launch.h"
#include "core/memory.h"
#include "core/module.h"

#include <stdlib.h>
#include <string.h>

static lac_status open_mpi(lac_comm **c, const lac_launch *l)
{
    lac_comm_mpi_open *open;
    LAC_TRY(lac_context(lac_module_symbol("mpi", "lac_comm_mpi", (void **)&open), "%s started %d ranks", l->who, l->size));
    LAC_TRY(open(c));
    const int found = (*c)->size;
    if (found == l->size)
        return LAC_OK;
    lac_comm_free(*c);
    *c = NULL;
    return LAC_FAIL(LAC_ERR_CONFIG, "%s started %d ranks, but MPI sees %d", l->who, l->size, found);
}

static bool have_mpi(void)
{
    lac_comm_mpi_open *open;
    return lac_module_symbol("mpi", "lac_comm_mpi", (void **)&open) == LAC_OK;
}

lac_status lac_comm_open(lac_comm **c, double timeout)
{
    lac_launch l;
    *c = NULL;
    LAC_TRY(lac_launch_find(&l));
    if (l.size == 1)
        LAC_TRY(lac_comm_alone(c));
    else if (l.mpi && (l.port == 0 || have_mpi()))
        LAC_TRY(open_mpi(c, &l));
    else
        LAC_TRY(lac_context(lac_comm_tcp(c, &l, timeout), "%s: %d ranks", l.who, l.size));
    (*c)->timeout = timeout;
    (*c)->bucket = 32 << 20;
    return LAC_OK;
}

void lac_comm_free(lac_comm *c)
{
    for (int i = 0; c != NULL && i < LAC_COMM_LANES; i++) {
        if (c->lane[i] != NULL)
            c->lane[i]->free(c->lane[i]);
        c->lane[i] = NULL;
    }
    if (c != NULL)
        c->free(c);
}

typedef struct verdict { int32_t status; char message[1020]; } verdict;

/* The lowest failing rank's; its number joins the message unless all failed alike. */
static lac_status first_failure(const verdict *all, int size)
{
    int first = 0, alike = 0;
    while (first < size && all[first].status == LAC_OK)
        first++;
    if (first == size)
        return LAC_OK;
    for (int r = 0; r < size; r++)
        alike += all[r].status == all[first].status && strcmp(all[r].message, all[first].message) == 0;
    return alike == size ? LAC_FAIL((lac_status)all[first].status, "%s", all[first].message)
                         : LAC_FAIL((lac_status)all[first].status, "rank %d of %d: %s", first, size, all[first].message);
}

lac_status lac_comm_agree(lac_comm *c, lac_status s)
{
    verdict *all;
    if (c->size == 1 || c->lost)
        return s;
    verdict own = { .status = (int32_t)s };
    if (s != LAC_OK)
        lac_error_copy(own.message, sizeof own.message);
    LAC_TRY(lac_calloc((void **)&all, (size_t)c->size, sizeof *all));
    lac_status agreed = c->all_gather(c, all, &own, sizeof own);
    if (agreed == LAC_OK)
        agreed = first_failure(all, c->size);
    free(all);
    return agreed;
}
