#include "train/report_samples.h"

#include "core/file/atomic.h"
#include "core/html.h"
#include "core/memory.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { EARLIER = 5, MOST_BYTES = 32 << 20 };

typedef struct names { char **name; int64_t n, capacity; } names;

static void free_names(names *l)
{
    for (int64_t i = 0; i < l->n; i++)
        free(l->name[i]);
    free(l->name);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_png(const char *name)
{
    const size_t n = strlen(name);
    return name[0] != '.' && n > 4 && strcmp(name + n - 4, ".png") == 0;
}

static lac_status list(names *l, const char *folder)
{
    DIR *d = opendir(folder);
    lac_status s = LAC_OK;
    for (struct dirent *e; d != NULL && s == LAC_OK && (e = readdir(d)) != NULL;) {
        if (!is_png(e->d_name))
            continue;
        s = lac_grow((void **)&l->name, l->n, &l->capacity, sizeof l->name[0]);
        if (s == LAC_OK && (s = lac_strdup(&l->name[l->n], e->d_name)) == LAC_OK)
            l->n++;
    }
    if (d != NULL)
        closedir(d);
    if (l->n > 1)
        qsort(l->name, (size_t)l->n, sizeof l->name[0], by_name);
    return s;
}

static void print_source(FILE *f, const char *name, const char *bytes, size_t size)
{
    if (bytes != NULL) {
        fputs("data:image/png;base64,", f);
        lac_html_base64(f, bytes, size);
    } else {
        fputs("samples/", f);
        lac_html_text(f, name);
    }
}

static lac_status print_picture(FILE *f, const char *folder, const char *name, bool newest, size_t *room)
{
    char *path, *bytes = NULL;
    size_t size = 0;
    LAC_TRY(lac_format(&path, "%s/%s", folder, name));
    const lac_status s = lac_file_read(path, *room, &bytes, &size);    /* too big or not to be read: a link */
    free(path);
    if (s == LAC_ERR_MEM)
        return s;
    *room -= size;
    fprintf(f, "<figure class=\"sample%s\"><figcaption>", newest ? " newest" : "");
    for (const char *c = name; c < name + strlen(name) - 4; c++)
        lac_html_text(f, (char[]){ *c == '-' || *c == '_' ? ' ' : *c, '\0' });
    fputs("</figcaption><img alt=\"\" src=\"", f);
    print_source(f, name, bytes, size);
    fputs("\"></figure>\n", f);
    free(bytes);
    return LAC_OK;
}

static lac_status print_all(FILE *f, const char *folder, const names *l)
{
    size_t room = MOST_BYTES;
    const int64_t earlier = LAC_MIN(l->n - 1, EARLIER);
    fputs("<h2>Samples</h2>\n", f);
    LAC_TRY(print_picture(f, folder, l->name[l->n - 1], true, &room));
    if (earlier > 0)
        fputs("<div class=\"samples\">\n", f);
    for (int64_t i = 0; i < earlier; i++)
        LAC_TRY(print_picture(f, folder, l->name[(l->n - 1) * i / earlier], false, &room));
    if (earlier > 0)
        fputs("</div>\n", f);
    return LAC_OK;
}

lac_status lac_report_print_samples(FILE *f, const char *folder)
{
    names l = { 0 };
    char *samples;
    LAC_TRY(lac_format(&samples, "%s/samples", folder));
    lac_status s = list(&l, samples);
    if (s == LAC_OK && l.n > 0)
        s = print_all(f, samples, &l);
    free_names(&l);
    free(samples);
    return s;
}
