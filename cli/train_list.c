#include "cli/train_list.h"

#include "cli/run_hooks.h"
#include "cli/run_report.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is to be trained ---- */

static lac_status run_folder(const lac_stages *stages, char **folder)
{
    const json_t *c = stages->stage[0].config;
    return lac_format(folder, "%s/%s", lac_config_str(c, "runs"), lac_config_str(c, "name"));
}

/* A key's line: of a run whose config lies deeper in the file, there. */
typedef struct place { lac_experiment *e; const char *prefix; } place;

static void where_of(void *context, const char *path, char *where, size_t size)
{
    const place *p = context;
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s%s", p->prefix, p->prefix[0] != '\0' ? "." : "", path);
    lac_experiment_where(p->e, whole, where, size);
}

static lac_status open_run(lac_train_list *w, int64_t i, lac_experiment *e)
{
    place p = { e, w->run[i].place };
    LAC_TRY(lac_stages_resolve(&w->stages[i], w->run[i].config, where_of, &p));
    return run_folder(&w->stages[i], &w->row[i].folder);
}

lac_status lac_train_list_open(lac_train_list *w, lac_sweep_run *runs, int64_t n, lac_experiment *e)
{
    *w = (lac_train_list){ .run = runs, .n = n };
    LAC_TRY(lac_calloc((void **)&w->stages, (size_t)n, sizeof *w->stages));
    LAC_TRY(lac_calloc((void **)&w->row, (size_t)n, sizeof *w->row));
    for (int64_t i = 0; i < n; i++)
        LAC_TRY(open_run(w, i, e));
    return LAC_OK;
}

void lac_train_list_close(lac_train_list *w)
{
    for (int64_t i = 0; w->stages != NULL && i < w->n; i++)
        lac_stages_free(&w->stages[i]);
    for (int64_t i = 0; w->row != NULL && i < w->n; i++)
        free(w->row[i].folder);
    free(w->stages);
    free(w->row);
    lac_sweep_free(w->run, w->n);
    *w = (lac_train_list){ .n = 0 };
}

/* ---- training ---- */

/* Done or stopped, a run has a report. */
static lac_status report(const char *folder, lac_status s)
{
    char message[4096];
    lac_error_copy(message, sizeof message);
    const lac_status reported = lac_write_report(folder);
    if (s == LAC_ERR_STOPPED)
        return LAC_FAIL(s, "%s", message);
    if (reported == LAC_OK)
        printf("%s/report.html\n", folder);
    return reported;
}

lac_status lac_train_list_one(const lac_train_list *w, int64_t i, lac_comm *comm)
{
    const lac_run_hooks hooks = lac_run_hooks_here();
    const json_t *config = w->stages[i].stage[0].config;
    comm->timeout = lac_config_num(config, "comm.timeout");
    comm->bucket = (size_t)(lac_config_num(config, "comm.bucket") * (1 << 20));
    const lac_status s = lac_run(&w->stages[i], w->row[i].folder, comm, &hooks);
    lac_progress_end();
    return comm->rank == 0 && (s == LAC_OK || s == LAC_ERR_STOPPED) ? report(w->row[i].folder, s) : s;
}

static void note_failure(lac_train_list *w, lac_sweep_row *row, lac_status s, lac_comm *comm)
{
    row->failed = true;
    if (comm->rank == 0)
        printf("%s failed: %s\n", row->folder, lac_error_message());
    if (w->failed++ == 0) {
        w->first = s;
        lac_error_copy(w->why, sizeof w->why);
    }
}

lac_status lac_train_list_all(lac_train_list *w, lac_comm *comm)
{
    for (int64_t i = 0; i < w->n; i++) {
        if (comm->rank == 0)
            printf("run %lld of %lld: %s\n", (long long)i + 1, (long long)w->n, w->run[i].name);
        const lac_status s = lac_train_list_one(w, i, comm);
        if (s == LAC_ERR_STOPPED || (s != LAC_OK && s != LAC_ERR_NONFINITE && comm->size > 1))
            return s;
        if (s != LAC_OK)
            note_failure(w, &w->row[i], s, comm);
    }
    return LAC_OK;
}

lac_status lac_train_list_verdict(const lac_train_list *w)
{
    return w->failed == 0 ? LAC_OK
         : LAC_FAIL(w->first, "%lld of %lld runs failed, the first with: %s", (long long)w->failed, (long long)w->n, w->why);
}
