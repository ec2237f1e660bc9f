#include "data/pack.h"

#include "core/memory.h"
#include "core/utf8.h"
#include "data/set_parts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_TEXTS = 6, COPY_SIZE = 1 << 20 };

typedef struct part_row { lac_part part; uint8_t digest[LAC_SHA256_SIZE]; char *label; } part_row;
typedef struct row { lac_record record; uint8_t digest[LAC_SHA256_SIZE]; char *text[N_TEXTS]; } row;

struct lac_pack {
    char *path, *title;
    FILE *blob;
    row *rows;
    part_row *parts;
    int64_t n, capacity, n_parts, parts_capacity, bytes;
    char selection[LAC_SHA256_HEX];                 /* "": none */
};

static const char *const text_column[N_TEXTS] = { "name", "split", "source", "licence", "author", "label" };

/* An unlinked file in the target's folder: the same disk, and nothing is left behind by a killed process. */
static lac_status open_blob(lac_pack *p)
{
    char *name;
    LAC_TRY(lac_format(&name, "%s.blob-XXXXXX", p->path));
    const int fd = mkstemp(name);
    if (fd >= 0) {
        unlink(name);
        p->blob = fdopen(fd, "w+b");
    }
    const lac_status s = p->blob != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot write beside '%s': %s", p->path, strerror(errno));
    if (fd >= 0 && p->blob == NULL)
        close(fd);
    free(name);
    return s;
}

static lac_status title_of(const char *out, char **title)
{
    const char *slash = strrchr(out, '/'), *from = slash != NULL ? slash + 1 : out, *dot = strrchr(from, '.');
    return lac_format(title, "%.*s", dot != NULL ? (int)(dot - from) : (int)strlen(from), from);
}

lac_status lac_pack_new(lac_pack **p, const char *path, const char *title)
{
    lac_pack *fresh;
    LAC_TRY(lac_calloc((void **)&fresh, 1, sizeof *fresh));
    lac_status s = lac_strdup(&fresh->path, path);
    if (s == LAC_OK)
        s = title != NULL ? lac_strdup(&fresh->title, title) : title_of(path, &fresh->title);
    if (s == LAC_OK)
        s = open_blob(fresh);
    if (s == LAC_OK)
        *p = fresh;
    else
        lac_pack_free(fresh);
    return s;
}

int64_t lac_pack_count(const lac_pack *p) { return p->n; }
void lac_pack_selection(lac_pack *p, const char hash[LAC_SHA256_HEX]) { memcpy(p->selection, hash, LAC_SHA256_HEX); }

static lac_status copy_texts(row *to, const lac_record *r)
{
    const char *const text[N_TEXTS] = { r->name, r->split, r->source, r->licence, r->author, r->label };
    for (int i = 0; i < N_TEXTS; i++)
        LAC_TRY(lac_strdup(&to->text[i], text[i] != NULL ? text[i] : ""));
    return LAC_OK;
}

static lac_status put_bytes(lac_pack *p, const void *bytes, int64_t length, int64_t *offset)
{
    *offset = p->bytes;
    if (fwrite(bytes, 1, (size_t)length, p->blob) != (size_t)length)
        return LAC_FAIL(LAC_ERR_IO, "cannot write beside '%s': %s", p->path, strerror(errno));
    p->bytes += length;
    return LAC_OK;
}

lac_status lac_pack_add(lac_pack *p, const lac_record *r, const void *bytes)
{
    LAC_TRY(lac_grow((void **)&p->rows, p->n, &p->capacity, sizeof *p->rows));
    row *to = &p->rows[p->n];
    *to = (row){ .record = *r };
    p->n++;
    LAC_TRY(copy_texts(to, r));
    lac_sha256_of(bytes, (size_t)r->length, to->digest);
    const row *before = p->n > 1 ? to - 1 : NULL;
    if (before == NULL || before->record.group != r->group || memcmp(before->digest, to->digest, LAC_SHA256_SIZE) != 0)
        return put_bytes(p, bytes, r->length, &to->record.offset);
    to->record.offset = before->record.offset;
    return LAC_OK;
}

/* ---- parts ---- */

/* Along one side; what is no number stays, to be refused. */
static void cut_off(float *from, float *extent, float end)
{
    if (!isfinite(*from) || !isfinite(*extent))
        return;
    const float last = LAC_MIN(*from + *extent, end);
    *from = LAC_MAX(*from, 0);
    *extent = last - *from;
}

/* The part as it will stand there. */
static lac_status fit_part(const lac_pack *p, const lac_part *given, const void *bytes, lac_part *part)
{
    const lac_record *r = &p->rows[p->n - 1].record;
    *part = *given;
    part->record = p->n - 1;
    part->label = given->label != NULL ? given->label : "";
    if (part->kind == LAC_PART_OBJECT) {
        cut_off(&part->box.left, &part->box.width, (float)r->width);
        cut_off(&part->box.top, &part->box.height, (float)r->height);
    } else
        part->box = (lac_box){ 0 };
    if (!lac_utf8_valid(part->label, strlen(part->label)) || (part->kind == LAC_PART_CAPTION && !lac_utf8_valid(bytes, (size_t)part->length)))
        return LAC_FAIL(LAC_ERR_FORMAT, "text that is no UTF-8, or holds a zero byte");
    return lac_part_check(part, r->height, r->width);
}

/* Behind those of its record that are of its kind or one before it. */
static lac_status insert_part(lac_pack *p, const lac_part *part, part_row **row)
{
    LAC_TRY(lac_grow((void **)&p->parts, p->n_parts, &p->parts_capacity, sizeof *p->parts));
    int64_t at = p->n_parts++;
    for (; at > 0 && p->parts[at - 1].part.record == part->record && p->parts[at - 1].part.kind > part->kind; at--)
        p->parts[at] = p->parts[at - 1];
    *row = &p->parts[at];
    **row = (part_row){ .part = *part };
    return LAC_OK;
}

lac_status lac_pack_part(lac_pack *p, const lac_part *given, const void *bytes)
{
    lac_part part;
    part_row *row;
    if (p->n == 0)
        return LAC_FAIL(LAC_ERR_STATE, "a part before any record");
    LAC_TRY(fit_part(p, given, bytes, &part));
    LAC_TRY(insert_part(p, &part, &row));
    LAC_TRY(lac_strdup(&row->label, part.label));
    lac_sha256_of(bytes, (size_t)part.length, row->digest);
    return put_bytes(p, bytes, part.length, &row->part.offset);
}

void lac_pack_free(lac_pack *p)
{
    if (p == NULL)
        return;
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < N_TEXTS; k++)
            free(p->rows[i].text[k]);
    for (int64_t i = 0; i < p->n_parts; i++)
        free(p->parts[i].label);
    if (p->blob != NULL)
        fclose(p->blob);
    free(p->parts);
    free(p->rows);
    free(p->path);
    free(p->title);
    free(p);
}

/* ---- columns ---- */

static lac_status write_texts(lac_hdf5 *f, const lac_pack *p)
{
    const char **column;
    LAC_TRY(lac_calloc((void **)&column, (size_t)p->n, sizeof *column));
    lac_status s = LAC_OK;
    for (int k = 0; s == LAC_OK && k < N_TEXTS; k++) {
        for (int64_t i = 0; i < p->n; i++)
            column[i] = p->rows[i].text[k];
        s = lac_hdf5_write_strings(f, text_column[k], p->n, column);
    }
    free(column);
    return s;
}

static lac_status write_numbers(lac_hdf5 *f, const lac_pack *p)
{
    union { int64_t i64; int32_t i32; uint8_t u8[LAC_SHA256_SIZE]; } *one;     /* as wide as the widest column */
    LAC_TRY(lac_calloc((void **)&one, (size_t)p->n, sizeof *one));
    int64_t *i64 = (int64_t *)one, dims[] = { p->n, LAC_SHA256_SIZE };
    int32_t *i32 = (int32_t *)one;
    uint8_t *u8 = (uint8_t *)one;
    lac_status s = LAC_OK;
#define COLUMN(name, dtype, array, value)                       \
    if (s == LAC_OK) {                                          \
        for (int64_t i = 0; i < p->n; i++)                      \
            array[i] = value;                                   \
        s = lac_hdf5_write(f, name, dtype, 1, dims, array);     \
    }
    COLUMN("offset", LAC_I64, i64, p->rows[i].record.offset)
    COLUMN("length", LAC_I64, i64, p->rows[i].record.length)
    COLUMN("group", LAC_I64, i64, p->rows[i].record.group)
    COLUMN("height", LAC_I32, i32, (int32_t)p->rows[i].record.height)
    COLUMN("width", LAC_I32, i32, (int32_t)p->rows[i].record.width)
    COLUMN("kind", LAC_U8, u8, (uint8_t)p->rows[i].record.kind)
#undef COLUMN
    for (int64_t i = 0; i < p->n; i++)
        memcpy(u8 + LAC_SHA256_SIZE * i, p->rows[i].digest, LAC_SHA256_SIZE);
    if (s == LAC_OK)
        s = lac_hdf5_write(f, "digest", LAC_U8, 2, dims, u8);
    free(one);
    return s;
}

static lac_status write_blob(lac_hdf5 *f, lac_pack *p)
{
    char *piece;
    LAC_TRY(lac_malloc((void **)&piece, COPY_SIZE));
    lac_status s = lac_hdf5_declare(f, "blob", LAC_U8, 1, &p->bytes);
    if (s == LAC_OK && (fflush(p->blob) != 0 || fseeko(p->blob, 0, SEEK_SET) != 0))
        s = LAC_FAIL(LAC_ERR_IO, "cannot write beside '%s': %s", p->path, strerror(errno));
    for (int64_t at = 0; s == LAC_OK && at < p->bytes;) {
        const size_t n = fread(piece, 1, (size_t)LAC_MIN(p->bytes - at, (int64_t)COPY_SIZE), p->blob);
        s = n > 0 ? lac_hdf5_write_rows(f, "blob", at, (int64_t)n, piece) : LAC_FAIL(LAC_ERR_IO, "cannot read back what was put beside '%s'", p->path);
        at += (int64_t)n;
    }
    free(piece);
    return s;
}

static lac_status write_header(lac_hdf5 *f, const lac_pack *p, const lac_part *part)
{
    lac_record *record;
    char hex[LAC_SHA256_HEX];
    LAC_TRY(lac_calloc((void **)&record, (size_t)p->n, sizeof *record));
    for (int64_t i = 0; i < p->n; i++) {
        const row *r = &p->rows[i];
        record[i] = r->record;
        record[i].name = r->text[0], record[i].split = r->text[1], record[i].source = r->text[2];
        record[i].licence = r->text[3], record[i].author = r->text[4], record[i].label = r->text[5];
        record[i].digest = r->digest;
    }
    lac_set_manifest(record, p->n, part, p->n_parts, p->selection, hex);
    free(record);
    LAC_TRY(lac_hdf5_write_attribute(f, "/", "schema", LAC_SET_SCHEMA));
    LAC_TRY(lac_hdf5_write_attribute(f, "/", "title", p->title));
    return lac_hdf5_write_attribute(f, "/", "manifest", hex);
}

static lac_status write_all(lac_hdf5 *f, lac_pack *p)
{
    lac_part *part;
    LAC_TRY(lac_calloc((void **)&part, (size_t)LAC_MAX(p->n_parts, 1), sizeof *part));
    for (int64_t i = 0; i < p->n_parts; i++) {
        part[i] = p->parts[i].part;
        part[i].label = p->parts[i].label;
        part[i].digest = p->parts[i].digest;
    }
    lac_status s = write_header(f, p, part);
    if (s == LAC_OK)
        s = lac_part_table_write(f, part, p->n_parts);
    free(part);
    LAC_TRY(s);
    LAC_TRY(write_numbers(f, p));
    LAC_TRY(write_texts(f, p));
    if (p->selection[0] != '\0')
        LAC_TRY(lac_hdf5_write_string(f, "selection", p->selection));
    return write_blob(f, p);
}

lac_status lac_pack_finish(lac_pack *p)
{
    lac_hdf5 *f = NULL;
    lac_status s = p->n > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "nothing to pack into '%s'", p->path);
    if (s == LAC_OK)
        s = lac_hdf5_create(&f, p->path);
    if (s == LAC_OK)
        s = write_all(f, p);
    if (s == LAC_OK)
        s = lac_hdf5_commit(f);
    else
        lac_hdf5_close(f);
    lac_pack_free(p);
    return s;
}
