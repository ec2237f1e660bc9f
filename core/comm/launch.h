/* core/comm/launch.h -- who started this process as one of several ranks, and where they find each other.
 *
 *     mpirun      OMPI_COMM_WORLD_SIZE or PMI_SIZE; over MPI
 *     torchrun    RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, set by it or by anybody; over TCP
 *     srun        SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_STEP_NODELIST or SLURM_JOB_NODELIST, SLURM_JOB_ID; over MPI where srun speaks PMIx
 *                 (PMIX_RANK), else over TCP: the first node of the list, a port made of the job's and the step's number
 *
 * The first of them that is there counts. A variable that is there and no number is an error. */
#pragma once

#include "core/status.h"

typedef struct lac_launch {
    const char *who;            /* "mpirun", ...; NULL: this process is alone, size 1 */
    bool mpi;                   /* MPI can bring them together; port 0: nothing else can */
    int rank, size;
    char host[256];             /* where rank 0 listens */
    int port;
    uint64_t token;             /* the same on all ranks of a run of the same build, another in other runs */
} lac_launch;

lac_status lac_launch_find(lac_launch *l);

/* The first name of a list as Slurm writes it: "n[03-07,9],m1" is n03. to holds `size` bytes; LAC_ERR_CONFIG where it is no such list. */
lac_status lac_launch_first_node(const char *list, char *to, size_t size);
