#include "core/text/clip_words.h"

#include "core/text/casing.h"
#include "core/text/category.h"

#include <string.h>

static const char LAST[] = "</w>";

enum { LONG_S = 0x17F };

void lac_clip_words_free(lac_clip_words *w)
{
    lac_vocabulary_free(&w->vocabulary);
    lac_merges_free(&w->merges);
}

void lac_clip_work_free(lac_clip_work *w)
{
    lac_codes_free(&w->codes);
    lac_merge_free(&w->merge);
}

uint32_t lac_clip_printable(int byte)
{
    uint32_t moved = 0x100;
    for (int b = 0; b <= byte; b++) {
        const bool stays = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte)
            return stays ? (uint32_t)b : moved;
        moved += !stays;
    }
    return moved;
}

void lac_clip_words_symbols(lac_clip_words *m, int32_t unknown)
{
    char text[4 + sizeof LAST];
    for (int b = 0; b < 256; b++) {
        const int n = lac_code_write(lac_clip_printable(b), text);
        const int32_t id = lac_vocabulary_find(&m->vocabulary, text, (size_t)n);
        memcpy(text + n, LAST, sizeof LAST);
        const int32_t last = lac_vocabulary_find(&m->vocabulary, text, (size_t)n + sizeof LAST - 1);
        m->symbol[b] = id >= 0 ? id : unknown;
        m->last[b] = last >= 0 ? last : unknown;
    }
}

typedef enum { SPACE, LETTER, NUMBER, SIGN } sort;

static sort sort_of(uint32_t code, bool loose)
{
    if (code < 128)
        return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ? LETTER : code >= '0' && code <= '9' ? NUMBER
             : lac_code_is_space(code) ? SPACE : SIGN;
    if (loose && (lac_code_newer_letter(code) || lac_code_newer_number(code)))
        return lac_code_newer_letter(code) ? LETTER : NUMBER;
    return lac_code_is(LAC_CODE_LETTER, code) ? LETTER : lac_code_is(LAC_CODE_NUMBER, code) ? NUMBER : lac_code_is_space(code) ? SPACE : SIGN;
}

int64_t lac_clip_begins(const uint32_t *code, int64_t n, const char *word, bool loose)
{
    const int64_t length = (int64_t)strlen(word);
    for (int64_t i = 0; i < length; i++)
        if (i >= n || (code[i] != (unsigned char)word[i] && !(loose && code[i] == LONG_S && word[i] == 's')))
            return 0;
    return length;
}

static int64_t contraction(const uint32_t *code, int64_t n, bool loose)
{
    static const char *const words[] = { "'s", "'t", "'re", "'ve", "'m", "'ll", "'d" };
    int64_t length = 0;
    for (size_t i = 0; i < LAC_COUNT(words) && length == 0; i++)
        length = lac_clip_begins(code, n, words[i], loose);
    return length;
}

int64_t lac_clip_piece(const uint32_t *code, int64_t n, bool loose)
{
    int64_t length = contraction(code, n, loose);
    if (length > 0)
        return length;
    const sort first = sort_of(code[0], loose);
    for (length = 1; first != NUMBER && length < n && sort_of(code[length], loose) == first && !(loose && code[length] == LAC_CLIP_NOTHING); length++)
        ;
    return length;
}

lac_status lac_clip_put_piece(const lac_clip_words *m, lac_clip_work *w, const uint32_t *code, int64_t n)
{
    char bytes[4];
    lac_merge_clear(&w->merge);
    for (int64_t i = 0; i < n; i++) {
        const int length = lac_code_write(code[i], bytes);
        for (int k = 0; k < length; k++) {
            const unsigned char byte = (unsigned char)bytes[k];
            LAC_TRY(lac_merge_add(&w->merge, i + 1 == n && k + 1 == length ? m->last[byte] : m->symbol[byte]));
        }
    }
    LAC_TRY(lac_merge_word(&m->merges, &w->merge));
    for (int32_t at = n > 0 ? 0 : -1; at >= 0; at = w->merge.symbol[at].next)
        lac_id_put(w->sink, w->merge.symbol[at].id);
    return LAC_OK;
}
