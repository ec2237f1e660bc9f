/* Normal forms are those of the published tokenizers, which know Unicode 9: what came later is a code point like any other there. So
 * decompositions and compositions come from utf8proc, but order is our own, and nothing goes past a newer mark. */
#include "core/text/codes.h"

#include "core/memory.h"
#include "core/text/category.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void lac_codes_free(lac_codes *c)
{
    free(c->at);
    *c = (lac_codes){ 0 };
}

lac_status lac_codes_add(lac_codes *c, uint32_t code)
{
    LAC_TRY(lac_grow((void **)&c->at, c->n, &c->capacity, sizeof *c->at));
    c->at[c->n++] = code;
    return LAC_OK;
}

lac_status lac_codes_read(lac_codes *c, const char *utf8, size_t size)
{
    c->n = 0;
    for (size_t i = 0; i < size;) {
        utf8proc_int32_t code;
        const utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)utf8 + i, (utf8proc_ssize_t)(size - i), &code);
        if (n < 1)
            return LAC_FAIL(LAC_ERR_FORMAT, "the text is not UTF-8 at byte %zu", i);
        LAC_TRY(lac_codes_add(c, (uint32_t)code));
        i += (size_t)n;
    }
    return LAC_OK;
}

int lac_code_write(uint32_t code, char to[4]) { return (int)utf8proc_encode_char((utf8proc_int32_t)code, (utf8proc_uint8_t *)to); }

/* Scripts newer than Unicode 9 whose letters have decompositions. */
static bool is_of_a_newer_script(uint32_t code)
{
    return (code >= 0x105C0 && code <= 0x105FF) || (code >= 0x11380 && code <= 0x113FF) || (code >= 0x11900 && code <= 0x1195F)
        || (code >= 0x16100 && code <= 0x1613F) || (code >= 0x16D40 && code <= 0x16D7F);
}

/* The canonical combining class; 0: nothing goes past it. */
static int class_of(uint32_t code) { return lac_code_is(LAC_CODE_MOVES, code) ? utf8proc_get_property((utf8proc_int32_t)code)->combining_class : 0; }

static lac_status add_decomposed(lac_codes *to, uint32_t code)
{
    utf8proc_int32_t part[8];
    int no_boundary = 0;
    if (code < 0xC0 || is_of_a_newer_script(code))
        return lac_codes_add(to, code);
    const utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)code, part, LAC_COUNT(part), UTF8PROC_DECOMPOSE, &no_boundary);
    for (utf8proc_ssize_t i = 0; i < n; i++)
        LAC_TRY(lac_codes_add(to, (uint32_t)part[i]));
    return LAC_OK;
}

/* Marks in a row, by class and otherwise as they came: counted, since a row may be as long as the text. */
static void order_row(uint32_t *row, int64_t n, uint32_t *spare)
{
    int64_t begin[257] = { 0 };
    for (int64_t i = 0; i < n; i++)
        begin[class_of(row[i]) + 1]++;
    for (int k = 1; k < 257; k++)
        begin[k] += begin[k - 1];
    for (int64_t i = 0; i < n; i++)
        spare[begin[class_of(row[i])]++] = row[i];
    memcpy(row, spare, (size_t)n * sizeof *row);
}

/* spare: as long as c. */
static void order_marks(lac_codes *c, uint32_t *spare)
{
    for (int64_t i = 0; i < c->n;) {
        const int64_t begin = i;
        while (i < c->n && class_of(c->at[i]) != 0)
            i++;
        if (i - begin > 1)
            order_row(c->at + begin, i - begin, spare);
        i += i == begin;
    }
}

lac_status lac_codes_decompose(lac_codes *c)
{
    lac_codes to = { 0 };
    uint32_t *spare = NULL;
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < c->n; i++)
        s = add_decomposed(&to, c->at[i]);
    if (s == LAC_OK)
        s = lac_malloc((void **)&spare, (size_t)to.n * sizeof *spare);
    if (s == LAC_OK)
        order_marks(&to, spare);
    free(spare);
    free(s == LAC_OK ? c->at : to.at);
    if (s == LAC_OK)
        *c = to;
    return s;
}

static bool is_between(uint32_t code)
{
    return is_of_a_newer_script(code) || (utf8proc_get_property((utf8proc_int32_t)code)->combining_class != 0 && !lac_code_is(LAC_CODE_MOVES, code));
}

lac_status lac_codes_compose(lac_codes *c)
{
    LAC_TRY(lac_codes_decompose(c));
    int64_t n = 0;
    for (int64_t i = 0, begin = 0; c->n > 0 && i <= c->n; i++) {
        if (i < c->n && !is_between(c->at[i]))
            continue;
        const utf8proc_ssize_t left = utf8proc_normalize_utf32((utf8proc_int32_t *)c->at + begin, i - begin, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
        if (left < 0)
            return LAC_FAIL(LAC_ERR_LIBRARY, "utf8proc: %s", utf8proc_errmsg(left));
        if (left > 0)
            memmove(c->at + n, c->at + begin, (size_t)left * sizeof *c->at);
        n += left;
        if (i < c->n)
            c->at[n++] = c->at[i];
        begin = i + 1;
    }
    c->n = n;
    return LAC_OK;
}

/* Letters that got a lower case after Unicode 15, which Debian's utf8proc has; up to Unicode 17, as the published tokenizers. */
static uint32_t newer_lower(uint32_t code)
{
    static const struct { uint32_t from, to, lower; } added[] = {
        { 0x1C89, 0x1C89, 0x1C8A }, { 0xA7CB, 0xA7CB, 0x264 }, { 0xA7CC, 0xA7CC, 0xA7CD }, { 0xA7CE, 0xA7CE, 0xA7CF }, { 0xA7D2, 0xA7D2, 0xA7D3 },
        { 0xA7D4, 0xA7D4, 0xA7D5 }, { 0xA7DA, 0xA7DA, 0xA7DB }, { 0xA7DC, 0xA7DC, 0x19B }, { 0x10D50, 0x10D65, 0x10D70 }, { 0x16EA0, 0x16EB8, 0x16EBB },
    };
    for (size_t i = 0; i < LAC_COUNT(added); i++)
        if (code >= added[i].from && code <= added[i].to)
            return added[i].lower + code - added[i].from;
    return code;
}

uint32_t lac_code_lower(uint32_t code)
{
    if (code < 128)
        return code + 32 * (code >= 'A' && code <= 'Z');
    return code == 0x130 || newer_lower(code) != code ? code : (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
}

static uint32_t lower(uint32_t code)
{
    const uint32_t known = lac_code_lower(code);
    return known != code ? known : newer_lower(code);
}

lac_status lac_codes_lower(lac_codes *c)
{
    lac_codes to = { 0 };
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < c->n; i++) {
        const bool dotted = c->at[i] == 0x130;
        s = lac_codes_add(&to, dotted ? 'i' : lower(c->at[i]));
        if (s == LAC_OK && dotted)
            s = lac_codes_add(&to, 0x307);
    }
    free(s == LAC_OK ? c->at : to.at);
    if (s == LAC_OK)
        *c = to;
    return s;
}
