#include "core/file/pictures.h"

#include "core/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 64 };

void lac_paths_free(lac_paths *p)
{
    for (int64_t i = 0; i < p->n; i++)
        free(p->item[i]);
    free(p->item);
    *p = (lac_paths){ 0 };
}

lac_status lac_paths_add(lac_paths *p, const char *folder, const char *name)
{
    LAC_TRY(lac_grow((void **)&p->item, p->n, &p->capacity, sizeof *p->item));
    LAC_TRY(lac_format(&p->item[p->n], "%s%s%s", folder, folder[0] ? "/" : "", name));
    p->n++;
    return LAC_OK;
}

static bool ends_in(const char *name, const char *ending)
{
    const size_t n = strlen(name), k = strlen(ending);
    return n > k && strcasecmp(name + n - k, ending) == 0;
}

static bool is_picture(const char *name) { return ends_in(name, ".jpg") || ends_in(name, ".jpeg") || ends_in(name, ".png"); }

static lac_status walk(const char *root, const char *below, int depth, lac_paths *found);

static lac_status visit(const char *root, const char *below, const char *name, int depth, lac_paths *found)
{
    char *full, *inner;
    struct stat st;
    LAC_TRY(lac_format(&inner, "%s%s%s", below, below[0] ? "/" : "", name));
    lac_status s = lac_format(&full, "%s/%s", root, inner);
    if (s == LAC_OK) {
        if (stat(full, &st) == 0 && S_ISDIR(st.st_mode))
            s = walk(root, inner, depth + 1, found);
        else if (is_picture(name))
            s = lac_paths_add(found, below, name);
        free(full);
    }
    free(inner);
    return s;
}

static lac_status walk(const char *root, const char *below, int depth, lac_paths *found)
{
    char *full;
    if (depth > MAX_DEPTH)
        return LAC_FAIL(LAC_ERR_IO, "'%s/%s' is more than %d folders deep (a link to itself?)", root, below, MAX_DEPTH);
    LAC_TRY(lac_format(&full, "%s/%s", root, below));
    DIR *d = opendir(full);
    lac_status s = d != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot open the folder '%s': %s", full, strerror(errno));
    for (struct dirent *e; s == LAC_OK && (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            s = visit(root, below, e->d_name, depth, found);
    if (d != NULL)
        closedir(d);
    free(full);
    return s;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

lac_status lac_pictures_below(lac_paths *found, const char *root)
{
    LAC_TRY(walk(root, "", 0, found));
    if (found->n > 0)
        qsort(found->item, (size_t)found->n, sizeof *found->item, by_bytes);
    return LAC_OK;
}
