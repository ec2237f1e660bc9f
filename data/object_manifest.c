#include "data/object_manifest.h"

#include "core/file/atomic.h"
#include "core/json.h"
#include "core/literal.h"
#include "core/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30, HEX = LAC_SHA256_HEX - 1 };

void lac_manifest_free(lac_manifest *m)
{
    for (int64_t i = 0; i < m->n; i++) {
        free(m->item[i].object);
        free(m->item[i].image);
        free(m->item[i].label);
    }
    free(m->item);
    free(m->path);
    free(m->layout);
    free(m->rule);
    *m = (lac_manifest){ 0 };
}

lac_status lac_manifest_at(const lac_manifest *m, int64_t i, lac_status s) { return lac_context(s, "'%s', line %" PRId64, m->path, m->item[i].line); }

/* ---- one line ---- */

static lac_status read_box(const json_t *record, double box[4])
{
    const json_t *list = json_object_get(record, "box");
    if (json_array_size(list) != 4)
        return LAC_FAIL(LAC_ERR_FORMAT, "'box' is %s, expected a list of four numbers", json_is_array(list) ? "another list" : lac_json_sort(list));
    for (size_t i = 0; i < 4; i++) {
        box[i] = json_number_value(json_array_get(list, i));
        if (!json_is_number(json_array_get(list, i)))
            return LAC_FAIL(LAC_ERR_FORMAT, "box[%zu] is %s, expected a number", i, lac_json_sort(json_array_get(list, i)));
    }
    return LAC_OK;
}

static lac_status read_hash(const json_t *record, const char *key, char hash[LAC_SHA256_HEX])
{
    const char *text;
    LAC_TRY(lac_json_string(record, key, &text));
    if (strlen(text) != HEX || strspn(text, "0123456789abcdef") != HEX)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is '%.70s', expected a SHA-256 of %d digits", key, text, HEX);
    memcpy(hash, text, LAC_SHA256_HEX);
    return LAC_OK;
}

static lac_status copy_key(const json_t *record, const char *key, bool last_of_path, char **to)
{
    const char *text;
    LAC_TRY(lac_json_string(record, key, &text));
    const char *slash = last_of_path ? strrchr(text, '/') : NULL;
    return lac_strdup(to, slash != NULL ? slash + 1 : text);
}

static lac_status check_keys(const json_t *record, const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)record, key, value) {
        int i = 0;
        while (known[i] != NULL && strcmp(known[i], key) != 0)
            i++;
        if (known[i] == NULL)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%.60s' is no key that is known", key);
    }
    return LAC_OK;
}

static lac_status read_ours(lac_manifest_line *to, const json_t *record)
{
    LAC_TRY(check_keys(record, (const char *const[]){ "object", "image", "label", "box", "picture", "mask", NULL }));
    LAC_TRY(copy_key(record, "object", false, &to->object));
    LAC_TRY(copy_key(record, "image", false, &to->image));
    LAC_TRY(copy_key(record, "label", false, &to->label));
    LAC_TRY(read_box(record, to->box));
    LAC_TRY(read_hash(record, "picture", to->picture));
    return read_hash(record, "mask", to->mask);
}

/* mask_image and image are paths on the authors' machine; image_id names the picture. */
static lac_status read_theirs(lac_manifest_line *to, const json_t *record)
{
    LAC_TRY(check_keys(record, (const char *const[]){ "mask_image", "label", "box_id", "area", "box", "image_id", "image", NULL }));
    LAC_TRY(copy_key(record, "mask_image", true, &to->object));
    LAC_TRY(copy_key(record, "image_id", false, &to->image));
    LAC_TRY(copy_key(record, "label", false, &to->label));
    LAC_TRY(read_box(record, to->box));
    const json_t *area = json_object_get(record, "area");
    const double wanted = to->box[2] * to->box[3];
    if (!json_is_number(area))
        return LAC_FAIL(LAC_ERR_FORMAT, "'area' is %s, expected a number", lac_json_sort(area));
    return fabs(json_number_value(area) - wanted) <= 1e-4 ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'area' is %g, expected width times height of the box, %g", json_number_value(area), wanted);
}

/* ---- the file ---- */

static lac_status parse_line(json_t **record, bool theirs, const char *text, size_t size)
{
    json_error_t error;
    if (theirs)
        LAC_TRY(lac_literal_parse(record, text, size));
    else if ((*record = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error)) == NULL)
        return json_error_code(&error) == json_error_out_of_memory ? LAC_FAIL(LAC_ERR_MEM, "out of memory: a manifest") : LAC_FAIL(LAC_ERR_FORMAT, "%s", error.text);
    if (json_is_object(*record))
        return LAC_OK;
    const lac_status s = LAC_FAIL(LAC_ERR_FORMAT, "%s, expected an object", lac_json_sort(*record));
    json_decref(*record);
    return s;
}

static lac_status read_header(lac_manifest *m, const json_t *record)
{
    const char *schema;
    LAC_TRY(check_keys(record, (const char *const[]){ "manifest", "layout", "rule", NULL }));
    LAC_TRY(lac_json_string(record, "manifest", &schema));
    if (strcmp(schema, LAC_MANIFEST_SCHEMA) != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "it is a manifest of '%.60s', expected '" LAC_MANIFEST_SCHEMA "'", schema);
    LAC_TRY(copy_key(record, "layout", false, &m->layout));
    return copy_key(record, "rule", false, &m->rule);
}

/* The first line tells which of the two it is. */
static lac_status read_line(lac_manifest *m, const char *text, size_t size, int64_t line)
{
    json_t *record;
    if (m->layout == NULL && size > 1 && text[0] == '{' && text[1 + strspn(text + 1, " ")] == '\'') {
        LAC_TRY(lac_strdup(&m->layout, "openimages"));
        LAC_TRY(lac_strdup(&m->rule, ""));
    }
    const bool header = m->layout == NULL, theirs = !header && m->rule[0] == '\0';
    LAC_TRY(parse_line(&record, theirs, text, size));
    lac_status s = header ? read_header(m, record) : lac_grow((void **)&m->item, m->n, &m->capacity, sizeof *m->item);
    if (s == LAC_OK && !header) {
        lac_manifest_line *to = &m->item[m->n++];
        *to = (lac_manifest_line){ .line = line };
        s = theirs ? read_theirs(to, record) : read_ours(to, record);
    }
    json_decref(record);
    return s;
}

static lac_status read_lines(lac_manifest *m, const char *text, size_t size)
{
    int64_t line = 1;
    for (const char *at = text, *end; at < text + size; at = end + 1, line++) {
        end = memchr(at, '\n', (size_t)(text + size - at));
        end = end != NULL ? end : text + size;
        size_t n = (size_t)(end - at);
        while (n > 0 && (at[n - 1] == '\r' || at[n - 1] == ' '))
            n--;
        if (n > 0)
            LAC_TRY(lac_context(read_line(m, at, n, line), "'%s', line %" PRId64, m->path, line));
    }
    return m->n > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s' names no object", m->path);
}

static lac_status check_once(const lac_manifest *m)
{
    json_t *seen = json_object();
    lac_status s = seen != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: '%s'", m->path);
    for (int64_t i = 0; s == LAC_OK && i < m->n; i++) {
        const json_t *before = json_object_get(seen, m->item[i].object);
        if (before != NULL)
            s = lac_manifest_at(m, i, LAC_FAIL(LAC_ERR_FORMAT, "'%.200s' stands in line %" JSON_INTEGER_FORMAT " too", m->item[i].object, json_integer_value(before)));
        else if (json_object_set_new(seen, m->item[i].object, json_integer(m->item[i].line)) != 0)
            s = LAC_FAIL(LAC_ERR_MEM, "out of memory: '%s'", m->path);
    }
    json_decref(seen);
    return s;
}

static lac_status read_all(lac_manifest *m, const char *path)
{
    char *text;
    size_t size;
    uint8_t digest[LAC_SHA256_SIZE];
    LAC_TRY(lac_strdup(&m->path, path));
    LAC_TRY(lac_file_read(path, MAX_FILE, &text, &size));
    lac_sha256_of(text, size, digest);
    lac_sha256_hex(digest, m->hash);
    const lac_status s = read_lines(m, text, size);
    free(text);
    return s == LAC_OK ? check_once(m) : s;
}

lac_status lac_manifest_read(lac_manifest *m, const char *path)
{
    *m = (lac_manifest){ 0 };
    const lac_status s = read_all(m, path);
    if (s != LAC_OK)
        lac_manifest_free(m);
    return s;
}

/* ---- writing ---- */

static lac_status put(lac_print *p, json_t *record)
{
    char *text = record != NULL ? json_dumps(record, JSON_REAL_PRECISION(9)) : NULL;
    json_decref(record);
    if (text == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: a manifest");
    fprintf(p->to, "%s\n", text);
    free(text);
    return LAC_OK;
}

lac_status lac_manifest_begin(lac_print *p, const char *layout, const char *rule)
{
    return put(p, json_pack("{s:s, s:s, s:s}", "manifest", LAC_MANIFEST_SCHEMA, "layout", layout, "rule", rule));
}

lac_status lac_manifest_add(lac_print *p, const lac_object *o, const char *picture, const char *mask)
{
    const double left = o->box[0] / o->unit[0], top = o->box[1] / o->unit[1], width = (o->box[2] - o->box[0]) / o->unit[0], height = (o->box[3] - o->box[1]) / o->unit[1];
    return put(p, json_pack("{s:s, s:s, s:s, s:[f, f, f, f], s:s, s:s}", "object", o->name, "image", o->image, "label", o->label, "box", left, top, width, height, "picture", picture,
                            "mask", mask));
}
