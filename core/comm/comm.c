#include "core/comm/comm.h"

#include "core/memory.h"
#include "core/module.h"

#include <stdlib.h>
#include <string.h>

/* How many tasks the launcher says it started, and who says so. */
static int launched(const char **who)
{
    static const char *const variables[][2] = { { "OMPI_COMM_WORLD_SIZE", "mpirun" }, { "PMI_SIZE", "mpirun" }, { "SLURM_STEP_NUM_TASKS", "srun" } };
    for (size_t i = 0; i < LAC_COUNT(variables); i++) {
        const char *value = getenv(variables[i][0]);
        *who = variables[i][1];
        if (value != NULL)
            return atoi(value);
    }
    return 1;
}

static lac_status open_mpi(lac_comm **c, int n, const char *who)
{
    lac_comm_mpi_open *open;
    LAC_TRY(lac_context(lac_module_symbol("mpi", "lac_comm_mpi", (void **)&open), "%s started %d ranks", who, n));
    LAC_TRY(open(c));
    const int found = (*c)->size;
    if (found == n)
        return LAC_OK;
    lac_comm_free(*c);
    *c = NULL;
    return LAC_FAIL(LAC_ERR_CONFIG, "%s started %d ranks, but MPI sees %d%s", who, n, found,
                    strcmp(who, "srun") == 0 ? "; srun --mpi=pmix lets them find each other" : "");
}

lac_status lac_comm_open(lac_comm **c, double timeout)
{
    const char *who;
    const int n = launched(&who);
    *c = NULL;
    LAC_TRY(n > 1 ? open_mpi(c, n, who) : lac_comm_alone(c));
    (*c)->timeout = timeout;
    return LAC_OK;
}

void lac_comm_free(lac_comm *c)
{
    if (c != NULL)
        c->free(c);
}

typedef struct verdict { int32_t status; char message[1020]; } verdict;

lac_status lac_comm_agree(lac_comm *c, lac_status s)
{
    verdict *all;
    if (c->size == 1)
        return s;
    verdict own = { .status = (int32_t)s };
    if (s != LAC_OK)
        lac_error_copy(own.message, sizeof own.message);
    LAC_TRY(lac_calloc((void **)&all, (size_t)c->size, sizeof *all));
    lac_status agreed = c->all_gather(c, all, &own, sizeof own);
    for (int r = 0; agreed == LAC_OK && r < c->size; r++)
        if (all[r].status != LAC_OK)
            agreed = LAC_FAIL((lac_status)all[r].status, "%s", all[r].message);
    free(all);
    return agreed;
}
