/* BERT's tokenizer (google-research/bert, as transformers' fast one has it): a word is the longest tokens that it begins with, one after
 * another, those after the first with "##" before them; a word that tokens do not make up is [UNK]. */
#include "core/text/tokenizer_def.h"

#include "core/memory.h"
#include "core/text/category.h"
#include "core/text/codes.h"
#include "core/text/vocabulary.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_LIMIT = 100 };      /* code points; a longer word is [UNK] */

typedef struct wordpiece {
    lac_vocabulary vocabulary;
    int64_t unknown;
    bool keep_case;
} wordpiece;

static lac_status find_special(wordpiece *m, lac_tokenizer_ids *special)
{
    LAC_TRY(lac_vocabulary_want(&m->vocabulary, "[CLS]", &special->start));
    LAC_TRY(lac_vocabulary_want(&m->vocabulary, "[SEP]", &special->end));
    LAC_TRY(lac_vocabulary_want(&m->vocabulary, "[PAD]", &special->pad));
    LAC_TRY(lac_vocabulary_want(&m->vocabulary, "[UNK]", &special->unknown));
    special->size = m->vocabulary.size;
    m->unknown = special->unknown;
    return LAC_OK;
}

static lac_status open_wordpiece(void **model, lac_tokenizer_ids *special, const lac_text_files *files, const lac_tokenizer_options *o)
{
    wordpiece *m;
    LAC_TRY(lac_calloc(model, 1, sizeof *m));
    m = *model;
    m->keep_case = o->keep_case;
    LAC_TRY(lac_vocabulary_read_lines(&m->vocabulary, files, "vocab.txt"));
    return lac_context(find_special(m, special), "'%s'", files->where);
}

static void close_wordpiece(void *model)
{
    wordpiece *m = model;
    if (m != NULL)
        lac_vocabulary_free(&m->vocabulary);
    free(m);
}

/* What is dropped is gone, every white space is a space, and CJK stands alone between spaces. */
static lac_status clean(lac_codes *c)
{
    lac_codes to = { 0 };
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < c->n; i++) {
        const uint32_t code = c->at[i];
        const bool cjk = lac_code_is(LAC_CODE_CJK, code);
        if (lac_code_is(LAC_CODE_DROPPED, code))
            continue;
        s = cjk ? lac_codes_add(&to, ' ') : LAC_OK;
        s = s ? s : lac_codes_add(&to, lac_code_is_space(code) ? ' ' : code);
        s = s || !cjk ? s : lac_codes_add(&to, ' ');
    }
    free(s == LAC_OK ? c->at : to.at);
    if (s == LAC_OK)
        *c = to;
    return s;
}

static lac_status strip_accents(lac_codes *c)
{
    int64_t n = 0;
    LAC_TRY(lac_codes_decompose(c));
    for (int64_t i = 0; i < c->n; i++)
        if (!lac_code_is(LAC_CODE_ACCENT, c->at[i]))
            c->at[n++] = c->at[i];
    c->n = n;
    return LAC_OK;
}

/* The longest token that bytes [at[i], at[k]) of the word are, for k from n down; its end is *k. -1: none. The two bytes before the word's
 * begin are "##", and so are those before a later piece, while it is looked up. */
static int32_t longest(const wordpiece *m, char *word, const int *at, int i, int n, int *k)
{
    char *piece = word + at[i], kept[2];
    const int mark = i > 0 ? 2 : 0;
    int32_t id = -1;
    memcpy(kept, piece - 2, 2);
    memcpy(piece - 2, "##", 2);
    for (*k = n; *k > i && id < 0; --*k)
        if (at[*k] - at[i] + mark <= m->vocabulary.longest)
            id = lac_vocabulary_find(&m->vocabulary, piece - mark, (size_t)(at[*k] - at[i] + mark));
    memcpy(piece - 2, kept, 2);
    ++*k;
    return id;
}

static void put_word(const wordpiece *m, const uint32_t *code, int64_t n, lac_id_sink *sink)
{
    char bytes[2 + 4 * WORD_LIMIT], *word = bytes + 2;
    int at[WORD_LIMIT + 1] = { 0 }, n_ids = 0;
    int32_t ids[WORD_LIMIT];
    if (n > WORD_LIMIT) {
        lac_id_put(sink, m->unknown);
        return;
    }
    for (int i = 0; i < n; i++)
        at[i + 1] = at[i] + lac_code_write(code[i], word + at[i]);
    for (int i = 0, next; i < n; i = next) {
        ids[n_ids] = longest(m, word, at, i, (int)n, &next);
        if (ids[n_ids++] < 0) {
            lac_id_put(sink, m->unknown);
            return;
        }
    }
    for (int i = 0; i < n_ids; i++)
        lac_id_put(sink, ids[i]);
}

static bool ends_word(uint32_t code) { return code == ' ' || lac_code_is(LAC_CODE_PUNCTUATION, code); }

static void put_words(const wordpiece *m, const lac_codes *c, lac_id_sink *sink)
{
    for (int64_t i = 0; i < c->n;) {
        const int64_t begin = i;
        while (i < c->n && !ends_word(c->at[i]))
            i++;
        if (i == begin)                 /* a sign is a word of its own */
            i++;
        if (c->at[begin] != ' ')
            put_word(m, c->at + begin, i - begin, sink);
    }
}

static lac_status encode_wordpiece(const void *model, const char *text, size_t size, lac_id_sink *sink)
{
    const wordpiece *m = model;
    lac_codes codes = { 0 };
    lac_status s = lac_codes_read(&codes, text, size);
    if (s == LAC_OK)
        s = clean(&codes);
    if (s == LAC_OK && !m->keep_case)
        s = strip_accents(&codes);
    if (s == LAC_OK && !m->keep_case)
        s = lac_codes_lower(&codes);
    if (s == LAC_OK)
        put_words(m, &codes, sink);
    lac_codes_free(&codes);
    return s;
}

const lac_tokenizer_def lac_tokenizer_def_wordpiece = { "wordpiece", { "vocab.txt" }, open_wordpiece, close_wordpiece, encode_wordpiece };
