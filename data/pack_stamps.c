#include "data/pack_stamps.h"

#include "core/file/atomic.h"
#include "core/memory.h"
#include "core/resource.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MANIFEST = 1 << 24 };
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

static lac_status pack_line(lac_pack_job *j, const char *cache, char *const field[N_FIELDS], int64_t max_side)
{
    char *path;
    lac_job_file f;
    const bool object = strcmp(field[KIND], "object") == 0;
    const lac_job_file listed = { .height = atoll(field[HEIGHT]), .width = atoll(field[WIDTH]) };
    const lac_record r = { .kind = object ? LAC_KIND_OBJECT : LAC_KIND_PHOTO, .group = atoll(field[GROUP]), .name = field[PATH], .split = field[SPLIT],
                           .source = field[PACKAGE], .licence = field[LICENCE], .author = field[AUTHOR], .label = field[LABEL] };
    LAC_TRY(lac_job_path(&path, cache, field[PATH]));
    lac_status s = lac_job_load(&f, path, &listed, false);
    if (s == LAC_ERR_IO)
        s = lac_context(s, "the cache is not complete (scripts/fetch-stamps)");
    if (s == LAC_OK && !object)
        s = lac_pack_shrink(&f.bytes, &f.size, max_side, false, &f.height, &f.width, path);
    if (s == LAC_OK)
        s = lac_job_add(j, &r, &f);
    free(f.bytes);
    free(path);
    return s;
}

static lac_status pack_lines(lac_pack_job *j, const char *cache, char *text, int64_t max_side)
{
    int64_t number = 1;
    char *rest = text, *line = strsep(&rest, "\n");
    if (strcmp(line, header) != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "line 1 is not the header '%s'", header);
    while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
        char *field[N_FIELDS];
        LAC_TRY(split_line(line, ++number, field));
        LAC_TRY(pack_line(j, cache, field, max_side));
    }
    return LAC_OK;
}

static lac_status pack_cache(lac_pack_job *j, const char *const *sources, int n)
{
    const lac_pack_stamps_own *o = j->own;
    char *manifest, *text = NULL;
    size_t size;
    (void)n;
    LAC_TRY(o->manifest != NULL ? lac_strdup(&manifest, o->manifest) : lac_resource(&manifest, "data/stamps/manifest.tsv"));
    lac_status s = lac_file_read(manifest, MAX_MANIFEST, &text, &size);
    if (s == LAC_OK)
        s = lac_context(pack_lines(j, sources[0], text, o->max_side), "packing what '%s' lists", manifest);
    free(text);
    free(manifest);
    return s;
}

static const lac_pack_own_option options[] = {
    { "max-side", "PIXELS", "shrink photographs that are longer (default: bytes as published)", LAC_FORMAT_NUMBER, offsetof(lac_pack_stamps_own, max_side) },
    { NULL },
};

const lac_pack_format lac_format_stamps = {
    .name = "stamps", .about = "photographs and objects from the system's packages into one set", .sources = "CACHE", .least = 1, .most = 1,
    .help = "Packs the photographs and objects that scripts/fetch-stamps fetched into CACHE, as data/stamps/manifest.tsv lists them.",
    .options = options, .own = sizeof(lac_pack_stamps_own), .title = "stamps", .pack = pack_cache,
};
