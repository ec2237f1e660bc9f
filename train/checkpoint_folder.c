/* train/checkpoint_folder.c -- the files step-N.h5 of a run: which is newest, which may go. */
#include "core/file/atomic.h"
#include "core/memory.h"
#include "train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct steps { int64_t *step, n, capacity; } steps;

/* "step-000123.h5" gives 123, anything else -1. */
static int64_t step_of(const char *name)
{
    char *end;
    if (strncmp(name, "step-", 5) != 0 || name[5] < '0' || name[5] > '9')
        return -1;
    const long long step = strtoll(name + 5, &end, 10);
    return strcmp(end, ".h5") == 0 ? step : -1;
}

static lac_status path_of(char **path, const char *folder, int64_t step) { return lac_format(path, "%s/step-%06lld.h5", folder, (long long)step); }

static int newest_first(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Steps in the folder, newest first; a folder that is not there has none. */
static lac_status list(steps *l, const char *folder)
{
    lac_status s = LAC_OK;
    DIR *d = opendir(folder);
    *l = (steps){ 0 };
    if (d == NULL)
        return errno == ENOENT ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot read folder '%s': %s", folder, strerror(errno));
    for (struct dirent *e; s == LAC_OK && (e = readdir(d)) != NULL;) {
        const int64_t step = step_of(e->d_name);
        if (step >= 0 && (s = lac_grow((void **)&l->step, l->n, &l->capacity, sizeof l->step[0])) == LAC_OK)
            l->step[l->n++] = step;
    }
    closedir(d);
    if (l->n > 1)
        qsort(l->step, (size_t)l->n, sizeof l->step[0], newest_first);
    return s;
}

static lac_status prune(const char *folder, int64_t newest, int keep)
{
    steps l;
    int kept = 0;
    lac_status s = list(&l, folder);
    for (int64_t i = 0; s == LAC_OK && i < l.n; i++) {
        char *path;
        if (l.step[i] <= newest && kept++ < keep)
            continue;
        s = path_of(&path, folder, l.step[i]);
        if (s == LAC_OK) {
            unlink(path);
            free(path);
        }
    }
    free(l.step);
    return s;
}

lac_status lac_checkpoint_save(const char *folder, const lac_checkpoint *about, lac_state *s, int keep)
{
    char *path = NULL;
    lac_status status = lac_make_folders(folder);
    if (status == LAC_OK)
        status = path_of(&path, folder, about->step);
    if (status == LAC_OK)
        status = lac_checkpoint_write(path, about, s);
    free(path);
    return status == LAC_OK ? prune(folder, about->step, LAC_MAX(keep, 1)) : status;
}

lac_status lac_checkpoint_find(char **path, const char *folder, lac_checkpoint_note *note, void *context)
{
    steps l;
    bool found = false;
    lac_status s = list(&l, folder);
    *path = NULL;
    for (int64_t i = 0; s == LAC_OK && !found && i < l.n; i++) {
        s = path_of(path, folder, l.step[i]);
        if (s != LAC_OK)
            break;
        found = lac_checkpoint_check(*path) == LAC_OK;
        if (!found) {
            if (note != NULL)
                note(context, lac_error_message());
            free(*path);
            *path = NULL;
        }
    }
    if (s == LAC_OK && !found && l.n > 0)
        s = LAC_FAIL(LAC_ERR_FORMAT, "none of the %lld checkpoints in '%s' is whole: %.200s", (long long)l.n, folder, lac_error_message());
    free(l.step);
    return s;
}
