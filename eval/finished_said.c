/* What is said of pictures, by id: --prompts FILE.json.
 *
 *     { "cat/03": "a grey cat on a sofa",
 *       "cat/04": { "prompt": "a grey cat", "label": "cat", "before": "a sofa", "after": "a cat on a sofa", "box": [12, 40, 90, 77], "size": [640, 480] } }
 *
 * A text is a prompt. box: left, top, right, bottom in a picture of `size`, width and height; without it in the reference. */
#include "eval/finished_internal.h"

#include "core/config.h"
#include "core/file/atomic.h"
#include "core/json.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30 };

/* ---- checking ---- */

static bool are_numbers(const json_t *list, size_t n)
{
    if (json_array_size(list) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!json_is_number(json_array_get(list, i)))
            return false;
    return true;
}

static double number_at(const json_t *list, size_t i) { return json_number_value(json_array_get(list, i)); }

static lac_status check_box(const json_t *box)
{
    const bool good = are_numbers(box, 4) && number_at(box, 0) < number_at(box, 2) && number_at(box, 1) < number_at(box, 3);
    return good ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'box' wants four numbers, left below right and top below bottom");
}

static bool size_of(const json_t *size, int64_t *width, int64_t *height)
{
    return json_array_size(size) == 2 && lac_json_whole(json_array_get(size, 0), width) && lac_json_whole(json_array_get(size, 1), height) && *width > 0 && *height > 0;
}

static lac_status check_size(const json_t *size)
{
    int64_t width, height;
    return size_of(size, &width, &height) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'size' wants two whole numbers above 0, width and height");
}

static lac_status check_field(const char *key, const json_t *value)
{
    static const char *const known[] = { "prompt", "label", "before", "after", "box", "size" };
    if (strcmp(key, "box") == 0)
        return check_box(value);
    if (strcmp(key, "size") == 0)
        return check_size(value);
    for (int i = 0; i < 4; i++)
        if (strcmp(key, known[i]) == 0)
            return json_is_string(value) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s' is no text", key);
    const int near = lac_nearest(key, known, LAC_COUNT(known));
    return near < 0 ? LAC_FAIL(LAC_ERR_FORMAT, "unknown key '%s': prompt, label, before, after, box or size", key)
                    : LAC_FAIL(LAC_ERR_FORMAT, "unknown key '%s'; did you mean '%s'?", key, known[near]);
}

static lac_status check_one(const json_t *said)
{
    const char *key;
    json_t *value;
    if (json_is_string(said))
        return LAC_OK;
    if (!json_is_object(said))
        return LAC_FAIL(LAC_ERR_FORMAT, "neither a text nor an object");
    json_object_foreach((json_t *)said, key, value)
        LAC_TRY(check_field(key, value));
    return LAC_OK;
}

static lac_status check(const json_t *all, const char *path)
{
    const char *id;
    json_t *said;
    if (!json_is_object(all))
        return LAC_FAIL(LAC_ERR_FORMAT, "captions '%s': not an object of captions by id", path);
    json_object_foreach((json_t *)all, id, said)
        LAC_TRY(lac_context(check_one(said), "captions '%s': that of '%s'", path, id));
    return LAC_OK;
}

/* ---- classes ---- */

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Every label of the file, whoever's it is: values of a part of the pictures are those of all. */
static lac_status list_classes(lac_finished *f)
{
    const char *id;
    json_t *said;
    int64_t n = 0;
    LAC_TRY(lac_calloc((void **)&f->classes, json_object_size(f->captions), sizeof *f->classes));
    json_object_foreach(f->captions, id, said)
        if (json_object_get(said, "label") != NULL)
            f->classes[n++] = json_string_value(json_object_get(said, "label"));
    qsort(f->classes, (size_t)n, sizeof *f->classes, by_bytes);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || strcmp(f->classes[i], f->classes[f->n_classes - 1]) != 0)
            f->classes[f->n_classes++] = f->classes[i];
    return LAC_OK;
}

/* ---- of each picture ---- */

static const char *text_of(const json_t *said, const char *key) { return json_string_value(json_object_get(said, key)); }

static void take(lac_finished_entry *e, const json_t *said)
{
    const json_t *box = json_object_get(said, "box"), *size = json_object_get(said, "size");
    e->said = (lac_said){ json_is_string(said) ? json_string_value(said) : text_of(said, "prompt"), text_of(said, "label"), text_of(said, "before"), text_of(said, "after"), NULL };
    if (box == NULL)
        return;
    e->box = (lac_object_box){ number_at(box, 0), number_at(box, 1), number_at(box, 2), number_at(box, 3), 0, 0 };
    if (size != NULL)
        size_of(size, &e->box.width, &e->box.height);
    e->said.box = &e->box;
}

lac_status lac_finished_read_said(lac_finished *f)
{
    const char *path = f->ask.prompts;
    json_error_t why;
    uint8_t digest[LAC_SHA256_SIZE];
    char *text;
    size_t size;
    if (path == NULL)
        return LAC_OK;
    LAC_TRY(lac_context(lac_file_read(path, MAX_FILE, &text, &size), "captions"));
    f->captions = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    lac_sha256_of(text, size, digest);
    lac_sha256_hex(digest, f->captions_hash);
    free(text);
    if (f->captions == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "captions '%s' are not JSON: %s, line %d", path, why.text, why.line);
    LAC_TRY(check(f->captions, path));
    for (int64_t i = 0; i < f->n_entries; i++)
        take(&f->entry[i], json_object_get(f->captions, f->entry[i].id));
    return list_classes(f);
}
