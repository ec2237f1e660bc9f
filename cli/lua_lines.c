#include "cli/lua_lines.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NESTING = 40, MAX_PATH = 512 };

typedef enum { END, WORD, TEXT, SIGN } token_kind;
typedef struct token { token_kind kind; const char *at; size_t length; int line; } token;

/* One open brace: its table's path ends at `path_end`; `item_end` is where that of the item being read ends. */
typedef struct level { size_t path_end, item_end; int index, parens; bool start; } level;

typedef struct scan {
    const char *at, *end, *file;
    int line, depth, parens;
    json_t *lines;
    char path[MAX_PATH];        /* of the item being read */
    level level[MAX_NESTING];
} scan;

static char peek(const scan *s, size_t ahead) { return ahead < (size_t)(s->end - s->at) ? s->at[ahead] : '\0'; }

static void step(scan *s, size_t n)
{
    for (; n > 0 && s->at < s->end; n--)
        s->line += *s->at++ == '\n';
}

/* Level of a long bracket that opens here ("[==["): 0 and more; -1 when none does. */
static int long_bracket(const scan *s)
{
    size_t n = 1;
    while (peek(s, n) == '=')
        n++;
    return peek(s, 0) == '[' && peek(s, n) == '[' ? (int)n - 1 : -1;
}

static void skip_long(scan *s, int equals)
{
    step(s, (size_t)equals + 2);
    for (; s->at < s->end; step(s, 1)) {
        size_t n = 1;
        while (peek(s, 0) == ']' && peek(s, n) == '=')
            n++;
        if (peek(s, 0) == ']' && n == (size_t)equals + 1 && peek(s, n) == ']') {
            step(s, n + 1);
            return;
        }
    }
}

static void skip_blank(scan *s)
{
    for (;;) {
        if (s->at < s->end && isspace((unsigned char)*s->at)) {
            step(s, 1);
        } else if (peek(s, 0) == '-' && peek(s, 1) == '-') {
            step(s, 2);
            const int equals = long_bracket(s);
            if (equals >= 0)
                skip_long(s, equals);
            else
                while (s->at < s->end && *s->at != '\n')
                    step(s, 1);
        } else {
            return;
        }
    }
}

static token quoted(scan *s)
{
    const char quote = *s->at;
    step(s, 1);
    token t = { TEXT, s->at, 0, s->line };
    while (s->at < s->end && *s->at != quote && *s->at != '\n')
        step(s, *s->at == '\\' ? 2 : 1);
    t.length = (size_t)(s->at - t.at);
    step(s, 1);
    return t;
}

static bool in_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

static token next(scan *s)
{
    skip_blank(s);
    if (s->at == s->end)
        return (token){ END, s->at, 0, s->line };
    token t = { SIGN, s->at, 1, s->line };
    const int equals = long_bracket(s);
    if (*s->at == '"' || *s->at == '\'')
        return quoted(s);
    if (equals >= 0) {
        skip_long(s, equals);
        return (token){ TEXT, t.at, 0, t.line };
    }
    if (in_word(*s->at)) {
        t.kind = WORD;
        while (in_word(peek(s, t.length)))
            t.length++;
    } else if ((peek(s, 1) == '=' && strchr("=~<>", *s->at)) || (*s->at == '.' && peek(s, 1) == '.')) {
        t.length = 2;
    }
    step(s, t.length);
    return t;
}

static bool is_sign(const token *t, char c) { return t->kind == SIGN && t->length == 1 && *t->at == c; }

/* What comes after this token, without moving. */
static token ahead(const scan *s)
{
    scan copy = *s;
    return next(&copy);
}

/* Makes path[0 .. end) longer by ".name"; returns the new end, or `end` when there is no room. */
static size_t append(scan *s, size_t end, const char *name, size_t length)
{
    if (end + length + 2 > MAX_PATH)
        return end;
    if (end > 0)
        s->path[end++] = '.';
    memcpy(s->path + end, name, length);
    s->path[end + length] = '\0';
    return end + length;
}

static void record(scan *s, size_t end, int line)
{
    char where[MAX_PATH];
    snprintf(where, sizeof where, "%s:%d", s->file, line);
    s->path[end] = '\0';
    if (end > 0 && json_object_get(s->lines, s->path) == NULL)
        json_object_set_new(s->lines, s->path, json_string(where));     /* text that is not UTF-8 stays out */
}

/* An item's name: `name =`, `["name"] =` or its place in the list. `t` is the item's first token. */
static void begin_item(scan *s, level *l, token t)
{
    l->start = false;
    token name = t;
    if (is_sign(&t, '[')) {
        scan kept = *s;
        name = next(s);
        const token bracket = next(s);
        if (!is_sign(&bracket, ']') || name.kind == SIGN)
            *s = kept, name.kind = SIGN;
    }
    const token after = ahead(s);
    if ((name.kind == WORD || name.kind == TEXT) && is_sign(&after, '=')) {
        l->item_end = append(s, l->path_end, name.at, name.length);
        record(s, l->item_end, name.line);
    } else {
        char place[16];
        snprintf(place, sizeof place, "%d", ++l->index);
        l->item_end = append(s, l->path_end, place, strlen(place));
    }
}

static void open_brace(scan *s)
{
    const size_t end = s->depth > 0 ? s->level[s->depth - 1].item_end : 0;
    s->level[s->depth++] = (level){ .path_end = end, .item_end = end, .parens = s->parens, .start = true };
}

/* Outside every table: `config.optim.lr = ...` sets optim.lr. */
static void statement(scan *s, token t)
{
    size_t end = 0;
    token sign = ahead(s);
    if (t.kind != WORD || !is_sign(&sign, '.'))
        return;
    while (is_sign(&sign, '.')) {
        next(s);
        const token name = next(s);
        if (name.kind != WORD)
            return;
        end = append(s, end, name.at, name.length);
        sign = ahead(s);
    }
    if (is_sign(&sign, '='))
        record(s, end, t.line);
}

static void take(scan *s, token t)
{
    level *l = s->depth > 0 ? &s->level[s->depth - 1] : NULL;
    if (l != NULL && is_sign(&t, '}')) {
        s->parens = l->parens;
        s->depth--;
        return;
    }
    if (l != NULL && s->parens == l->parens && (is_sign(&t, ',') || is_sign(&t, ';')))
        l->start = true;
    else if (l != NULL && l->start)
        begin_item(s, l, t);
    else if (l == NULL)
        statement(s, t);
    s->parens += is_sign(&t, '(') - is_sign(&t, ')');
    if (is_sign(&t, '{'))
        open_brace(s);
}

lac_status lac_lua_lines(json_t *lines, const char *file, const char *text, size_t size)
{
    scan s = { .at = text, .end = text + size, .file = file, .line = 1, .lines = lines };
    if (lines == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory for the lines of '%s'", file);
    for (token t = next(&s); t.kind != END && s.depth < MAX_NESTING; t = next(&s))
        take(&s, t);
    return LAC_OK;
}
