#include "cli/run_report.h"

#include "cli/commands.h"
#include "core/config.h"
#include "core/cpu/features.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "train/checkpoint.h"
#include "train/report.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TABLES = 16, MAX_TABLE = 4 << 20 };

typedef struct tables { lac_report_section section[MAX_TABLES]; int n; glob_t files; } tables;

static const char *name_of(char *path)
{
    char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return name;
}

static lac_status read_tables(tables *t, const char *folder)
{
    char *pattern;
    LAC_TRY(lac_format(&pattern, "%s/eval/*.html", folder));
    const int found = glob(pattern, 0, NULL, &t->files);
    free(pattern);
    for (size_t i = 0; found == 0 && i < t->files.gl_pathc && t->n < MAX_TABLES; i++) {
        char *text;
        size_t size;
        LAC_TRY(lac_file_read(t->files.gl_pathv[i], MAX_TABLE, &text, &size));
        char *ending = strrchr(t->files.gl_pathv[i], '.');
        *ending = '\0';
        t->section[t->n++] = (lac_report_section){ name_of(t->files.gl_pathv[i]), text };
    }
    return LAC_OK;
}

static void free_tables(tables *t)
{
    for (int i = 0; i < t->n; i++)
        free((char *)t->section[i].html);
    globfree(&t->files);
}

/* Seed and steps, from the newest checkpoint; a run without one has neither. */
static lac_status read_facts(const char *folder, char *seed, char *step, size_t size)
{
    char *ckpt = NULL, *path = NULL;
    lac_checkpoint about = { 0 };
    seed[0] = step[0] = '\0';
    LAC_TRY(lac_format(&ckpt, "%s/ckpt", folder));
    lac_status s = lac_checkpoint_find(&path, ckpt, NULL, NULL);
    if (s == LAC_OK && path != NULL && (s = lac_checkpoint_about(&about, path)) == LAC_OK) {
        json_t *config = json_loads(about.config, 0, NULL);
        const json_t *first = json_array_get(json_object_get(config, "stages"), 0);
        snprintf(seed, size, "%lld", (long long)lac_config_int(first ? first : config, "seed"));
        snprintf(step, size, "%lld", (long long)about.step);
        json_decref(config);
        lac_checkpoint_clear(&about);
    }
    free(path);
    free(ckpt);
    return s;
}

lac_status lac_write_report(const char *folder)
{
    char seed[32], step[32], *path = NULL, *copy = NULL;
    tables t = { .n = 0 };
    LAC_TRY(read_facts(folder, seed, step, sizeof seed));
    const lac_report_fact facts[] = { { "steps", step }, { "seed", seed }, { "code", lac_code_revision() },
                                      { "version", lac_code_version() }, { "CPU", lac_cpu_model() } };
    lac_status s = lac_strdup(&copy, folder);
    if (s == LAC_OK)
        s = read_tables(&t, folder);
    if (s == LAC_OK)
        s = lac_format(&path, "%s/report.html", folder);
    if (s == LAC_OK) {
        const lac_report r = { name_of(copy), facts, LAC_COUNT(facts), t.section, t.n };
        s = lac_report_run(&r, folder, path);
    }
    free(path);
    free(copy);
    free_tables(&t);
    return s;
}
