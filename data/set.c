#include "data/set.h"

#include "core/memory.h"
#include "data/set_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_TEXTS = 6 };
static const char *const text_column[N_TEXTS] = { "name", "split", "source", "licence", "author", "label" };

struct lac_set {
    lac_hdf5 *file;             /* its descriptor serves pread */
    char *title, *hash, *selection;
    int64_t n, blob;            /* blob: where it begins in the file */
    lac_hdf5_strings text[N_TEXTS];
    int64_t *offset, *length, *group;
    int32_t *height, *width;
    uint8_t *kind, *digest;
    lac_part_table parts;
};

/* ---- opening ---- */

static lac_status read_header(lac_set *s)
{
    char *schema = NULL;
    LAC_TRY(lac_hdf5_read_attribute(s->file, "/", "schema", &schema));
    const bool known = strcmp(schema, LAC_SET_SCHEMA) == 0;
    const lac_status status = known ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "schema '%.64s', expected '" LAC_SET_SCHEMA "'", schema);
    free(schema);
    LAC_TRY(status);
    LAC_TRY(lac_hdf5_read_attribute(s->file, "/", "title", &s->title));
    LAC_TRY(lac_hdf5_read_attribute(s->file, "/", "manifest", &s->hash));
    if (strlen(s->hash) != LAC_SHA256_HEX - 1)
        return LAC_FAIL(LAC_ERR_FORMAT, "the manifest hash has %zu digits, expected %d", strlen(s->hash), LAC_SHA256_HEX - 1);
    return lac_hdf5_has(s->file, "selection") ? lac_hdf5_read_string(s->file, "selection", &s->selection) : lac_strdup(&s->selection, "");
}

static lac_status read_columns(lac_set *s)
{
    int64_t n = -1;
    LAC_TRY(lac_hdf5_read_new(s->file, "offset", LAC_I64, 1, &n, (void **)&s->offset));
    s->n = n;
    LAC_TRY(lac_hdf5_read_new(s->file, "length", LAC_I64, 1, &n, (void **)&s->length));
    LAC_TRY(lac_hdf5_read_new(s->file, "group", LAC_I64, 1, &n, (void **)&s->group));
    LAC_TRY(lac_hdf5_read_new(s->file, "height", LAC_I32, 1, &n, (void **)&s->height));
    LAC_TRY(lac_hdf5_read_new(s->file, "width", LAC_I32, 1, &n, (void **)&s->width));
    LAC_TRY(lac_hdf5_read_new(s->file, "kind", LAC_U8, 1, &n, (void **)&s->kind));
    LAC_TRY(lac_hdf5_read_new(s->file, "digest", LAC_U8, 2, (int64_t[]){ n, LAC_SHA256_SIZE }, (void **)&s->digest));
    for (int i = 0; i < N_TEXTS; i++) {
        LAC_TRY(lac_hdf5_read_strings(s->file, text_column[i], &s->text[i]));
        if (s->text[i].n != n)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s' has %" PRId64 " rows, expected %" PRId64, text_column[i], s->text[i].n, n);
    }
    return LAC_OK;
}

static lac_status check_rows(const lac_set *s, int64_t blob_bytes)
{
    if (s->n == 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "the set has no records");
    for (int64_t i = 0; i < s->n; i++) {
        if (s->offset[i] < 0 || s->length[i] <= 0 || s->length[i] > blob_bytes || s->offset[i] > blob_bytes - s->length[i])
            return LAC_FAIL(LAC_ERR_FORMAT, "record %" PRId64 " is bytes %" PRId64 " + %" PRId64 " of a blob of %" PRId64, i, s->offset[i],
                            s->length[i], blob_bytes);
        if (s->height[i] <= 0 || s->width[i] <= 0 || (int64_t)s->height[i] * s->width[i] > LAC_IMAGE_MAX_PIXELS)
            return LAC_FAIL(LAC_ERR_FORMAT, "record %" PRId64 " is %d x %d pixels", i, s->height[i], s->width[i]);
        if (s->kind[i] > LAC_KIND_OBJECT)
            return LAC_FAIL(LAC_ERR_FORMAT, "record %" PRId64 " is of kind %d, expected 0 or 1", i, s->kind[i]);
    }
    return LAC_OK;
}

static bool in_order(const lac_part *a, const lac_part *b) { return a->record != b->record ? a->record < b->record : a->kind <= b->kind; }

static lac_status check_parts(const lac_set *s, int64_t blob_bytes)
{
    lac_part before = { .record = 0 };
    for (int64_t i = 0; i < s->parts.n; i++) {
        const lac_part p = lac_part_table_row(&s->parts, i);
        if (p.kind >= LAC_N_PARTS || p.record < 0 || p.record >= s->n || !in_order(&before, &p))
            return LAC_FAIL(LAC_ERR_FORMAT, "part %" PRId64 " is of kind %d and record %" PRId64 ", not in order, or not of %d kinds and %" PRId64 " records",
                            i, (int)p.kind, p.record, LAC_N_PARTS, s->n);
        if (p.offset < 0 || p.length < 0 || p.length > blob_bytes || p.offset > blob_bytes - p.length)
            return LAC_FAIL(LAC_ERR_FORMAT, "part %" PRId64 " is bytes %" PRId64 " + %" PRId64 " of a blob of %" PRId64, i, p.offset, p.length, blob_bytes);
        LAC_TRY(lac_context(lac_part_check(&p, s->height[p.record], s->width[p.record]), "part %" PRId64, i));
        before = p;
    }
    return LAC_OK;
}

static lac_status read_set(lac_set *s)
{
    lac_hdf5_entry blob;
    LAC_TRY(read_header(s));
    LAC_TRY(read_columns(s));
    LAC_TRY(lac_hdf5_info(s->file, "blob", &blob));
    if (blob.text || blob.dtype != LAC_U8 || blob.shape.ndim != 1)
        return LAC_FAIL(LAC_ERR_FORMAT, "'blob' is not a row of bytes");
    s->blob = blob.offset;
    LAC_TRY(check_rows(s, blob.bytes));
    LAC_TRY(lac_part_table_read(&s->parts, s->file));
    return check_parts(s, blob.bytes);
}

lac_status lac_set_open(lac_set **set, const char *path)
{
    lac_set *s;
    LAC_TRY(lac_calloc((void **)&s, 1, sizeof *s));
    lac_status status = lac_hdf5_open(&s->file, path);
    if (status == LAC_OK)
        status = read_set(s);
    if (status == LAC_OK) {
        *set = s;
        return LAC_OK;
    }
    lac_set_close(s);
    if (status == LAC_ERR_KEY)                  /* a column that is missing: not a packed set */
        status = LAC_ERR_FORMAT;
    return lac_context(status, "opening the packed set '%s'", path);
}

void lac_set_close(lac_set *s)
{
    if (s == NULL)
        return;
    void *const column[] = { s->offset, s->length, s->group, s->height, s->width, s->kind, s->digest, s->title, s->hash, s->selection };
    for (size_t i = 0; i < LAC_COUNT(column); i++)
        free(column[i]);
    for (int i = 0; i < N_TEXTS; i++)
        lac_hdf5_strings_free(&s->text[i]);
    lac_part_table_free(&s->parts);
    lac_hdf5_close(s->file);
    free(s);
}

/* ---- what is in it ---- */

int64_t lac_set_count(const lac_set *s) { return s->n; }
const char *lac_set_path(const lac_set *s) { return lac_hdf5_path(s->file); }
const char *lac_set_name(const lac_set *s) { return s->title; }
const char *lac_set_hash(const lac_set *s) { return s->hash; }
const char *lac_set_selection(const lac_set *s) { return s->selection; }

lac_record lac_set_record(const lac_set *s, int64_t i)
{
    return (lac_record){ .kind = (lac_kind)s->kind[i], .height = s->height[i], .width = s->width[i], .group = s->group[i],
                         .offset = s->offset[i], .length = s->length[i], .name = s->text[0].item[i], .split = s->text[1].item[i],
                         .source = s->text[2].item[i], .licence = s->text[3].item[i], .author = s->text[4].item[i],
                         .label = s->text[5].item[i], .digest = s->digest + LAC_SHA256_SIZE * i };
}

int64_t lac_set_find(const lac_set *s, const char *name)
{
    for (int64_t i = 0; i < s->n; i++)
        if (strcmp(s->text[0].item[i], name) == 0)
            return i;
    return -1;
}

static lac_status no_such_split(const lac_set *s, const char *split)
{
    char known[512] = "";
    size_t used = 0;
    for (int64_t i = 0; i < s->n && used < sizeof known - 80; i++) {
        bool fresh = true;
        for (int64_t k = 0; fresh && k < i; k++)
            fresh = strcmp(s->text[1].item[i], s->text[1].item[k]) != 0;
        if (fresh)
            used += (size_t)snprintf(known + used, 64, "%s'%.50s'", used ? ", " : "", s->text[1].item[i]);
    }
    return LAC_FAIL(LAC_ERR_ARG, "the set '%s' has nothing in split '%s'; its splits are %s", lac_set_path(s), split, known);
}

lac_status lac_set_select(const lac_set *s, const char *split, lac_kind kind, int64_t **ids, int64_t *n)
{
    int64_t *p, found = 0;
    LAC_TRY(lac_calloc((void **)&p, (size_t)s->n, sizeof *p));
    for (int64_t i = 0; i < s->n; i++)
        if (s->kind[i] == kind && (split[0] == '\0' || strcmp(s->text[1].item[i], split) == 0))
            p[found++] = i;
    if (found == 0) {
        free(p);
        return no_such_split(s, split);
    }
    *ids = p;
    *n = found;
    return LAC_OK;
}

int64_t lac_set_part_count(const lac_set *s) { return s->parts.n; }
lac_part lac_set_part(const lac_set *s, int64_t i) { return lac_part_table_row(&s->parts, i); }

int64_t lac_set_parts(const lac_set *s, int64_t record, lac_part_kind kind, int64_t *first)
{
    *first = lac_part_table_find(&s->parts, record, kind);
    return lac_part_table_find(&s->parts, record, kind + 1) - *first;
}

/* ---- bytes and pictures ---- */

/* `record` is whose they are, for messages. */
static lac_status read_bytes(const lac_set *s, int64_t record, int64_t offset, size_t length, uint8_t **bytes, size_t *capacity)
{
    if (length > *capacity) {
        LAC_TRY(lac_realloc((void **)bytes, length));
        *capacity = length;
    }
    for (size_t done = 0; done < length;) {
        const ssize_t got = pread(lac_hdf5_fd(s->file), *bytes + done, length - done, s->blob + offset + (int64_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return LAC_FAIL(LAC_ERR_IO, "cannot read record '%s' of '%s': %s", s->text[0].item[record], lac_set_path(s),
                            got < 0 ? strerror(errno) : "the file ends");
        done += (size_t)got;
    }
    return LAC_OK;
}

lac_status lac_set_read(const lac_set *s, int64_t i, uint8_t **bytes, size_t *capacity)
{
    return read_bytes(s, i, s->offset[i], (size_t)s->length[i], bytes, capacity);
}

lac_status lac_set_read_part(const lac_set *s, int64_t i, uint8_t **bytes, size_t *capacity)
{
    return read_bytes(s, s->parts.record[i], s->parts.offset[i], (size_t)s->parts.length[i], bytes, capacity);
}

lac_status lac_set_decode(const lac_set *s, int64_t i, int channels, lac_image *image)
{
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    lac_status status = lac_set_read(s, i, &bytes, &capacity);
    if (status == LAC_OK)
        status = lac_image_decode(image, bytes, (size_t)s->length[i], channels, s->text[0].item[i]);
    free(bytes);
    if (status != LAC_OK || (image->height == s->height[i] && image->width == s->width[i]))
        return status;
    status = LAC_FAIL(LAC_ERR_FORMAT, "record '%s' of '%s' is %" PRId64 " x %" PRId64 " pixels, the set says %d x %d", s->text[0].item[i],
                      lac_set_path(s), image->height, image->width, s->height[i], s->width[i]);
    lac_image_free(image);
    return status;
}

static void add_text(lac_sha256 *h, const char *text) { lac_sha256_add(h, text, strlen(text) + 1); }

static void add_record(lac_sha256 *h, const lac_record *r)
{
    const char *const text[] = { r->name, r->split, r->source, r->licence, r->author, r->label };
    char numbers[160];
    for (size_t k = 0; k < LAC_COUNT(text); k++)
        add_text(h, text[k]);
    const int used = snprintf(numbers, sizeof numbers, "%d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", (int)r->kind, r->group,
                              r->height, r->width, r->offset, r->length);
    lac_sha256_add(h, numbers, (size_t)used);
    lac_sha256_add(h, r->digest, LAC_SHA256_SIZE);
}

static void add_part(lac_sha256 *h, const lac_part *p)
{
    char numbers[200];
    add_text(h, p->label);
    const int used = snprintf(numbers, sizeof numbers, "%d %" PRId64 " %" PRId64 " %" PRId64 " %a %a %a %a\n", (int)p->kind, p->record, p->offset,
                              p->length, (double)p->box.left, (double)p->box.top, (double)p->box.width, (double)p->box.height);
    lac_sha256_add(h, numbers, (size_t)used);
    lac_sha256_add(h, p->digest, LAC_SHA256_SIZE);
}

void lac_set_manifest(const lac_record *record, int64_t n, const lac_part *part, int64_t n_parts, const char *selection, char hex[LAC_SHA256_HEX])
{
    lac_sha256 h;
    uint8_t digest[LAC_SHA256_SIZE];
    lac_sha256_start(&h);
    for (int64_t i = 0; i < n; i++)
        add_record(&h, &record[i]);
    for (int64_t i = 0; i < n_parts; i++)
        add_part(&h, &part[i]);
    if (selection[0] != '\0')
        add_text(&h, selection);
    lac_sha256_end(&h, digest);
    lac_sha256_hex(digest, hex);
}
