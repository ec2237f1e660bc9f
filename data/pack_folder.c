#include "data/pack_folder.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_LIST = 1 << 30, MAX_LINE = 4096, MAX_DEPTH = 64 };

typedef struct paths { char **item; int64_t n, capacity; } paths;       /* relative to the source */

static void free_paths(paths *p)
{
    for (int64_t i = 0; i < p->n; i++)
        free(p->item[i]);
    free(p->item);
    *p = (paths){ 0 };
}

static lac_status add_path(paths *p, const char *folder, const char *name)
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
static bool is_list(const char *name) { return ends_in(name, ".flist") || ends_in(name, ".txt"); }

/* ---- folders ---- */

static lac_status walk(const char *root, const char *below, int depth, paths *found);

static lac_status visit(const char *root, const char *below, const char *name, int depth, paths *found)
{
    char *full, *inner;
    struct stat st;
    LAC_TRY(lac_format(&inner, "%s%s%s", below, below[0] ? "/" : "", name));
    lac_status s = lac_format(&full, "%s/%s", root, inner);
    if (s == LAC_OK) {
        if (stat(full, &st) == 0 && S_ISDIR(st.st_mode))
            s = walk(root, inner, depth + 1, found);
        else if (is_picture(name))
            s = add_path(found, below, name);
        free(full);
    }
    free(inner);
    return s;
}

static lac_status walk(const char *root, const char *below, int depth, paths *found)
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

/* ---- list files ---- */

static lac_status read_list(const char *path, paths *found)
{
    char *text;
    size_t size;
    LAC_TRY(lac_file_read(path, MAX_LIST, &text, &size));
    lac_status s = LAC_OK;
    int64_t line = 1;
    for (char *at = text; s == LAC_OK && at < text + size; line++) {
        char *end = memchr(at, '\n', (size_t)(text + size - at));
        end = end != NULL ? end : text + size;
        size_t n = (size_t)(end - at);
        while (n > 0 && (at[n - 1] == '\r' || at[n - 1] == ' '))
            n--;
        if (n > MAX_LINE || memchr(at, '\0', n) != NULL)
            s = LAC_FAIL(LAC_ERR_FORMAT, "'%s', line %" PRId64 ": not a path", path, line);
        else if (n > 0) {
            at[n] = '\0';
            s = add_path(found, "", at);
        }
        at = end + 1;
    }
    free(text);
    return s;
}

/* ---- one source ---- */

typedef struct job { lac_pack *pack; const lac_pack_folder_options *options; int64_t skipped; } job;

static void place_of(const char *source, const char *name, bool list, char *split, size_t size)
{
    const char *slash = strrchr(source, '/'), *from = list ? (slash != NULL ? slash + 1 : source) : name;
    const char *end = list ? strrchr(from, '.') : strchr(from, '/');
    snprintf(split, size, "%.*s", end != NULL ? (int)(end - from) : 0, from);
}

static lac_status load_picture(const char *path, const lac_pack_folder_options *o, uint8_t **bytes, size_t *size, lac_record *r)
{
    lac_image image = { 0 };
    *bytes = NULL;
    lac_status s = lac_file_read(path, MAX_LIST, (char **)bytes, size);
    if (s == LAC_OK)
        s = lac_image_decode(&image, *bytes, *size, 3, path);       /* a header may lie: only decoding tells */
    r->height = image.height;
    r->width = image.width;
    lac_image_free(&image);
    if (s == LAC_OK)
        s = lac_pack_shrink(bytes, size, o->max_side, false, &r->height, &r->width, path);
    r->length = (int64_t)*size;
    return s;
}

static lac_status skip(job *j, const char *path)
{
    char why[1024];
    j->skipped++;
    if (j->options->strict)
        return lac_context(LAC_ERR_FORMAT, "packing");
    lac_error_copy(why, sizeof why);
    if (j->options->skipped != NULL)
        j->options->skipped(j->options->context, path, why);
    return LAC_OK;
}

static lac_status pack_one(job *j, const char *root, const char *source, const char *name, bool list)
{
    char *path, split[256] = "train";
    uint8_t *bytes = NULL;
    size_t size = 0;
    LAC_TRY(name[0] == '/' ? lac_strdup(&path, name) : lac_format(&path, "%s/%s", root, name));
    if (j->options->split_by_place)
        place_of(source, name, list, split, sizeof split);
    lac_record r = { .kind = LAC_KIND_PHOTO, .name = name, .split = j->options->split != NULL ? j->options->split : split, .source = source,
                     .licence = j->options->licence, .group = lac_pack_count(j->pack) };
    lac_status s = load_picture(path, j->options, &bytes, &size, &r);
    if (s == LAC_OK)
        s = lac_pack_add(j->pack, &r, bytes);
    else if (s != LAC_ERR_MEM)
        s = skip(j, path);
    free(bytes);
    free(path);
    return s;
}

static lac_status pack_paths(job *j, const char *source, bool list, const paths *found)
{
    char *root;
    const char *slash = strrchr(source, '/');
    if (!list)
        LAC_TRY(lac_strdup(&root, source));
    else if (j->options->root != NULL)
        LAC_TRY(lac_strdup(&root, j->options->root));
    else
        LAC_TRY(lac_format(&root, "%.*s", slash != NULL ? (int)(slash - source) : 1, slash != NULL ? source : "."));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < found->n; i++)
        s = pack_one(j, root, source, found->item[i], list);
    free(root);
    return s;
}

static lac_status pack_source(job *j, const char *source)
{
    struct stat st;
    paths found = { 0 };
    if (stat(source, &st) != 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot open '%s': %s", source, strerror(errno));
    const bool list = !S_ISDIR(st.st_mode);
    if (list && !is_list(source))
        return LAC_FAIL(LAC_ERR_ARG, "'%s' is neither a folder nor a list file (*.flist, *.txt)", source);
    lac_status s = list ? read_list(source, &found) : walk(source, "", 0, &found);
    if (s == LAC_OK && !list && found.n > 0)
        qsort(found.item, (size_t)found.n, sizeof *found.item, by_bytes);
    if (s == LAC_OK && found.n == 0)
        s = LAC_FAIL(LAC_ERR_ARG, list ? "the list '%s' is empty" : "the folder '%s' holds no .jpg, .jpeg or .png", source);
    if (s == LAC_OK)
        s = pack_paths(j, source, list, &found);
    free_paths(&found);
    return s;
}

static lac_status title_of(const char *out, char **title)
{
    const char *slash = strrchr(out, '/'), *from = slash != NULL ? slash + 1 : out, *dot = strrchr(from, '.');
    return lac_format(title, "%.*s", dot != NULL ? (int)(dot - from) : (int)strlen(from), from);
}

lac_status lac_pack_folder(const char *const *sources, int n_sources, const char *out, const lac_pack_folder_options *options,
                           int64_t *packed, int64_t *skipped)
{
    job j = { .options = options };
    char *title;
    LAC_TRY(options->title != NULL ? lac_strdup(&title, options->title) : title_of(out, &title));
    lac_status s = lac_pack_new(&j.pack, out, title);
    free(title);
    for (int i = 0; s == LAC_OK && i < n_sources; i++)
        s = pack_source(&j, sources[i]);
    *packed = j.pack != NULL ? lac_pack_count(j.pack) : 0;
    *skipped = j.skipped;
    if (s == LAC_OK && *packed == 0)
        s = LAC_FAIL(LAC_ERR_FORMAT, "none of the %" PRId64 " pictures could be read; the last: %.300s", j.skipped, lac_error_message());
    if (s == LAC_OK)
        return lac_pack_finish(j.pack);
    lac_pack_free(j.pack);
    return s;
}
