#include "tests/harness/run.h"

#include "autograd/ops/backend_cpu.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a run ---- */

static void say(void *context, const char *line) { (void)context, (void)line; }
static lac_status locate(void *context, const char *name, char **path) { return (void)context, lac_strdup(path, name); }
static lac_status begun(void *context, const char *folder, const lac_stages *stages) { return (void)context, (void)stages, lac_make_folders(folder); }

/* Asked before a step, for after it. */
static bool stop(void *context)
{
    const lac_test_watch *w = context;
    return (w->stop_made > 0 && w->made >= w->stop_made) || (w->stop_steps > 0 && w->steps + 1 >= w->stop_steps);
}

static void progress(void *context, const lac_progress *p)
{
    lac_test_watch *w = context;
    *(p->what != NULL ? &w->made : &w->steps) += 1;
}

lac_status lac_test_run(json_t *config, const char *folder, lac_test_watch *w)
{
    lac_stages stages;
    lac_comm *comm;
    const lac_backend *b;
    const lac_run_hooks hooks = { .context = w, .say = say, .progress = progress, .stop = stop, .locate = locate, .begun = begun, .code = "" };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_stages_resolve(&stages, config, NULL, NULL));
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    const lac_status s = lac_run(&stages, folder, comm, &hooks);
    lac_comm_free(comm);
    lac_stages_free(&stages);
    json_decref(config);
    return s;
}

/* ---- parameters ---- */

lac_param *lac_test_param_at(const lac_recipe *r, int k)
{
    for (int i = 0; i < r->n_nets; i++) {
        if (k < r->net[i]->n)
            return r->net[i]->param[k];
        k -= (int)r->net[i]->n;
    }
    return NULL;
}

void lac_test_snap(lac_test_snapshot *s, const lac_recipe *r)
{
    const lac_param *p;
    for (s->n = 0; (p = lac_test_param_at(r, s->n)) != NULL; s->n++) {
        LAC_CHECK(s->n < LAC_TEST_PARAMS);
        s->numel[s->n] = lac_numel(p->value);
        LAC_CHECK_STATUS(lac_format(&s->name[s->n], "%s/%s", p->of->name, p->name));
        LAC_CHECK_STATUS(lac_malloc((void **)&s->x[s->n], (size_t)s->numel[s->n] * sizeof(float)));
        LAC_CHECK_STATUS(lac_param_get(p, s->x[s->n]));
    }
}

void lac_test_learnt(lac_test_snapshot *s, const char *folder)
{
    lac_loaded r;
    LAC_CHECK_STATUS(lac_run_load(&r, folder, NULL));
    lac_test_snap(s, &r.trainer.recipe);
    lac_loaded_close(&r);
}

void lac_test_drop(lac_test_snapshot *s)
{
    for (int k = 0; k < s->n; k++)
        free(s->name[k]), free(s->x[k]);
    s->n = 0;
}

/* ---- comparing ---- */

/* Of parameter k of a, its place in b; -1: its name does not begin so, or b has none. */
static int like(const lac_test_snapshot *a, int k, const lac_test_snapshot *b, const char *begin)
{
    for (int j = 0; j < b->n && strncmp(a->name[k], begin, strlen(begin)) == 0; j++)
        if (strcmp(a->name[k], b->name[j]) == 0)
            return j;
    return -1;
}

double lac_test_farthest(const lac_test_snapshot *a, const lac_test_snapshot *b, const char *begin)
{
    double farthest = -1;
    for (int k = 0; k < a->n; k++) {
        const int j = like(a, k, b, begin);
        farthest = j >= 0 ? fmax(farthest, lac_farthest(a->x[k], b->x[j], a->numel[k])) : farthest;
    }
    LAC_CHECK(farthest >= 0);
    return farthest;
}

bool lac_test_same(const lac_test_snapshot *a, const lac_test_snapshot *b, const char *begin)
{
    bool same = true;
    int n = 0;
    for (int k = 0; k < a->n; k++) {
        const int j = like(a, k, b, begin);
        same &= j < 0 || memcmp(a->x[k], b->x[j], (size_t)a->numel[k] * sizeof(float)) == 0;
        n += j >= 0;
    }
    LAC_CHECK(n > 0);
    return same;
}
