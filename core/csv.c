#include "core/csv.h"

#include "core/memory.h"
#include "core/utf8.h"

#include <csv.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 16 };

struct lac_csv {
    char *path, *names[LAC_CSV_COLUMNS];
    FILE *file;
    struct csv_parser parser;
    unsigned char piece[PIECE];
    size_t at, n;                   /* of the piece */
    bool after_return, ended;
    int64_t now, line;              /* where reading is, where the record began */
    int n_names;
    /* The record: its fields one behind the other, each with a zero byte. */
    char *text;
    size_t used, room, start[LAC_CSV_COLUMNS];
    int n_fields;
    bool complete;
    lac_status status;              /* of the callbacks */
};

/* ---- what libcsv calls ---- */

static void *never(void *block, size_t size)
{
    (void)block, (void)size;
    return NULL;
}

static int no_space(unsigned char c)
{
    (void)c;
    return 0;
}

static lac_status add_field(lac_csv *c, const char *text, size_t size)
{
    const size_t wanted = c->used + size + 1;
    if (wanted > c->room) {
        LAC_TRY(lac_realloc((void **)&c->text, 2 * wanted));
        c->room = 2 * wanted;
    }
    c->start[c->n_fields] = c->used;
    if (size > 0)
        memcpy(c->text + c->used, text, size);
    c->text[c->used + size] = '\0';
    c->used = wanted;
    if (!lac_utf8_valid(text, size) && c->status == LAC_OK)
        return LAC_FAIL(LAC_ERR_FORMAT, "field %d is no UTF-8, or holds a zero byte", c->n_fields + 1);
    return LAC_OK;
}

static void field_ends(void *text, size_t size, void *context)
{
    lac_csv *c = context;
    if (c->n_fields < LAC_CSV_COLUMNS && c->status != LAC_ERR_MEM) {
        const lac_status s = add_field(c, text, size);
        c->status = s != LAC_OK ? s : c->status;
    }
    c->n_fields++;
}

static void record_ends(int end, void *context)
{
    (void)end;
    ((lac_csv *)context)->complete = true;
}

/* ---- reading ---- */

/* The room for a field is all there from the beginning; libcsv wants a byte beyond a field before it looks at what follows. */
static lac_status start_parser(lac_csv *c)
{
    unsigned char *room = c->parser.entry_buf;
    if (room == NULL)
        LAC_TRY(lac_malloc((void **)&room, LAC_CSV_FIELD + 1));
    if (csv_init(&c->parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        free(room);
        return LAC_FAIL(LAC_ERR_LIBRARY, "libcsv cannot begin");
    }
    c->parser.entry_buf = room;
    c->parser.entry_size = LAC_CSV_FIELD + 1;
    csv_set_realloc_func(&c->parser, never);
    csv_set_space_func(&c->parser, no_space);
    return LAC_OK;
}

static lac_status fill(lac_csv *c)
{
    c->at = 0;
    c->n = fread(c->piece, 1, PIECE, c->file);
    return c->n == 0 && ferror(c->file) ? LAC_FAIL(LAC_ERR_IO, "cannot read '%s': %s", c->path, strerror(errno)) : LAC_OK;
}

/* What is left of the piece, at most to the end of its line. */
static size_t next_line(const lac_csv *c)
{
    size_t to = c->at;
    while (to < c->n && c->piece[to] != '\n' && c->piece[to] != '\r')
        to++;
    return LAC_MIN(to + 1, c->n) - c->at;
}

static void count_line(lac_csv *c, const unsigned char *text, size_t size)
{
    const unsigned char last = text[size - 1];
    c->now += last == '\r' || (last == '\n' && !(size == 1 && c->after_return));
    c->after_return = last == '\r';
}

/* Passes over what is left of a line of which `last` was read last. */
static lac_status finish_line(lac_csv *c, unsigned char last)
{
    while (last != '\n' && last != '\r') {
        if (c->at == c->n)
            LAC_TRY(fill(c));
        if (c->n == 0)
            return LAC_OK;
        const size_t size = next_line(c);
        last = c->piece[c->at + size - 1];
        count_line(c, c->piece + c->at, size);
        c->at += size;
    }
    return LAC_OK;
}

/* What stopped the parser; it begins anew. */
static lac_status parse_failed(lac_csv *c)
{
    const bool quote = csv_error(&c->parser) == CSV_EPARSE;
    LAC_TRY(start_parser(c));
    if (quote && c->ended)
        return LAC_FAIL(LAC_ERR_FORMAT, "a quote that is never closed");
    return quote ? LAC_FAIL(LAC_ERR_FORMAT, "a quote inside a field without quotes, or text behind a closing quote")
                 : LAC_FAIL(LAC_ERR_FORMAT, "a field of more than %d bytes; reading goes on at line %" PRId64, LAC_CSV_FIELD, c->now);
}

static lac_status take_line(lac_csv *c, bool *begun)
{
    const unsigned char *text = c->piece + c->at;
    const size_t size = next_line(c);
    if (!*begun)
        c->line = c->now;
    *begun = *begun || (text[0] != '\n' && text[0] != '\r');
    count_line(c, text, size);
    c->at += size;
    if (csv_parse(&c->parser, text, size, field_ends, record_ends, c) == size)
        return LAC_OK;
    LAC_TRY(finish_line(c, text[size - 1]));
    return parse_failed(c);
}

static lac_status take_end(lac_csv *c)
{
    c->ended = true;
    return csv_fini(&c->parser, field_ends, record_ends, c) == 0 ? LAC_OK : parse_failed(c);
}

static lac_status take_record(lac_csv *c)
{
    bool begun = false;
    c->used = 0;
    c->n_fields = 0;
    c->complete = false;
    c->status = LAC_OK;
    while (!c->complete && !c->ended) {
        if (c->at == c->n)
            LAC_TRY(fill(c));
        LAC_TRY(c->n == 0 ? take_end(c) : take_line(c, &begun));
    }
    return c->status;
}

lac_status lac_csv_next(lac_csv *c, bool *more)
{
    *more = false;
    if (c->ended)
        return LAC_OK;
    lac_status s = take_record(c);
    *more = s == LAC_OK && c->complete;
    c->ended = c->ended || (s != LAC_OK && s != LAC_ERR_FORMAT);
    if (*more && c->n_names > 0 && c->n_fields != c->n_names) {
        *more = false;
        s = LAC_FAIL(LAC_ERR_FORMAT, "%d field%s, expected %d", c->n_fields, c->n_fields == 1 ? "" : "s", c->n_names);
    }
    return s == LAC_ERR_FORMAT ? lac_csv_at(c, s) : s;
}

/* ---- columns ---- */

int lac_csv_column(const lac_csv *c, const char *name)
{
    for (int i = 0; i < c->n_names; i++)
        if (strcmp(c->names[i], name) == 0)
            return i;
    return -1;
}

lac_status lac_csv_find(const lac_csv *c, const char *name, int *column)
{
    char all[512];
    int used = 0;
    *column = lac_csv_column(c, name);
    if (*column >= 0)
        return LAC_OK;
    for (int i = 0; i < c->n_names && used < (int)sizeof all - 80; i++)
        used += snprintf(all + used, sizeof all - (size_t)used, "%s%.60s", i > 0 ? ", " : "", c->names[i]);
    return LAC_FAIL(LAC_ERR_FORMAT, "'%s' has no column '%s'; its columns are %s", c->path, name, all);
}

static lac_status add_name(lac_csv *c, const char *name)
{
    if (c->n_names == LAC_CSV_COLUMNS)
        return LAC_FAIL(LAC_ERR_FORMAT, "more than %d columns", LAC_CSV_COLUMNS);
    if (lac_csv_column(c, name) >= 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "two columns are called '%s'", name);
    LAC_TRY(lac_strdup(&c->names[c->n_names], name));
    c->n_names++;
    return LAC_OK;
}

static lac_status read_names(lac_csv *c)
{
    bool more;
    LAC_TRY(lac_csv_next(c, &more));
    if (!more)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is empty, expected a line that names its columns", c->path);
    if (c->n_fields > LAC_CSV_COLUMNS)
        return lac_csv_at(c, LAC_FAIL(LAC_ERR_FORMAT, "more than %d columns", LAC_CSV_COLUMNS));
    for (int i = 0; i < c->n_fields; i++)
        LAC_TRY(lac_csv_at(c, add_name(c, c->text + c->start[i])));
    return LAC_OK;
}

static lac_status begin(lac_csv *c, const char *path, const char *const *names)
{
    LAC_TRY(lac_strdup(&c->path, path));
    LAC_TRY(start_parser(c));
    c->now = 1;
    c->file = fopen(path, "rb");
    if (c->file == NULL)
        return LAC_FAIL(LAC_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    LAC_TRY(fill(c));
    c->at = c->n >= 3 && memcmp(c->piece, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (const char *const *name = names; name != NULL && *name != NULL; name++)
        LAC_TRY(add_name(c, *name));
    return names != NULL ? LAC_OK : read_names(c);
}

lac_status lac_csv_open(lac_csv **c, const char *path, const char *const *names)
{
    *c = NULL;
    LAC_TRY(lac_calloc((void **)c, 1, sizeof **c));
    const lac_status s = begin(*c, path, names);
    if (s != LAC_OK) {
        lac_csv_close(*c);
        *c = NULL;
    }
    return s;
}

void lac_csv_close(lac_csv *c)
{
    if (c == NULL)
        return;
    csv_free(&c->parser);
    if (c->file != NULL)
        fclose(c->file);
    for (int i = 0; i < c->n_names; i++)
        free(c->names[i]);
    free(c->text);
    free(c->path);
    free(c);
}

/* ---- the record ---- */

int64_t lac_csv_line(const lac_csv *c) { return c->line; }
const char *lac_csv_text(const lac_csv *c, int column) { return c->text + c->start[column]; }
lac_status lac_csv_at(const lac_csv *c, lac_status s) { return lac_context(s, "'%s', line %" PRId64, c->path, c->line); }

lac_status lac_csv_number(const lac_csv *c, int column, double *value)
{
    const char *text = lac_csv_text(c, column);
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*value))
        return lac_csv_at(c, LAC_FAIL(LAC_ERR_FORMAT, "'%s' is '%.60s', expected a number", c->names[column], text));
    return LAC_OK;
}
