#include "data/pack_folder.h"

#include "core/file/atomic.h"
#include "core/file/pictures.h"
#include "core/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LIST = 1 << 30, MAX_TEXT = 1 << 20, MAX_LINE = 4096 };

static bool ends_in(const char *name, const char *ending)
{
    const size_t n = strlen(name), k = strlen(ending);
    return n > k && strcasecmp(name + n - k, ending) == 0;
}

static bool is_list(const char *name) { return ends_in(name, ".flist") || ends_in(name, ".txt"); }

/* ---- list files ---- */

static lac_status read_list(const char *path, lac_paths *found)
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
            s = lac_paths_add(found, "", at);
        }
        at = end + 1;
    }
    free(text);
    return s;
}

/* ---- one source ---- */

static void place_of(const char *source, const char *name, bool list, char *split, size_t size)
{
    const char *slash = strrchr(source, '/'), *from = list ? (slash != NULL ? slash + 1 : source) : name;
    const char *end = list ? strrchr(from, '.') : strchr(from, '/');
    snprintf(split, size, "%.*s", end != NULL ? (int)(end - from) : 0, from);
}

static lac_status load_picture(const char *path, int64_t max_side, lac_job_file *f)
{
    LAC_TRY(lac_job_load(f, path, NULL, false));
    return lac_pack_shrink(&f->bytes, &f->size, max_side, false, &f->height, &f->width, path);
}

/* ---- captions: lines of the text beside a picture ---- */

static lac_status pack_lines(lac_pack_job *j, const char *path, char *text)
{
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
        line[strcspn(line, "\r")] = '\0';
        if (line[0] != '\0')
            LAC_TRY(lac_job_part(j, &(lac_part){ .kind = LAC_PART_CAPTION, .length = (int64_t)strlen(line) }, line, path));
    }
    return LAC_OK;
}

static lac_status pack_text(lac_pack_job *j, const char *path)
{
    char *text;
    size_t size;
    lac_status s = lac_file_read(path, MAX_TEXT, &text, &size);
    if (s != LAC_OK)
        return lac_job_skip(j, s, path);
    if (memchr(text, '\0', size) != NULL)
        s = lac_job_skip(j, LAC_FAIL(LAC_ERR_FORMAT, "'%s' holds a zero byte", path), path);
    else
        s = pack_lines(j, path, text);
    free(text);
    return s;
}

static lac_status pack_captions(lac_pack_job *j, const char *picture)
{
    char *path;
    LAC_TRY(lac_format(&path, "%.*s.txt", (int)(strrchr(picture, '.') - picture), picture));
    const lac_status s = access(path, F_OK) == 0 ? pack_text(j, path) : LAC_OK;
    free(path);
    return s;
}

/* ---- a picture ---- */

static lac_status pack_file(lac_pack_job *j, const char *path, const lac_record *r)
{
    const lac_pack_folder_own *o = j->own;
    lac_job_file f = { 0 };
    lac_status s = load_picture(path, o->max_side, &f);
    if (s != LAC_OK)
        s = lac_job_skip(j, s, path);
    else if ((s = lac_job_add(j, r, &f)) == LAC_OK && o->captions)
        s = pack_captions(j, path);
    free(f.bytes);
    return s;
}

static lac_status pack_one(lac_pack_job *j, const char *root, const char *source, const char *name, bool list)
{
    const lac_pack_folder_own *o = j->own;
    char *path, split[256];
    LAC_TRY(name[0] == '/' ? lac_strdup(&path, name) : lac_format(&path, "%s/%s", root, name));
    lac_record r = { .kind = LAC_KIND_PHOTO, .name = name, .source = source, .group = lac_pack_count(j->pack) };
    if (o->split_by_place && j->options->split == NULL) {
        place_of(source, name, list, split, sizeof split);
        r.split = split;
    }
    const lac_status s = pack_file(j, path, &r);
    free(path);
    return s;
}

static lac_status pack_paths(lac_pack_job *j, const char *source, bool list, const lac_paths *found)
{
    char *root;
    const lac_pack_folder_own *o = j->own;
    const char *slash = strrchr(source, '/');
    if (!list)
        LAC_TRY(lac_strdup(&root, source));
    else if (o->root != NULL)
        LAC_TRY(lac_strdup(&root, o->root));
    else
        LAC_TRY(lac_format(&root, "%.*s", slash != NULL ? (int)(slash - source) : 1, slash != NULL ? source : "."));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < found->n; i++)
        s = pack_one(j, root, source, found->item[i], list);
    free(root);
    return s;
}

static lac_status pack_source(lac_pack_job *j, const char *source)
{
    struct stat st;
    lac_paths found = { 0 };
    if (stat(source, &st) != 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot open '%s': %s", source, strerror(errno));
    const bool list = !S_ISDIR(st.st_mode);
    if (list && !is_list(source))
        return LAC_FAIL(LAC_ERR_ARG, "'%s' is neither a folder nor a list file (*.flist, *.txt)", source);
    lac_status s = list ? read_list(source, &found) : lac_pictures_below(&found, source);
    if (s == LAC_OK && found.n == 0)
        s = LAC_FAIL(LAC_ERR_ARG, list ? "the list '%s' is empty" : "the folder '%s' holds no .jpg, .jpeg or .png", source);
    if (s == LAC_OK)
        s = pack_paths(j, source, list, &found);
    lac_paths_free(&found);
    return s;
}

static lac_status pack_sources(lac_pack_job *j, const char *const *sources, int n)
{
    for (int i = 0; i < n; i++)
        LAC_TRY(pack_source(j, sources[i]));
    return LAC_OK;
}

#define AT(member) offsetof(lac_pack_folder_own, member)
static const lac_pack_own_option options[] = {
    { "split-by-place", NULL, "the first sub-folder, or the list's name, is the split", LAC_FORMAT_FLAG, AT(split_by_place) },
    { "captions", NULL, "NAME.txt beside a picture NAME.jpg has its captions, one a line", LAC_FORMAT_FLAG, AT(captions) },
    { "root", "FOLDER", "where a list's relative paths start (default: the list's folder)", LAC_FORMAT_TEXT, AT(root) },
    { "max-side", "PIXELS", "shrink what is longer, and encode it anew (default: bytes as published)", LAC_FORMAT_NUMBER, AT(max_side) },
    { NULL },
};

const lac_pack_format lac_format_folder = {
    .name = "folder", .about = "pictures in folders or list files (Places2, CelebA-HQ) into one set", .sources = "SRC...", .least = 1, .most = -1,
    .help = "Packs the .jpg, .jpeg and .png files of folders (to the bottom) and of list files (*.flist, *.txt: one path a line).",
    .options = options, .own = sizeof(lac_pack_folder_own), .pack = pack_sources,
};
