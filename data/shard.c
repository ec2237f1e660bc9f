#include "data/shard.h"

#include "core/memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 16 };

struct lac_shard {
    struct archive *archive;
    char *path;
    bool waiting, ended;                /* a member's header was read and not its bytes; nothing more comes */
    char member[LAC_SHARD_NAME], last[LAC_SHARD_NAME];      /* that member, and the one before it */
    lac_shard_group group;
};

static void clear(lac_shard_group *g)
{
    for (int i = 0; i < g->n; i++)
        free(g->field[i].bytes);
    g->n = 0;
    g->key[0] = '\0';
}

static const char *why(const lac_shard *s)
{
    const char *text = archive_error_string(s->archive);
    return text != NULL ? text : "unreadable";
}

/* ---- headers ---- */

/* A name that is too long is cut, which no field's is: it will not be taken for another's. */
static void name_of(struct archive_entry *entry, char to[LAC_SHARD_NAME])
{
    const char *name = archive_entry_pathname(entry);
    name = name != NULL ? name : archive_entry_pathname_utf8(entry);
    snprintf(to, LAC_SHARD_NAME, "%s", name != NULL ? name : "");
}

static lac_status damaged(const lac_shard *s, bool first)
{
    const char *key = s->group.key;
    if (first)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': %s", s->path, why(s));
    if (s->ended)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s', behind '%s': %s; %s%s%s what is behind that is lost", s->path, s->last, why(s), key[0] ? "'" : "", key, key[0] ? "' and" : "");
    return LAC_FAIL(LAC_ERR_FORMAT, "'%s', behind '%s': damaged; '%s' is lost, reading goes on at '%s'", s->path, s->last, key, s->member);
}

/* The next file's header. Where a block is damaged, the next one that is a header is looked for. */
static lac_status read_header(lac_shard *s)
{
    struct archive_entry *entry;
    bool bad = false, first = s->member[0] == '\0';
    int r;
    memcpy(s->last, s->member, sizeof s->last);
    do {
        r = archive_read_next_header(s->archive, &entry);
        bad |= r == ARCHIVE_RETRY;
    } while (r == ARCHIVE_RETRY || ((r == ARCHIVE_OK || r == ARCHIVE_WARN) && archive_entry_filetype(entry) == AE_IFDIR));
    s->waiting = r == ARCHIVE_OK || r == ARCHIVE_WARN;
    s->ended = !s->waiting;
    if (s->waiting)
        name_of(entry, s->member);
    return bad || (s->ended && r != ARCHIVE_EOF) ? damaged(s, first) : LAC_OK;
}

/* KEY and FIELD of a member: at the first dot of the last part of its path. */
static const char *field_of(const lac_shard *s, size_t *key)
{
    const char *slash = strrchr(s->member, '/'), *from = slash != NULL ? slash + 1 : s->member, *dot = strchr(from, '.');
    *key = dot != NULL ? (size_t)(dot - s->member) : 0;
    return dot == NULL || dot == from || dot[1] == '\0' || strlen(dot + 1) >= sizeof s->group.field[0].name || strlen(s->member) == LAC_SHARD_NAME - 1 ? NULL : dot + 1;
}

static bool of_group(const lac_shard *s)
{
    size_t n;
    return field_of(s, &n) != NULL && strlen(s->group.key) == n && strncmp(s->group.key, s->member, n) == 0;
}

/* ---- bytes ---- */

/* As many as come: what a header claims is not believed. */
static lac_status read_bytes(lac_shard *s, lac_shard_field *f)
{
    size_t room = 0;
    for (;;) {
        if (f->size + BLOCK >= room) {
            room = 2 * room + 2 * BLOCK;
            LAC_TRY(lac_realloc((void **)&f->bytes, room));
        }
        const la_ssize_t n = archive_read_data(s->archive, f->bytes + f->size, BLOCK);
        if (n < 0) {
            s->ended = true;
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s', '%s': %s; what is behind that is lost", s->path, s->member, why(s));
        }
        f->size += (size_t)n;
        f->bytes[f->size] = '\0';           /* there is room: BLOCK and more are left */
        if (n == 0)
            return LAC_OK;
        if (f->size > LAC_SHARD_MEMBER)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s', '%s': more than %zu bytes", s->path, s->member, LAC_SHARD_MEMBER);
    }
}

static lac_status take_member(lac_shard *s, const char *name)
{
    lac_shard_group *g = &s->group;
    if (lac_shard_find(g, name) != NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s', '%s': it is there twice", s->path, s->member);
    if (g->n == LAC_SHARD_FIELDS)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s', '%s': more than %d fields of one key", s->path, s->member, LAC_SHARD_FIELDS);
    lac_shard_field *f = &g->field[g->n++];
    *f = (lac_shard_field){ 0 };
    snprintf(f->name, sizeof f->name, "%s", name);
    return read_bytes(s, f);
}

/* ---- groups ---- */

/* The group's other members, passed over without their bytes. */
static lac_status pass_over(lac_shard *s, lac_status wrong)
{
    char kept[2048], more[1024];
    lac_status status = LAC_OK;
    lac_error_copy(kept, sizeof kept);
    while (!s->ended && !s->waiting && (status = read_header(s)) == LAC_OK && s->waiting && of_group(s))
        s->waiting = false;
    lac_error_copy(more, sizeof more);
    return status == LAC_OK ? LAC_FAIL(wrong, "%s", kept) : LAC_FAIL(wrong, "%s; and %s", kept, more);
}

static lac_status read_group(lac_shard *s)
{
    size_t n;
    do {
        const char *name = field_of(s, &n);
        s->waiting = false;
        if (name == NULL)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s', '%s': expected a name KEY.FIELD", s->path, s->member);
        if (s->group.n == 0)
            snprintf(s->group.key, sizeof s->group.key, "%.*s", (int)n, s->member);
        const lac_status status = take_member(s, name);
        if (status == LAC_ERR_FORMAT)
            return pass_over(s, status);
        LAC_TRY(status);
        LAC_TRY(read_header(s));
    } while (s->waiting && of_group(s));
    return LAC_OK;
}

lac_status lac_shard_next(lac_shard *s, const lac_shard_group **group)
{
    *group = NULL;
    clear(&s->group);
    if (!s->waiting && !s->ended)
        LAC_TRY(read_header(s));
    if (!s->waiting)
        return LAC_OK;
    const lac_status status = read_group(s);
    s->ended = s->ended || (status != LAC_OK && status != LAC_ERR_FORMAT);
    s->waiting = s->waiting && !s->ended;
    *group = status == LAC_OK ? &s->group : NULL;
    return status;
}

const lac_shard_field *lac_shard_find(const lac_shard_group *g, const char *name)
{
    for (int i = 0; i < g->n; i++)
        if (strcmp(g->field[i].name, name) == 0)
            return &g->field[i];
    return NULL;
}

static lac_status open_archive(lac_shard *s, const char *path)
{
    LAC_TRY(lac_strdup(&s->path, path));
    s->archive = archive_read_new();
    if (s->archive == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: '%s'", path);
    if (archive_read_support_filter_gzip(s->archive) != ARCHIVE_OK || archive_read_support_format_tar(s->archive) != ARCHIVE_OK)
        return LAC_FAIL(LAC_ERR_LIBRARY, "libarchive: %s", why(s));
    if (access(path, R_OK) != 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    if (archive_read_open_filename(s->archive, path, BLOCK) != ARCHIVE_OK)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': %s", path, why(s));
    return LAC_OK;
}

lac_status lac_shard_open(lac_shard **s, const char *path)
{
    *s = NULL;
    LAC_TRY(lac_calloc((void **)s, 1, sizeof **s));
    const lac_status status = open_archive(*s, path);
    if (status != LAC_OK) {
        lac_shard_close(*s);
        *s = NULL;
    }
    return status;
}

void lac_shard_close(lac_shard *s)
{
    if (s == NULL)
        return;
    clear(&s->group);
    if (s->archive != NULL)
        archive_read_free(s->archive);
    free(s->path);
    free(s);
}
