/* Which launcher's variables say what. */
#include "core/comm/launch.h"
#include "tests/harness/test.h"

#include <stdlib.h>

/* NAME, VALUE, ..., NULL: these alone are set. */
static void set_all(const char *const *pairs)
{
    static const char *const known[] = {
        "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT",
        "TORCHELASTIC_USE_AGENT_STORE", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT",
        "SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "PMIX_RANK",
    };
    for (size_t i = 0; i < LAC_COUNT(known); i++)
        unsetenv(known[i]);
    for (; pairs[0] != NULL; pairs += 2)
        setenv(pairs[0], pairs[1], 1);
}
#define SET(...) set_all((const char *const[]){ __VA_ARGS__, NULL })

#define TORCH "RANK", "2", "WORLD_SIZE", "4", "MASTER_ADDR", "node7", "MASTER_PORT", "29500"
#define SLURM "SLURM_STEP_NUM_TASKS", "8", "SLURM_PROCID", "5", "SLURM_JOB_ID", "123456", "SLURM_STEP_ID", "2", "SLURM_STEP_NODELIST", "gpu[03-06]"

LAC_TEST(launchers_are_told_by_their_variables)
{
    lac_launch l;
    SET("HOME", "/");
    LAC_CHECK_STATUS(lac_launch_find(&l));
    LAC_CHECK(l.who == NULL && l.size == 1 && l.rank == 0);
    SET("OMPI_COMM_WORLD_SIZE", "3");
    LAC_CHECK_STATUS(lac_launch_find(&l));
    LAC_CHECK(l.mpi && l.size == 3 && l.port == 0);
    SET(TORCH);
    LAC_CHECK_STATUS(lac_launch_find(&l));
    LAC_CHECK(!l.mpi && l.size == 4 && l.rank == 2 && l.port == 29500 && strcmp(l.host, "node7") == 0);
    SET(TORCH, "TORCHELASTIC_USE_AGENT_STORE", "True");
    LAC_CHECK_STATUS(lac_launch_find(&l));
    LAC_CHECK(l.port == 29501);
    SET(SLURM);
    LAC_CHECK_STATUS(lac_launch_find(&l));
    LAC_CHECK(!l.mpi && l.size == 8 && l.rank == 5 && strcmp(l.host, "gpu03") == 0 && l.port == 20000 + (123456 * 16 + 2) % 12000);
    SET(SLURM, "PMIX_RANK", "5");
    LAC_CHECK_STATUS(lac_launch_find(&l));
    LAC_CHECK(l.mpi && l.size == 8 && l.port > 0);
    SET(SLURM, TORCH);                          /* torchrun inside srun */
    LAC_CHECK_STATUS(lac_launch_find(&l));
    LAC_CHECK(l.size == 4 && l.rank == 2);
    SET("SLURM_NTASKS", "4", "SLURM_PROCID", "0", "SLURM_JOB_ID", "1");      /* in a batch script, but not started by srun */
    LAC_CHECK_STATUS(lac_launch_find(&l));
    LAC_CHECK(l.who == NULL && l.size == 1);
    SET("SLURM_STEP_NUM_TASKS", "1");
    LAC_CHECK_STATUS(lac_launch_find(&l));
    LAC_CHECK(l.who == NULL && l.size == 1);
}

LAC_TEST(variables_that_do_not_fit_are_named)
{
    lac_launch l;
    SET("RANK", "0", "WORLD_SIZE", "2", "MASTER_PORT", "29500");
    LAC_CHECK_FAILS(lac_launch_find(&l), LAC_ERR_CONFIG, "MASTER_ADDR is not set");
    SET("RANK", "0", "WORLD_SIZE", "2", "MASTER_ADDR", "a", "MASTER_PORT", "http");
    LAC_CHECK_FAILS(lac_launch_find(&l), LAC_ERR_CONFIG, "MASTER_PORT should be a number from 1 to 65535, is 'http'");
    SET("RANK", "2", "WORLD_SIZE", "2", "MASTER_ADDR", "a", "MASTER_PORT", "1");
    LAC_CHECK_FAILS(lac_launch_find(&l), LAC_ERR_CONFIG, "RANK should be a number from 0 to 1, is '2'");
    SET("SLURM_STEP_NUM_TASKS", "2", "SLURM_PROCID", "0", "SLURM_JOB_ID", "7");
    LAC_CHECK_FAILS(lac_launch_find(&l), LAC_ERR_CONFIG, "'' is no list of nodes");
}

LAC_TEST(runs_are_told_apart)
{
    lac_launch a, b, c;
    SET(SLURM);
    LAC_CHECK_STATUS(lac_launch_find(&a));
    SET(SLURM, "SLURM_PROCID", "1");
    LAC_CHECK_STATUS(lac_launch_find(&b));
    SET(SLURM, "SLURM_RESTART_COUNT", "1");
    LAC_CHECK_STATUS(lac_launch_find(&c));
    LAC_CHECK(a.token == b.token && a.token != c.token);
}

LAC_TEST(the_first_node_of_a_list_is_found)
{
    static const char *const lists[][2] = {
        { "one", "one" }, { "a,b", "a" }, { "n[03-07,9],m1", "n03" }, { "n[12,15]", "n12" }, { "r[1-2]n[3-4]", "r1n3" }, { "gpu[7].cluster", "gpu7.cluster" },
    };
    char name[32];
    for (size_t i = 0; i < LAC_COUNT(lists); i++) {
        LAC_CHECK_STATUS(lac_launch_first_node(lists[i][0], name, sizeof name));
        LAC_CHECK(strcmp(name, lists[i][1]) == 0);
    }
    LAC_CHECK_FAILS(lac_launch_first_node("", name, sizeof name), LAC_ERR_CONFIG, "is no list of nodes");
    LAC_CHECK_FAILS(lac_launch_first_node("n[1", name, sizeof name), LAC_ERR_CONFIG, "'n[1' is no list of nodes");
    LAC_CHECK_FAILS(lac_launch_first_node("a-name-that-is-longer-than-its-place", name, sizeof name), LAC_ERR_CONFIG, "is no list of nodes");
}
