#include "data/pack_stamps.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MANIFEST = 1 << 24, MAX_PICTURE = 1 << 28 };
enum { KIND, SPLIT, GROUP, PACKAGE, LICENCE, AUTHOR, WIDTH, HEIGHT, LABEL, PATH, N_FIELDS };
static const char header[] = "kind\tsplit\tgroup\tpackage\tlicence\tauthor\twidth\theight\tlabel\tpath";

/* Cuts a line at its tabs, in place. */
static lac_status split_line(char *line, int64_t number, char *field[N_FIELDS])
{
    int n = 0;
    for (char *at = line; at != NULL && n < N_FIELDS; n++) {
        field[n] = at;
        at = strchr(at, '\t');
        if (at != NULL)
            *at++ = '\0';
    }
    if (n < N_FIELDS)
        return LAC_FAIL(LAC_ERR_FORMAT, "line %" PRId64 " has %d fields, expected %d", number, n, N_FIELDS);
    if (strcmp(field[KIND], "photo") != 0 && strcmp(field[KIND], "object") != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "line %" PRId64 " is a '%.20s', expected photo or object", number, field[KIND]);
    return LAC_OK;
}

/* Reads the file and holds it against the manifest's size. */
static lac_status load(const char *path, bool object, int64_t max_side, lac_record *r, uint8_t **bytes)
{
    size_t size;
    lac_image image = { 0 };
    lac_status s = lac_file_read(path, MAX_PICTURE, (char **)bytes, &size);
    if (s != LAC_OK)
        return lac_context(s, "the cache is not complete (scripts/fetch-stamps)");
    s = lac_image_decode(&image, *bytes, size, 3, path);
    if (s == LAC_OK && (image.height != r->height || image.width != r->width))
        s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %" PRId64 " x %" PRId64 " pixels, the manifest says %" PRId64 " x %" PRId64, path, image.height,
                     image.width, r->height, r->width);
    lac_image_free(&image);
    if (s == LAC_OK && !object)
        s = lac_pack_shrink(bytes, &size, max_side, false, &r->height, &r->width, path);
    r->length = (int64_t)size;
    return s;
}

static lac_status pack_line(lac_pack *p, const char *cache, char *const field[N_FIELDS], int64_t max_side)
{
    char *path;
    uint8_t *bytes = NULL;
    const bool object = strcmp(field[KIND], "object") == 0;
    lac_record r = { .kind = object ? LAC_KIND_OBJECT : LAC_KIND_PHOTO, .height = atoll(field[HEIGHT]), .width = atoll(field[WIDTH]),
                     .group = atoll(field[GROUP]), .name = field[PATH], .split = field[SPLIT], .source = field[PACKAGE],
                     .licence = field[LICENCE], .author = field[AUTHOR], .label = field[LABEL] };
    LAC_TRY(lac_format(&path, "%s/%s", cache, field[PATH]));
    lac_status s = load(path, object, max_side, &r, &bytes);
    if (s == LAC_OK)
        s = lac_pack_add(p, &r, bytes);
    free(bytes);
    free(path);
    return s;
}

static lac_status pack_lines(lac_pack *p, const char *cache, char *text, int64_t max_side)
{
    int64_t number = 1;
    char *rest = text, *line = strsep(&rest, "\n");
    if (strcmp(line, header) != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "line 1 is not the header '%s'", header);
    while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
        char *field[N_FIELDS];
        LAC_TRY(split_line(line, ++number, field));
        LAC_TRY(pack_line(p, cache, field, max_side));
    }
    return LAC_OK;
}

lac_status lac_pack_stamps(const char *manifest, const char *cache, const char *out, int64_t max_side, int64_t *packed)
{
    lac_pack *p = NULL;
    char *text = NULL;
    size_t size;
    lac_status s = lac_file_read(manifest, MAX_MANIFEST, &text, &size);
    if (s == LAC_OK)
        s = lac_pack_new(&p, out, "stamps");
    if (s == LAC_OK)
        s = lac_context(pack_lines(p, cache, text, max_side), "packing what '%s' lists", manifest);
    *packed = p != NULL ? lac_pack_count(p) : 0;
    free(text);
    if (s == LAC_OK)
        return lac_pack_finish(p);
    lac_pack_free(p);
    return s;
}
