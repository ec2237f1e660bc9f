#include "cli/sweep_table.h"

#include "core/memory.h"
#include "train/series.h"

#include <stdlib.h>
#include <string.h>

typedef struct columns { const char **name; int64_t n, capacity; } columns;

static bool has(const columns *c, const char *name)
{
    for (int64_t i = 0; i < c->n; i++)
        if (strcmp(c->name[i], name) == 0)
            return true;
    return false;
}

/* What any run logged whose name begins so, in order of first sight. */
static lac_status collect(columns *c, const lac_series_set *log, int64_t n, const char *prefix)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < log[i].n; k++) {
            const char *name = log[i].series[k].name;
            if (strncmp(name, prefix, strlen(prefix)) != 0 || has(c, name))
                continue;
            LAC_TRY(lac_grow((void **)&c->name, c->n, &c->capacity, sizeof *c->name));
            c->name[c->n++] = name;
        }
    return LAC_OK;
}

static void print_head(FILE *to, const columns *c)
{
    fputs("| run | state | step |", to);
    for (int64_t k = 0; k < c->n; k++)
        fprintf(to, " %s |", c->name[k]);
    fputs("\n|---|---|---:|", to);
    for (int64_t k = 0; k < c->n; k++)
        fputs("---:|", to);
    fputc('\n', to);
}

static void print_row(FILE *to, const columns *c, const lac_sweep_row *row, const lac_series_set *log)
{
    const lac_series *any = log->n > 0 ? &log->series[0] : NULL;
    fprintf(to, "| %s | %s | %.0f |", row->folder, row->failed ? "failed" : "done", any != NULL ? any->x[any->n - 1] : 0);
    for (int64_t k = 0; k < c->n; k++) {
        const lac_series *s = lac_series_find(log, c->name[k]);
        if (s != NULL)
            fprintf(to, " %.5g |", s->y[s->n - 1]);
        else
            fputs(" - |", to);
    }
    fputc('\n', to);
}

static lac_status read_log(lac_series_set *log, const char *folder)
{
    char *path;
    LAC_TRY(lac_format(&path, "%s/log.jsonl", folder));
    const lac_status s = lac_series_read(log, path);
    free(path);
    return s;
}

lac_status lac_sweep_table(FILE *to, const lac_sweep_row *row, int64_t n)
{
    lac_series_set *log = NULL;
    columns c = { .n = 0 };
    lac_status s = lac_calloc((void **)&log, (size_t)n, sizeof *log);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        s = read_log(&log[i], row[i].folder);
    if (s == LAC_OK)
        s = collect(&c, log, n, "validate.");
    if (s == LAC_OK && c.n == 0)
        s = collect(&c, log, n, "loss.");
    if (s == LAC_OK)
        print_head(to, &c);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        print_row(to, &c, &row[i], &log[i]);
    for (int64_t i = 0; log != NULL && i < n; i++)
        lac_series_free(&log[i]);
    free(log);
    free(c.name);
    return s;
}
