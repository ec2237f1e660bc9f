/* The folders, and what in them has one id. */
#include "eval/finished_internal.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

const char *const lac_finished_folder[LAC_FOLDERS] = { "images", "reference", "masks" };

static const char *root_of(const lac_finished *f, int folder)
{
    return folder == LAC_IMAGES ? f->ask.images : folder == LAC_MASKS ? f->ask.masks : f->cached ? NULL : f->ask.reference;
}

/* ---- ids ---- */

typedef struct file { const char *id, *path; int folder; } file;

static int by_id(const void *a, const void *b)
{
    const file *x = a, *y = b;
    const int order = strcmp(x->id, y->id);
    return order != 0 ? order : x->folder != y->folder ? x->folder - y->folder : strcmp(x->path, y->path);
}

static lac_status list_folder(lac_finished *f, int folder)
{
    lac_paths *paths = &f->paths[folder], *ids = &f->ids[folder];
    const char *root = root_of(f, folder);
    if (root == NULL)
        return LAC_OK;
    LAC_TRY(lac_context(lac_pictures_below(paths, root), "%s", lac_finished_folder[folder]));
    if (paths->n == 0)
        return LAC_FAIL(LAC_ERR_ARG, "%s: the folder '%s' is empty: no .png, .jpg or .jpeg below it", lac_finished_folder[folder], root);
    for (int64_t i = 0; i < paths->n; i++) {
        LAC_TRY(lac_paths_add(ids, "", paths->item[i]));
        *strrchr(ids->item[i], '.') = '\0';
    }
    return LAC_OK;
}

static lac_status gather_files(const lac_finished *f, file **files, int64_t *n)
{
    *n = 0;
    for (int folder = 0; folder < LAC_FOLDERS; folder++)
        *n += f->paths[folder].n;
    LAC_TRY(lac_calloc((void **)files, (size_t)*n, sizeof **files));
    file *to = *files;
    for (int folder = 0; folder < LAC_FOLDERS; folder++)
        for (int64_t i = 0; i < f->paths[folder].n; i++)
            *to++ = (file){ f->ids[folder].item[i], f->paths[folder].item[i], folder };
    qsort(*files, (size_t)*n, sizeof **files, by_id);
    return LAC_OK;
}

static lac_status enter(lac_finished *f, const file *files, int64_t n)
{
    LAC_TRY(lac_calloc((void **)&f->entry, (size_t)n, sizeof *f->entry));
    for (int64_t i = 0; i < n; i++) {
        const file *x = &files[i];
        if (f->n_entries == 0 || strcmp(f->entry[f->n_entries - 1].id, x->id) != 0) {
            if (f->ask.limit > 0 && f->n_entries == f->ask.limit)
                break;
            f->entry[f->n_entries++].id = x->id;
        }
        const char **path = &f->entry[f->n_entries - 1].path[x->folder];
        if (*path != NULL)
            return LAC_FAIL(LAC_ERR_ARG, "%s: '%s' and '%s' have one id, '%s'", lac_finished_folder[x->folder], *path, x->path, x->id);
        *path = x->path;
    }
    return lac_calloc((void **)&f->row, (size_t)f->n_entries, sizeof *f->row);
}

lac_status lac_finished_find_files(lac_finished *f)
{
    file *files;
    int64_t n;
    for (int folder = 0; folder < LAC_FOLDERS; folder++)
        LAC_TRY(list_folder(f, folder));
    LAC_TRY(gather_files(f, &files, &n));
    const lac_status s = enter(f, files, n);
    free(files);
    LAC_TRY(s);
    return lac_finished_read_said(f);
}
