#include "cli/lua_text.h"

#include "core/memory.h"
#include "core/print.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 40 };       /* above the 32 that a config may have */

static lac_status no_memory(void) { return LAC_FAIL(LAC_ERR_MEM, "out of memory for a config"); }

/* ---- reading ---- */

typedef struct reader { const char *at; int depth; } reader;

static lac_status read_value(reader *r, json_t **value);

static void skip_space(reader *r) { r->at += strspn(r->at, " \t\r\n"); }

static bool accept(reader *r, char c)
{
    skip_space(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

/* A number, true or false if the whole word is one. */
static json_t *read_plain(const char *word)
{
    char *end;
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        return json_boolean(word[0] == 't');
    errno = 0;
    const long long whole = strtoll(word, &end, 10);
    if (end != word && *end == '\0' && errno == 0)
        return json_integer(whole);
    const double number = strtod(word, &end);
    if (end != word && *end == '\0' && isfinite(number))
        return json_real(number);
    return NULL;
}

static lac_status read_word(const char *from, size_t length, json_t **value)
{
    char *word;
    LAC_TRY(lac_format(&word, "%.*s", (int)length, from));
    *value = read_plain(word);
    if (*value == NULL)
        *value = json_string(word);
    free(word);
    return *value ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "a value that is not UTF-8 text");
}

/* Escapes stand for the character after the backslash, \n and \t for line end and tab. */
static lac_status read_quoted(reader *r, json_t **value)
{
    const char quote = *r->at++;
    char *text;
    size_t n = 0;
    LAC_TRY(lac_malloc((void **)&text, strlen(r->at) + 1));
    for (; *r->at && *r->at != quote; r->at++) {
        if (*r->at == '\\' && r->at[1] != '\0')
            text[n++] = *++r->at == 'n' ? '\n' : *r->at == 't' ? '\t' : *r->at;
        else
            text[n++] = *r->at;
    }
    *value = *r->at == quote ? json_stringn(text, n) : NULL;
    free(text);
    if (*value == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "a string without its closing %c, or not UTF-8", quote);
    r->at++;
    return LAC_OK;
}

/* "name =" or ["name"] = before a value; *key stays NULL without moving when there is none. */
static lac_status read_key(reader *r, json_t **key)
{
    const reader kept = *r;
    skip_space(r);
    size_t n = 0;
    while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_')
        n++;
    if (accept(r, '[')) {
        skip_space(r);
        if (*r->at != '"' && *r->at != '\'')
            return LAC_FAIL(LAC_ERR_CONFIG, "a key in [] wants quotes");
        LAC_TRY(read_quoted(r, key));
        if (accept(r, ']') && accept(r, '='))
            return LAC_OK;
        json_decref(*key);
        *key = NULL;
        return LAC_FAIL(LAC_ERR_CONFIG, "a key in [] without ] and =");
    }
    const char *name = r->at;
    r->at += n;
    if (n > 0 && accept(r, '=')) {
        *key = json_stringn(name, n);
        return *key ? LAC_OK : no_memory();
    }
    *r = kept;
    return LAC_OK;
}

static lac_status read_item(reader *r, json_t *list, json_t *table)
{
    json_t *key = NULL, *value = NULL;
    LAC_TRY(read_key(r, &key));
    lac_status s = read_value(r, &value);
    if (s == LAC_OK && (key ? json_object_set_new(table, json_string_value(key), value) : json_array_append_new(list, value)) != 0)
        s = no_memory();
    json_decref(key);
    return s;
}

static lac_status read_items(reader *r, json_t *list, json_t *table)
{
    while (!accept(r, '}')) {
        LAC_TRY(read_item(r, list, table));
        skip_space(r);
        if (!accept(r, ',') && *r->at != '}')
            return LAC_FAIL(LAC_ERR_CONFIG, "a table without its closing }");
    }
    if (json_array_size(list) > 0 && json_object_size(table) > 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "a table that mixes a list with named keys");
    return LAC_OK;
}

static lac_status read_table(reader *r, json_t **value)
{
    if (r->depth == MAX_DEPTH)
        return LAC_FAIL(LAC_ERR_CONFIG, "tables nest deeper than %d", MAX_DEPTH);
    json_t *list = json_array(), *table = json_object();
    r->depth++;
    r->at++;
    const lac_status s = list && table ? read_items(r, list, table) : no_memory();
    r->depth--;
    if (s == LAC_OK)
        *value = json_incref(json_array_size(list) > 0 ? list : table);
    json_decref(list);
    json_decref(table);
    return s;
}

/* Within braces a bare word ends at a comma, a brace or a space. */
static lac_status read_value(reader *r, json_t **value)
{
    skip_space(r);
    if (*r->at == '{')
        return read_table(r, value);
    if (*r->at == '"' || *r->at == '\'')
        return read_quoted(r, value);
    const size_t length = strcspn(r->at, ",{}= \t\r\n");
    if (length == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "a value is missing%s", *r->at ? "" : " before the end");
    LAC_TRY(read_word(r->at, length, value));
    r->at += length;
    return LAC_OK;
}

lac_status lac_lua_value(const char *text, json_t **value)
{
    reader r = { text, 0 };
    json_t *found = NULL;
    skip_space(&r);
    if (*r.at != '{' && *r.at != '"' && *r.at != '\'')
        return read_word(text, strlen(text), value);
    LAC_TRY(read_value(&r, &found));
    skip_space(&r);
    if (*r.at != '\0') {
        json_decref(found);
        return LAC_FAIL(LAC_ERR_CONFIG, "surplus text '%.40s' after a value", r.at);
    }
    *value = found;
    return LAC_OK;
}

/* ---- writing ---- */

static void print_string(FILE *to, const char *text, size_t length)
{
    fputc('"', to);
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", to);
        else if (c < 32 || c == 127)
            fprintf(to, "\\%03d", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

/* The fewest digits that give the same double; a point, so that Lua reads a float. */
static void print_real(FILE *to, double value)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fprintf(to, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static void print_scalar(FILE *to, const json_t *v)
{
    if (json_is_string(v))
        print_string(to, json_string_value(v), json_string_length(v));
    else if (json_is_real(v))
        print_real(to, json_real_value(v));
    else if (json_is_integer(v) && json_integer_value(v) == INT64_MIN)
        fputs("math.mininteger", to);           /* its digits alone are read as a float */
    else if (json_is_integer(v))
        fprintf(to, "%lld", (long long)json_integer_value(v));
    else
        fputs(json_is_true(v) ? "true" : "false", to);
}

static bool is_name(const char *key)
{
    static const char *const reserved[] = {
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil", "not", "or",
        "repeat", "return", "then", "true", "until", "while",
    };
    for (size_t i = 0; i < LAC_COUNT(reserved); i++)
        if (strcmp(key, reserved[i]) == 0)
            return false;
    const size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n > 0 && key[n] == '\0' && !isdigit((unsigned char)key[0]);
}

static void print_key(FILE *to, const char *key)
{
    if (is_name(key)) {
        fprintf(to, "%s = ", key);
        return;
    }
    fputc('[', to);
    print_string(to, key, strlen(key));
    fputs("] = ", to);
}

static int by_word(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static lac_status print_value(FILE *to, const json_t *v, int depth);

static lac_status print_pairs(FILE *to, const json_t *table, int depth)
{
    const char **key = NULL, *k;
    size_t n = 0;
    json_t *value;
    lac_status s = lac_calloc((void **)&key, json_object_size(table), sizeof *key);
    LAC_TRY(s);
    json_object_foreach((json_t *)table, k, value)
        if (!json_is_null(value))
            key[n++] = k;
    qsort(key, n, sizeof *key, by_word);
    for (size_t i = 0; s == LAC_OK && i < n; i++) {
        fprintf(to, "\n%*s", 2 * depth, "");
        print_key(to, key[i]);
        s = print_value(to, json_object_get(table, key[i]), depth);
        fputc(',', to);
    }
    if (n > 0)
        fprintf(to, "\n%*s", 2 * depth - 2, "");
    free(key);
    return s;
}

static lac_status print_list(FILE *to, const json_t *list, int depth)
{
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)list, i, value) {
        if (json_is_null(value))
            return LAC_FAIL(LAC_ERR_CONFIG, "a list with nothing at place %zu cannot be written as Lua", i + 1);
        fputs(i ? ", " : " ", to);
        LAC_TRY(print_value(to, value, depth));
    }
    fputs(i ? " " : "", to);
    return LAC_OK;
}

static lac_status print_value(FILE *to, const json_t *v, int depth)
{
    if (!json_is_object(v) && !json_is_array(v)) {
        print_scalar(to, v);
        return LAC_OK;
    }
    if (depth == MAX_DEPTH)
        return LAC_FAIL(LAC_ERR_CONFIG, "tables nest deeper than %d", MAX_DEPTH);
    fputc('{', to);
    LAC_TRY(json_is_object(v) ? print_pairs(to, v, depth + 1) : print_list(to, v, depth + 1));
    fputc('}', to);
    return LAC_OK;
}

static void print_header(FILE *to, const char *header)
{
    for (size_t n; *header; header += n + (header[n] == '\n')) {
        n = strcspn(header, "\n");
        fprintf(to, "-- %.*s\n", (int)n, header);
    }
}

static lac_status print_all(const json_t *value, const char *header, char **text)
{
    lac_print p;
    LAC_TRY(lac_print_open(&p, "a table as Lua"));
    if (header != NULL) {
        print_header(p.to, header);
        fputs("return ", p.to);
    }
    const lac_status s = print_value(p.to, value, 0);
    if (header != NULL)
        fputc('\n', p.to);
    return lac_print_close(&p, s, text);
}

lac_status lac_lua_literal(const json_t *value, char **text) { return print_all(value, NULL, text); }

lac_status lac_lua_print(const json_t *table, const char *header, char **text) { return print_all(table, header, text); }
