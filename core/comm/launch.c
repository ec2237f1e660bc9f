#include "core/comm/launch.h"

#include "core/sha256.h"

#include <errno.h>
#include <lac_version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RANKS = 1 << 20, FIRST_PORT = 20000, PORTS = 12000 };      /* below those that systems give to whoever connects (32768 on) */

static bool is_set(const char *name) { return getenv(name) != NULL && getenv(name)[0] != '\0'; }

static lac_status number(const char *name, long least, long most, int *to)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL || text[0] == '\0')
        return LAC_FAIL(LAC_ERR_CONFIG, "%s is not set", name);
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < least || value > most)
        return LAC_FAIL(LAC_ERR_CONFIG, "%s should be a number from %ld to %ld, is '%s'", name, least, most, text);
    *to = (int)value;
    return LAC_OK;
}

/* Of the build and of what the launcher calls this run. */
static uint64_t token_of(const char *const *names, size_t n)
{
    uint8_t digest[LAC_SHA256_SIZE];
    uint64_t token;
    lac_sha256 h;
    lac_sha256_start(&h);
    lac_sha256_add(&h, LAC_VERSION LAC_REVISION, sizeof LAC_VERSION LAC_REVISION);
    for (size_t i = 0; i < n; i++) {
        const char *text = getenv(names[i]);
        lac_sha256_add(&h, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 1);
    }
    lac_sha256_end(&h, digest);
    memcpy(&token, digest, sizeof token);
    return token;
}

static lac_status find_mpirun(lac_launch *l, const char *size)
{
    *l = (lac_launch){ .who = "mpirun", .mpi = true };
    return number(size, 1, MOST_RANKS, &l->size);
}

/* torchrun's own agent listens at MASTER_PORT: then it is the next one. */
static lac_status find_variables(lac_launch *l)
{
    static const char *const run[] = { "MASTER_PORT", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT" };
    const char *agent = getenv("TORCHELASTIC_USE_AGENT_STORE");
    *l = (lac_launch){ .who = "RANK and WORLD_SIZE", .token = token_of(run, LAC_COUNT(run)) };
    LAC_TRY(number("WORLD_SIZE", 1, MOST_RANKS, &l->size));
    LAC_TRY(number("RANK", 0, l->size - 1, &l->rank));
    if (l->size == 1)
        return LAC_OK;
    LAC_TRY(number("MASTER_PORT", 1, 65535, &l->port));
    if (agent != NULL && strcmp(agent, "True") == 0)
        l->port = l->port % 65535 + 1;
    if (!is_set("MASTER_ADDR") || strlen(getenv("MASTER_ADDR")) >= sizeof l->host)
        return LAC_FAIL(LAC_ERR_CONFIG, "MASTER_ADDR is not set, or no name: WORLD_SIZE = %d ranks do not find each other", l->size);
    snprintf(l->host, sizeof l->host, "%s", getenv("MASTER_ADDR"));
    return LAC_OK;
}

lac_status lac_launch_first_node(const char *list, char *to, size_t size)
{
    size_t n = 0;
    bool open = false, skip = false;            /* in brackets; in what follows the first number there */
    for (const char *at = list; *at != '\0' && n < size && (open || *at != ','); at++) {
        if (*at == '[' || *at == ']')
            skip = false, open = *at == '[';
        else if (open && (*at == '-' || *at == ','))
            skip = true;
        else if (!skip)
            to[n++] = *at;
    }
    if (n == 0 || n >= size || open)
        return LAC_FAIL(LAC_ERR_CONFIG, "'%.200s' is no list of nodes", list);
    to[n] = '\0';
    return LAC_OK;
}

static lac_status find_slurm(lac_launch *l)
{
    static const char *const run[] = { "SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT" };
    const char *list = is_set("SLURM_STEP_NODELIST") ? getenv("SLURM_STEP_NODELIST") : getenv("SLURM_JOB_NODELIST");
    int job = 0, step = 0;
    *l = (lac_launch){ .who = "srun", .mpi = is_set("PMIX_RANK"), .token = token_of(run, LAC_COUNT(run)) };
    LAC_TRY(number("SLURM_STEP_NUM_TASKS", 1, MOST_RANKS, &l->size));
    if (l->size == 1)
        return LAC_OK;
    LAC_TRY(number("SLURM_PROCID", 0, l->size - 1, &l->rank));
    LAC_TRY(number("SLURM_JOB_ID", 0, INT32_MAX, &job));
    if (is_set("SLURM_STEP_ID"))
        LAC_TRY(number("SLURM_STEP_ID", 0, INT32_MAX, &step));
    l->port = FIRST_PORT + (int)(((int64_t)job * 16 + step) % PORTS);
    return lac_launch_first_node(list != NULL ? list : "", l->host, sizeof l->host);
}

static lac_status find(lac_launch *l)
{
    if (is_set("OMPI_COMM_WORLD_SIZE"))
        return find_mpirun(l, "OMPI_COMM_WORLD_SIZE");
    if (is_set("PMI_SIZE"))
        return find_mpirun(l, "PMI_SIZE");
    if (is_set("RANK") && is_set("WORLD_SIZE"))
        return find_variables(l);
    if (is_set("SLURM_STEP_NUM_TASKS"))
        return find_slurm(l);
    *l = (lac_launch){ .size = 1 };
    return LAC_OK;
}

lac_status lac_launch_find(lac_launch *l)
{
    LAC_TRY(find(l));
    if (l->size == 1)
        *l = (lac_launch){ .size = 1 };
    return LAC_OK;
}
