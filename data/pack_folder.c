#include "data/pack_folder.h"

#include "core/file/atomic.h"
#include "core/file/pictures.h"
#include "core/image/paste.h"
#include "core/memory.h"
#include "data/mask_pairs.h"
#include "data/picture_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_TEXT = 1 << 20 };

static bool ends_in(const char *name, const char *ending)
{
    const size_t n = strlen(name), k = strlen(ending);
    return n > k && strcasecmp(name + n - k, ending) == 0;
}

static bool is_list(const char *name) { return ends_in(name, ".flist") || ends_in(name, ".txt"); }

/* ---- one source ---- */

typedef struct source {
    const char *path;
    char *root;                     /* where relative paths start */
    bool list;
    lac_picture_list found;         /* of a folder the paths alone */
} source;

static void place_of(const char *source, const char *name, bool list, char *split, size_t size)
{
    const char *slash = strrchr(source, '/'), *from = list ? (slash != NULL ? slash + 1 : source) : name;
    const char *end = list ? strrchr(from, '.') : strchr(from, '/');
    snprintf(split, size, "%.*s", end != NULL ? (int)(end - from) : 0, from);
}

/* The split that is said, or of a place: text, which `split` holds; NULL: what is usual. */
static const char *split_of(const lac_pack_job *j, const source *from, const char *name, char split[256])
{
    if (!((const lac_pack_folder_own *)j->own)->split_by_place || j->options->split != NULL)
        return NULL;
    place_of(from->path, name, from->list, split, 256);
    return split;
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
    const char *slash = strrchr(picture, '/'), *dot = strrchr(picture, '.');
    const size_t n = dot != NULL && (slash == NULL || dot > slash) ? (size_t)(dot - picture) : strlen(picture);     /* a list may name what has no ending */
    LAC_TRY(lac_format(&path, "%.*s.txt", (int)n, picture));
    const lac_status s = access(path, F_OK) == 0 ? pack_text(j, path) : LAC_OK;
    free(path);
    return s;
}

/* ---- a picture ---- */

/* The list's line before the message, where there is a list. */
static lac_status at_line(const source *from, int64_t i, lac_status s)
{
    return from->list ? lac_context(s, "'%s', line %" PRId64, from->path, from->found.line[i]) : s;
}

static lac_status pack_file(lac_pack_job *j, const source *from, int64_t i, const char *path, const lac_record *r)
{
    const lac_pack_folder_own *o = j->own;
    lac_job_file f = { 0 };
    lac_status s = load_picture(path, o->max_side, &f);
    if (s != LAC_OK)
        s = lac_job_skip(j, at_line(from, i, s), path);
    else if ((s = lac_job_add(j, r, &f)) == LAC_OK && o->captions)
        s = pack_captions(j, path);
    free(f.bytes);
    return s;
}

/* LaMa's "12.jpg" is 00013.jpg of the published folder. */
static lac_status count_from_one(const source *from, int64_t i, char **path)
{
    const char *name = from->found.paths.item[i], *slash = strrchr(name, '/'), *number = slash != NULL ? slash + 1 : name;
    char *end;
    const long n = strtol(number, &end, 10);
    if (end == number || end[0] != '.' || n < 0 || n >= 99999)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%.200s' is no number with an ending, as --from-zero wants", name);
    return lac_format(path, "%s/%.*s%05ld%s", from->root, (int)(number - name), name, n + 1, end);
}

/* A path of a list that begins with a slash: below the root if it is there (Places365), else from the top (DeepFill). */
static lac_status path_of(const lac_pack_folder_own *o, const source *from, int64_t i, char **path)
{
    const char *name = from->found.paths.item[i];
    if (from->list && o->from_zero)
        return count_from_one(from, i, path);
    if (name[0] != '/')
        return lac_format(path, "%s/%s", from->root, name);
    LAC_TRY(lac_format(path, "%s%s", from->root, name));
    if (o->root != NULL && access(*path, F_OK) == 0)
        return LAC_OK;
    free(*path);
    return lac_strdup(path, name);
}

static lac_status pack_one(lac_pack_job *j, const source *from, int64_t i)
{
    const lac_pack_folder_own *o = j->own;
    const char *name = from->found.paths.item[i];
    char *path = NULL, split[256];
    if (from->list && from->found.before[i] > 0)
        return lac_job_skip(j, at_line(from, i, LAC_FAIL(LAC_ERR_FORMAT, "'%.200s' stands in line %" PRId64 " too", name, from->found.before[i])), name);
    lac_status s = path_of(o, from, i, &path);
    if (s != LAC_OK)
        return lac_job_skip(j, at_line(from, i, s), name);
    const lac_record r = { .kind = LAC_KIND_PHOTO, .name = name, .source = from->path, .group = lac_pack_count(j->pack), .split = split_of(j, from, name, split) };
    s = pack_file(j, from, i, path, &r);
    free(path);
    return s;
}

/* ---- pictures with masks beside them ---- */

static lac_status load_pair(const source *from, int64_t picture, int64_t mask, lac_job_file *f, lac_image *hole)
{
    char *path[2];
    LAC_TRY(lac_format(&path[0], "%s/%s", from->root, from->found.paths.item[picture]));
    lac_status s = lac_format(&path[1], "%s/%s", from->root, from->found.paths.item[mask]);
    if (s == LAC_OK) {
        s = lac_job_load(f, path[0], NULL, false);
        if (s == LAC_OK)
            s = lac_image_load(hole, path[1], 1);
        if (s == LAC_OK && (hole->height != f->height || hole->width != f->width))
            s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %" PRId64 " x %" PRId64 " pixels, its picture %" PRId64 " x %" PRId64, path[1], hole->height, hole->width, f->height, f->width);
        if (s == LAC_OK)
            lac_mask_binarise(hole->pixels, hole->height * hole->width);
        if (s == LAC_OK && lac_box_around(hole->pixels, hole->height, hole->width).width == 0)
            s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' is an empty mask", path[1]);
        free(path[1]);
    }
    free(path[0]);
    return s;
}

/* A record for each mask, called by it; those of one picture are a group. */
static lac_status pack_pair(lac_pack_job *j, const source *from, int64_t picture, int64_t mask, int64_t group)
{
    const char *name = from->found.paths.item[mask];
    lac_job_file f = { 0 };
    lac_image hole = { 0 };
    char split[256];
    const lac_record r = { .kind = LAC_KIND_PHOTO, .name = name, .source = from->path, .group = group, .split = split_of(j, from, name, split) };
    lac_status s = load_pair(from, picture, mask, &f, &hole);
    if (s != LAC_OK)
        s = lac_job_skip(j, s, name);
    else if ((s = lac_job_add(j, &r, &f)) == LAC_OK)
        s = lac_job_object(j, &hole, "", name);
    lac_image_free(&hole);
    free(f.bytes);
    return s;
}

static lac_status pack_pairs(lac_pack_job *j, const source *from)
{
    const lac_paths *found = &from->found.paths;
    int64_t last = -1, group = 0;
    for (int64_t i = 0; i < found->n; i++) {
        const char *name = found->item[i];
        const int64_t picture = lac_is_mask(name) ? lac_mask_picture(found, i) : -1;
        if (picture >= 0) {
            group = picture == last ? group : lac_pack_count(j->pack);
            last = picture;
            LAC_TRY(pack_pair(j, from, picture, i, group));
        } else if (lac_is_mask(name))
            LAC_TRY(lac_job_skip(j, LAC_FAIL(LAC_ERR_FORMAT, "'%s/%s' is a mask without a picture", from->root, name), name));
        else if (!lac_picture_has_mask(found, i))
            LAC_TRY(lac_job_skip(j, LAC_FAIL(LAC_ERR_FORMAT, "'%s/%s' has no mask beside it", from->root, name), name));
    }
    return LAC_OK;
}

/* ---- all sources ---- */

static lac_status root_of(const lac_pack_folder_own *o, source *from)
{
    const char *slash = strrchr(from->path, '/');
    if (!from->list)
        return lac_strdup(&from->root, from->path);
    if (o->root != NULL)
        return lac_strdup(&from->root, o->root);
    return lac_format(&from->root, "%.*s", slash != NULL ? (int)(slash - from->path) : 1, slash != NULL ? from->path : ".");
}

static lac_status pack_found(lac_pack_job *j, source *from)
{
    const lac_pack_folder_own *o = j->own;
    LAC_TRY(from->list ? lac_picture_list_read(&from->found, from->path) : lac_pictures_below(&from->found.paths, from->path));
    if (from->found.paths.n == 0)
        return LAC_FAIL(LAC_ERR_ARG, from->list ? "the list '%s' is empty" : "the folder '%s' holds no .jpg, .jpeg or .png", from->path);
    LAC_TRY(root_of(o, from));
    if (o->masks)
        return pack_pairs(j, from);
    for (int64_t i = 0; i < from->found.paths.n; i++)
        LAC_TRY(pack_one(j, from, i));
    return LAC_OK;
}

static lac_status pack_source(lac_pack_job *j, const char *path)
{
    struct stat st;
    const lac_pack_folder_own *o = j->own;
    if (stat(path, &st) != 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    source from = { .path = path, .list = !S_ISDIR(st.st_mode) };
    if (from.list && !is_list(path))
        return LAC_FAIL(LAC_ERR_ARG, "'%s' is neither a folder nor a list file (*.flist, *.txt)", path);
    if (o->masks && (from.list || o->max_side > 0 || o->captions))
        return LAC_FAIL(LAC_ERR_ARG, "--masks is for folders, and goes with neither --max-side nor --captions");
    const lac_status s = pack_found(j, &from);
    lac_picture_list_free(&from.found);
    free(from.root);
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
    { "from-zero", NULL, "a list's N.jpg is the folder's file of number N + 1, as LaMa's lists of CelebA-HQ count", LAC_FORMAT_FLAG, AT(from_zero) },
    { "masks", NULL, "NAME_mask000.png and so on beside NAME.png are its holes: a record each (LaMa's evaluation folders)", LAC_FORMAT_FLAG, AT(masks) },
    { "max-side", "PIXELS", "shrink what is longer, and encode it anew (default: bytes as published)", LAC_FORMAT_NUMBER, AT(max_side) },
    { NULL },
};

const lac_pack_format lac_format_folder = {
    .name = "folder", .about = "pictures in folders or list files (Places2, CelebA-HQ) into one set", .sources = "SRC...", .least = 1, .most = -1,
    .help = "Packs the .jpg, .jpeg and .png files of folders (to the bottom) and of list files (*.flist, *.txt: one path a line).",
    .options = options, .own = sizeof(lac_pack_folder_own), .pack = pack_sources,
};
