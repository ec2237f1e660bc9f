#include "core/text/entities.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 32, LIMIT = 0x110000, REPLACEMENT = 0xFFFD };

static bool digit_of(uint32_t code, uint32_t base, uint32_t *digit)
{
    *digit = code >= '0' && code <= '9' ? code - '0' : base == 16 && code >= 'a' && code <= 'f' ? code - 'a' + 10
           : base == 16 && code >= 'A' && code <= 'F' ? code - 'A' + 10 : 99;
    return *digit < base;
}

/* What a number stands for: 0x80 to 0x9F are Windows' letters there. */
static uint32_t windows(uint32_t number)
{
    static const uint16_t letters[32] = { 0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0x8D, 0x17D, 0x8F,
                                          0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0x9D, 0x17E, 0x178 };
    return letters[number - 0x80];
}

static bool no_character(uint32_t n)
{
    return (n >= 0x1 && n <= 0x8) || n == 0xB || (n >= 0xE && n <= 0x1F) || n == 0x7F || (n >= 0xFDD0 && n <= 0xFDEF) || (n & 0xFFFE) == 0xFFFE;
}

static lac_status add_number(lac_codes *to, uint32_t n)
{
    if (n >= 0x80 && n <= 0x9F)
        return lac_codes_add(to, windows(n));
    if (n == 0 || n >= LIMIT || (n >= 0xD800 && n <= 0xDFFF))
        return lac_codes_add(to, REPLACEMENT);
    return no_character(n) ? LAC_OK : lac_codes_add(to, n);
}

/* &#123; or &#x7B; the semicolon may be missing. *length: codes read, 0 where this is none. */
static lac_status put_number(lac_codes *to, const uint32_t *code, int64_t n, int64_t *length)
{
    const bool hex = n > 2 && (code[2] == 'x' || code[2] == 'X');
    const uint32_t base = hex ? 16 : 10;
    const int64_t first = hex ? 3 : 2;
    uint32_t number = 0, digit;
    int64_t i = first;
    for (; i < n && digit_of(code[i], base, &digit); i++)
        number = LAC_MIN(number * base + digit, LIMIT);
    *length = i == first ? 0 : i + (i < n && code[i] == ';');
    return *length > 0 ? add_number(to, number) : LAC_OK;
}

static bool ends_name(uint32_t c) { return c == '\t' || c == '\n' || c == '\f' || c == ' ' || c == '<' || c == '&' || c == '#' || c == ';'; }

static lac_status add_entity(lac_codes *to, const lac_entity *e)
{
    LAC_TRY(lac_codes_add(to, e->code));
    return e->second != 0 ? lac_codes_add(to, e->second) : LAC_OK;
}

/* The longest name that the letters begin with. */
static lac_status put_name(lac_codes *to, const uint32_t *code, int64_t n, int64_t *length)
{
    char name[LONGEST + 2];
    int64_t size = 0;
    while (size < LONGEST && size + 1 < n && !ends_name(code[size + 1]))
        size++;
    *length = size;
    if (size == 0)
        return LAC_OK;
    size += size + 1 < n && code[size + 1] == ';';
    *length = size + 1;
    for (int64_t i = 0; i < size; i++)
        name[i] = code[i + 1] < 128 && code[i + 1] > 0 ? (char)code[i + 1] : '\x7f';
    const lac_entity *found = NULL;
    int64_t used = size;
    for (; found == NULL && used > 1; used--) {
        name[used] = '\0';
        found = lac_entity_find(name);
        if (found != NULL)
            break;
    }
    LAC_TRY(found != NULL ? add_entity(to, found) : lac_codes_add(to, '&'));
    for (int64_t i = found != NULL ? used : 0; i < size; i++)
        LAC_TRY(lac_codes_add(to, code[i + 1]));
    return LAC_OK;
}

lac_status lac_codes_unescape(lac_codes *c)
{
    lac_codes to = { 0 };
    lac_status s = LAC_OK;
    for (int64_t i = 0, length; s == LAC_OK && i < c->n; i += LAC_MAX(length, 1)) {
        const int64_t n = c->n - i;
        length = 0;
        if (c->at[i] == '&' && n > 1)
            s = c->at[i + 1] == '#' ? put_number(&to, c->at + i, n, &length) : put_name(&to, c->at + i, n, &length);
        if (s == LAC_OK && length == 0)
            s = lac_codes_add(&to, c->at[i]);
    }
    lac_codes_free(s == LAC_OK ? c : &to);
    if (s == LAC_OK)
        *c = to;
    return s;
}
