#include "core/memory.h"
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

static lac_status check_manifest(const lac_set *set)
{
    const int64_t n = lac_set_count(set);
    lac_record *record;
    char hex[LAC_SHA256_HEX];
    LAC_TRY(lac_calloc((void **)&record, (size_t)n, sizeof *record));
    for (int64_t i = 0; i < n; i++)
        record[i] = lac_set_record(set, i);
    lac_set_manifest(record, n, hex);
    free(record);
    if (strcmp(hex, lac_set_hash(set)) == 0)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_FORMAT, "'%s': the columns give manifest hash %.12s..., the file says %.12s...", lac_set_path(set), hex,
                    lac_set_hash(set));
}

lac_status lac_verify(const char *path, lac_set_complain *complain, void *context, int64_t *checked, int64_t *bad)
{
    lac_set *set;
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    verdict v = { .complain = complain, .context = context };
    *checked = *bad = 0;
    LAC_TRY(lac_set_open(&set, path));
    lac_status s = LAC_OK;
    for (; *checked < lac_set_count(set) && s != LAC_ERR_MEM; ++*checked) {
        s = check_record(set, *checked, &bytes, &capacity);
        if (s != LAC_OK && s != LAC_ERR_MEM)        /* without memory nothing is known of a record */
            found_bad(&v, lac_set_record(set, *checked).name);
    }
    if (s == LAC_ERR_MEM)
        s = lac_context(s, "'%s'", path);
    else if (v.bad > 0)
        s = LAC_FAIL(LAC_ERR_FORMAT, "'%s': %" PRId64 " of %" PRId64 " records are bad: %s%s", path, v.bad, *checked, v.names,
                     v.bad > NAMED ? ", ..." : "");
    else
        s = check_manifest(set);
    *bad = v.bad;
    free(bytes);
    lac_set_close(set);
    return s;
}
