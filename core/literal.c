#include "core/literal.h"

#include "core/memory.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader { const char *text, *at, *end; int depth; char *buffer; } reader;      /* buffer: as long as the text, for one string */

static lac_status parse_value(reader *r, json_t **value);

static void skip_blanks(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
}

static lac_status unlike(const reader *r, const char *expected)
{
    const long long column = r->at - r->text + 1;
    if (r->at == r->end)
        return LAC_FAIL(LAC_ERR_FORMAT, "column %lld: the line ends, expected %s", column, expected);
    return LAC_FAIL(LAC_ERR_FORMAT, "column %lld: found '%.*s', expected %s", column, (int)LAC_MIN(r->end - r->at, 20), r->at, expected);
}

static bool take(reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static lac_status made(json_t *fresh, json_t **value)
{
    *value = fresh;
    return fresh != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: a literal");
}

/* ---- strings ---- */

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80)
        return to[0] = (char)c, 1;
    if (c < 0x800)
        return to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000)
        return to[0] = (char)(0xe0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 63)), to[2] = (char)(0x80 | (c & 63)), 3;
    to[0] = (char)(0xf0 | c >> 18), to[1] = (char)(0x80 | (c >> 12 & 63)), to[2] = (char)(0x80 | (c >> 6 & 63)), to[3] = (char)(0x80 | (c & 63));
    return 4;
}

static int digit_of(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

static lac_status parse_code(reader *r, int digits, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < digits; i++, r->at++) {
        const int d = r->at < r->end ? digit_of(*r->at) : -1;
        if (d < 0)
            return unlike(r, "a hexadecimal digit");
        *code = *code << 4 | (uint32_t)d;
    }
    return *code > 0 && *code < 0x110000 && (*code < 0xd800 || *code > 0xdfff) ? LAC_OK : unlike(r, "the number of a character before it");
}

/* What follows a backslash. Escapes are never shorter than what they stand for. */
static lac_status parse_escape(reader *r, size_t *n)
{
    static const char letter[] = "\\'\"ntr", means[] = "\\'\"\n\t\r";
    const char c = r->at < r->end ? *r->at : '\0', *known = c != '\0' ? strchr(letter, c) : NULL;
    const int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t code;
    if (known == NULL && digits == 0)
        return unlike(r, "one of \\ ' \" n t r x u U behind a backslash");
    r->at++;
    if (known != NULL) {
        r->buffer[(*n)++] = means[known - letter];
        return LAC_OK;
    }
    LAC_TRY(parse_code(r, digits, &code));
    *n += put_utf8(r->buffer + *n, code);
    return LAC_OK;
}

static lac_status parse_string(reader *r, size_t *n)
{
    const char quote = *r->at++;
    for (*n = 0; r->at < r->end && *r->at != quote;)
        if (*r->at == '\\') {
            r->at++;
            LAC_TRY(parse_escape(r, n));
        } else
            r->buffer[(*n)++] = *r->at++;
    if (r->at == r->end)
        return unlike(r, "the closing quote");
    r->at++;
    return LAC_OK;
}

static bool at_quote(const reader *r) { return r->at < r->end && (*r->at == '\'' || *r->at == '"'); }

static lac_status parse_text(reader *r, json_t **value)
{
    size_t n;
    const reader before = *r;
    LAC_TRY(parse_string(r, &n));
    if (memchr(r->buffer, '\0', n) != NULL || (*value = json_stringn(r->buffer, n)) == NULL)
        return unlike(&before, "UTF-8 without zero bytes");
    return LAC_OK;
}

/* ---- numbers and names ---- */

static lac_status parse_number(reader *r, json_t **value)
{
    char word[64], *stop;
    size_t n = 0;
    while (r->at + n < r->end && r->at[n] != '\0' && strchr("+-0123456789.eE", r->at[n]) != NULL)
        n++;
    if (n == 0 || n >= sizeof word || *r->at == '+')
        return unlike(r, "a value");
    memcpy(word, r->at, n);
    word[n] = '\0';
    errno = 0;
    const bool whole = strpbrk(word, ".eE") == NULL;
    const long long i = strtoll(word, &stop, 10);
    const double x = whole ? 0 : strtod(word, &stop);
    if (*stop != '\0' || (whole && errno != 0) || !isfinite(x))
        return unlike(r, "a number");
    r->at += n;
    return made(whole ? json_integer(i) : json_real(x), value);
}

static lac_status parse_word(reader *r, json_t **value)
{
    static const char *const words[] = { "True", "False", "None" };
    for (size_t i = 0; i < LAC_COUNT(words); i++) {
        const size_t n = strlen(words[i]);
        if ((size_t)(r->end - r->at) >= n && memcmp(r->at, words[i], n) == 0) {
            r->at += n;
            return made(i == 2 ? json_null() : json_boolean(i == 0), value);
        }
    }
    return parse_number(r, value);
}

/* ---- lists and dicts ---- */

static lac_status parse_items(reader *r, json_t *list)
{
    json_t *item;
    while (!take(r, ']')) {
        LAC_TRY(parse_value(r, &item));
        if (json_array_append_new(list, item) != 0)
            return LAC_FAIL(LAC_ERR_MEM, "out of memory: a literal");
        if (!take(r, ',') && (r->at == r->end || *r->at != ']'))
            return unlike(r, "',' or ']'");
    }
    return LAC_OK;
}

static lac_status parse_pair(reader *r, json_t *dict)
{
    json_t *key, *item;
    if (!at_quote(r))
        return unlike(r, "a key in quotes");
    const reader before = *r;
    LAC_TRY(parse_text(r, &key));
    lac_status s = json_object_get(dict, json_string_value(key)) != NULL ? unlike(&before, "a key that is not there yet") : LAC_OK;
    if (s == LAC_OK && !take(r, ':'))
        s = unlike(r, "':'");
    if (s == LAC_OK)
        s = parse_value(r, &item);
    if (s == LAC_OK && json_object_set_new(dict, json_string_value(key), item) != 0)
        s = LAC_FAIL(LAC_ERR_MEM, "out of memory: a literal");
    json_decref(key);
    return s;
}

static lac_status parse_pairs(reader *r, json_t *dict)
{
    while (!take(r, '}')) {
        LAC_TRY(parse_pair(r, dict));
        if (!take(r, ',') && (r->at == r->end || *r->at != '}'))
            return unlike(r, "',' or '}'");
    }
    return LAC_OK;
}

static lac_status parse_many(reader *r, json_t *fresh, lac_status (*parse)(reader *, json_t *), json_t **value)
{
    LAC_TRY(made(fresh, value));
    lac_status s = r->depth < LAC_LITERAL_DEPTH ? LAC_OK : unlike(r, "fewer levels");
    r->depth++;
    if (s == LAC_OK)
        s = parse(r, fresh);
    r->depth--;
    if (s != LAC_OK)
        json_decref(fresh);
    return s;
}

static lac_status parse_value(reader *r, json_t **value)
{
    if (take(r, '{'))
        return parse_many(r, json_object(), parse_pairs, value);
    if (take(r, '['))
        return parse_many(r, json_array(), parse_items, value);
    return at_quote(r) ? parse_text(r, value) : parse_word(r, value);
}

lac_status lac_literal_parse(json_t **value, const char *text, size_t size)
{
    reader r = { .text = text, .at = text, .end = text + size };
    LAC_TRY(lac_malloc((void **)&r.buffer, size + 4));
    lac_status s = parse_value(&r, value);
    skip_blanks(&r);
    if (s == LAC_OK && r.at != r.end) {
        json_decref(*value);
        s = unlike(&r, "nothing behind the value");
    }
    free(r.buffer);
    return s;
}
