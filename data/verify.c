#include "core/memory.h"
#include "core/utf8.h"
#include "data/set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 20 };

typedef struct verdict { lac_set_complain *complain; void *context; int64_t bad; char names[2048]; size_t used; } verdict;

static void found_bad(verdict *v, const char *name)
{
    char why[1024];
    lac_error_copy(why, sizeof why);
    if (v->complain != NULL)
        v->complain(v->context, name, why);
    if (v->bad++ < NAMED && v->used + 100 < sizeof v->names)
        v->used += (size_t)snprintf(v->names + v->used, 100, "%s'%.90s'", v->used ? ", " : "", name);
}

static lac_status check_record(const lac_set *set, int64_t i, uint8_t **bytes, size_t *capacity)
{
    const lac_record r = lac_set_record(set, i);
    uint8_t digest[LAC_SHA256_SIZE];
    lac_image image = { 0 };
    LAC_TRY(lac_set_read(set, i, bytes, capacity));
    lac_sha256_of(*bytes, (size_t)r.length, digest);
    if (memcmp(digest, r.digest, sizeof digest) != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "the bytes are not those that were packed");
    LAC_TRY(lac_image_decode(&image, *bytes, (size_t)r.length, 3, r.name));
    const bool same = image.height == r.height && image.width == r.width;
    lac_image_free(&image);
    return same ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "the picture has another size than the set says");
}

static bool shows_something(const lac_image *mask)
{
    for (int64_t i = 0; i < mask->height * mask->width; i++)
        if (mask->pixels[i] >= 128)
            return true;
    return false;
}

static lac_status check_picture(const lac_set *set, const lac_part *p, const uint8_t *bytes)
{
    const lac_record r = lac_set_record(set, p->record);
    const bool mask = p->kind == LAC_PART_OBJECT;
    lac_image image = { 0 };
    LAC_TRY(lac_image_decode(&image, bytes, (size_t)p->length, mask ? 1 : 3, r.name));
    const bool same = image.height == r.height && image.width == r.width, empty = mask && !shows_something(&image);
    lac_image_free(&image);
    if (!same)
        return LAC_FAIL(LAC_ERR_FORMAT, "it has another size than its picture");
    return empty ? LAC_FAIL(LAC_ERR_FORMAT, "an empty mask") : LAC_OK;
}

/* "0 2": two of the record's objects. */
static lac_status check_relation(const lac_set *set, const lac_part *p, const uint8_t *bytes)
{
    char text[32];
    long long a = -1, b = -1;
    int64_t first;
    const int64_t n = lac_set_parts(set, p->record, LAC_PART_OBJECT, &first);
    snprintf(text, sizeof text, "%.*s", (int)LAC_MIN(p->length, 31), (const char *)bytes);
    if (sscanf(text, "%lld %lld", &a, &b) == 2 && a >= 0 && a < n && b >= 0 && b < n && a != b && p->label[0] != '\0')
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_FORMAT, "'%s' of '%s' relates no two of the %" PRId64 " objects", p->label, text, n);
}

static lac_status check_part(const lac_set *set, int64_t i, uint8_t **bytes, size_t *capacity)
{
    const lac_part p = lac_set_part(set, i);
    uint8_t digest[LAC_SHA256_SIZE];
    LAC_TRY(lac_set_read_part(set, i, bytes, capacity));
    lac_sha256_of(*bytes, (size_t)p.length, digest);
    if (memcmp(digest, p.digest, sizeof digest) != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "the bytes are not those that were packed");
    if (p.kind == LAC_PART_CAPTION)
        return lac_utf8_valid((const char *)*bytes, (size_t)p.length) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "text that is no UTF-8, or holds a zero byte");
    if (p.kind == LAC_PART_RELATION)
        return check_relation(set, &p, *bytes);
    return p.length > 0 ? check_picture(set, &p, *bytes) : LAC_OK;
}

static lac_status check_manifest(const lac_set *set)
{
    const int64_t n = lac_set_count(set), n_parts = lac_set_part_count(set);
    lac_record *record;
    lac_part *part;
    char hex[LAC_SHA256_HEX];
    LAC_TRY(lac_calloc((void **)&record, (size_t)n, sizeof *record));
    const lac_status s = lac_calloc((void **)&part, (size_t)LAC_MAX(n_parts, 1), sizeof *part);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        record[i] = lac_set_record(set, i);
    for (int64_t i = 0; s == LAC_OK && i < n_parts; i++)
        part[i] = lac_set_part(set, i);
    if (s == LAC_OK) {
        lac_set_manifest(record, n, part, n_parts, lac_set_selection(set), hex);
        free(part);
    }
    free(record);
    LAC_TRY(s);
    if (strcmp(hex, lac_set_hash(set)) == 0)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_FORMAT, "'%s': the columns give manifest hash %.12s..., the file says %.12s...", lac_set_path(set), hex,
                    lac_set_hash(set));
}

/* The i-th of records, then parts. */
static lac_status check_one(const lac_set *set, int64_t i, uint8_t **bytes, size_t *capacity, verdict *v)
{
    const int64_t n = lac_set_count(set);
    const lac_status s = i < n ? check_record(set, i, bytes, capacity) : check_part(set, i - n, bytes, capacity);
    if (s == LAC_OK || s == LAC_ERR_MEM)            /* without memory nothing is known of it */
        return s;
    char name[512];
    const lac_part p = i < n ? (lac_part){ .record = i } : lac_set_part(set, i - n);
    const char *record = lac_set_record(set, p.record).name;
    if (i < n)
        snprintf(name, sizeof name, "%.400s", record);
    else
        snprintf(name, sizeof name, "%s (part %" PRId64 ") of %.400s", lac_part_kind_name(p.kind), i - n, record);
    found_bad(v, name);
    return LAC_OK;
}

lac_status lac_verify(const char *path, lac_set_complain *complain, void *context, lac_verified *found)
{
    lac_set *set;
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    verdict v = { .complain = complain, .context = context };
    *found = (lac_verified){ 0 };
    LAC_TRY(lac_set_open(&set, path));
    lac_status s = LAC_OK;
    found->records = lac_set_count(set);
    found->parts = lac_set_part_count(set);
    for (int64_t i = 0; s == LAC_OK && i < found->records + found->parts; i++)
        s = check_one(set, i, &bytes, &capacity, &v);
    if (s != LAC_OK)
        s = lac_context(s, "'%s'", path);
    else if (v.bad > 0)
        s = LAC_FAIL(LAC_ERR_FORMAT, "'%s': %" PRId64 " of %" PRId64 " records%s are bad: %s%s", path, v.bad, found->records + found->parts,
                     found->parts > 0 ? " and parts" : "", v.names, v.bad > NAMED ? ", ..." : "");
    else
        s = check_manifest(set);
    found->bad = v.bad;
    free(bytes);
    lac_set_close(set);
    return s;
}
