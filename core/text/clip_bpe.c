/* CLIP's tokenizer (openai/CLIP, as transformers' fast one has it; without ftfy and without undoing HTML): special tokens are cut out of the
 * text as it is, the rest is NFC, white space as single blanks, lower case; pieces of letters, single numbers and runs of other
 * signs; each piece's bytes are merged in pairs. */
#include "core/text/tokenizer_def.h"

#include "core/memory.h"
#include "core/text/category.h"
#include "core/text/clip_words.h"

#include <stdlib.h>
#include <string.h>

static const char START[] = "<|startoftext|>", END[] = "<|endoftext|>";

enum { N_SPECIAL = 3 };

typedef struct special_token { const char *text; size_t length; int32_t id; } special_token;

typedef struct clip_bpe {
    lac_clip_words words;
    char *pad;
    special_token special[N_SPECIAL];       /* start, end, padding; the latter may be one of the others again */
} clip_bpe;

static lac_status find_special(clip_bpe *m, lac_tokenizer_ids *ids, const char *pad)
{
    LAC_TRY(lac_strdup(&m->pad, pad != NULL ? pad : END));
    LAC_TRY(lac_vocabulary_want(&m->words.vocabulary, START, &ids->start));
    LAC_TRY(lac_vocabulary_want(&m->words.vocabulary, END, &ids->end));
    ids->pad = lac_vocabulary_find(&m->words.vocabulary, m->pad, strlen(m->pad));
    if (ids->pad < 0 || m->pad[0] == '\0')
        return LAC_FAIL(LAC_ERR_CONFIG, "pad_token '%.64s' is not in the vocabulary", m->pad);
    ids->unknown = ids->end;
    ids->size = m->words.vocabulary.size;
    m->special[0] = (special_token){ START, strlen(START), (int32_t)ids->start };
    m->special[1] = (special_token){ END, strlen(END), (int32_t)ids->end };
    m->special[2] = (special_token){ m->pad, strlen(m->pad), (int32_t)ids->pad };
    return LAC_OK;
}

static lac_status open_clip_bpe(void **model, lac_tokenizer_ids *ids, const lac_text_files *files, const lac_tokenizer_options *o)
{
    clip_bpe *m;
    LAC_TRY(lac_calloc(model, 1, sizeof *m));
    m = *model;
    LAC_TRY(lac_vocabulary_read_json(&m->words.vocabulary, files, "vocab.json"));
    LAC_TRY(lac_context(find_special(m, ids, o->pad_token), "'%s'", files->where));
    lac_clip_words_symbols(&m->words, (int32_t)ids->end);
    return lac_merges_read(&m->words.merges, files, "merges.txt", &m->words.vocabulary);
}

static void close_clip_bpe(void *model)
{
    clip_bpe *m = model;
    if (m == NULL)
        return;
    lac_clip_words_free(&m->words);
    free(m->pad);
    free(m);
}

/* ---- pieces of the prepared text */

/* Special tokens in other capitals were lower-cased into these. */
static int64_t lowered_special(const uint32_t *code, int64_t n)
{
    const int64_t start = lac_clip_begins(code, n, START, false);
    return start > 0 ? start : lac_clip_begins(code, n, END, false);
}

/* How long the piece is that the n codes begin with; the first is no blank. A lowered special token is ordinary text in three parts: the first
 * and the last have *edge codes, which is 0 for any other piece. */
static int64_t piece_length(const uint32_t *code, int64_t n, int64_t *edge)
{
    int64_t length = lowered_special(code, n);
    *edge = length > 0 ? 2 : 0;
    return length > 0 ? length : lac_clip_piece(code, n, false);
}

/* ---- ids */

static lac_status put_pieces(const clip_bpe *m, lac_clip_work *w)
{
    const uint32_t *code = w->codes.at;
    for (int64_t i = 0, n = w->codes.n, length, edge; i < n; i += length) {
        length = 1;
        if (code[i] == ' ')
            continue;
        length = piece_length(code + i, n - i, &edge);
        LAC_TRY(lac_clip_put_piece(&m->words, w, code + i, edge));
        LAC_TRY(lac_clip_put_piece(&m->words, w, code + i + edge, length - 2 * edge));
        LAC_TRY(lac_clip_put_piece(&m->words, w, code + i + length - edge, edge));
    }
    return LAC_OK;
}

/* Blanks in a row make no difference to what follows, so they stay. */
static lac_status put_text(const clip_bpe *m, lac_clip_work *w, const char *text, size_t size)
{
    LAC_TRY(lac_codes_read(&w->codes, text, size));
    LAC_TRY(lac_codes_compose(&w->codes));
    for (int64_t i = 0; i < w->codes.n; i++)
        w->codes.at[i] = lac_code_is_space(w->codes.at[i]) ? ' ' : w->codes.at[i];
    LAC_TRY(lac_codes_lower(&w->codes));
    return put_pieces(m, w);
}

/* The special token that comes first, the longest where several begin; NULL: none comes. next[k]: where k comes next, looked for again only
 * once it was passed, so that a text is searched once for each. */
static const special_token *first_special(const clip_bpe *m, const char *at, const char *end, const char *next[N_SPECIAL], const char **where)
{
    const special_token *found = NULL;
    *where = end;
    for (int k = 0; k < N_SPECIAL; k++) {
        const special_token *s = &m->special[k];
        if (next[k] < at)
            next[k] = memmem(at, (size_t)(end - at), s->text, s->length);
        if (next[k] == NULL)
            next[k] = end;
        if (next[k] < *where || (next[k] < end && next[k] == *where && s->length > found->length)) {
            found = s;
            *where = next[k];
        }
    }
    return found;
}

static lac_status put_all(const clip_bpe *m, lac_clip_work *w, const char *text, size_t size)
{
    const char *at = text, *const end = text + size, *next[N_SPECIAL] = { NULL }, *where;
    while (at < end) {
        const special_token *s = first_special(m, at, end, next, &where);
        LAC_TRY(put_text(m, w, at, (size_t)(where - at)));
        at = where;
        if (s != NULL) {
            lac_id_put(w->sink, s->id);
            at += s->length;
        }
    }
    return LAC_OK;
}

static lac_status encode_clip_bpe(const void *model, const char *text, size_t size, lac_id_sink *sink)
{
    lac_clip_work w = { .sink = sink };
    lac_status s = lac_codes_read(&w.codes, text, size);        /* all of it, so that the place of a bad byte is the text's */
    if (s == LAC_OK)
        s = put_all(model, &w, text, size);
    lac_clip_work_free(&w);
    return s;
}

const lac_tokenizer_def lac_tokenizer_def_clip_bpe = { "clip-bpe", { "vocab.json", "merges.txt" }, open_clip_bpe, close_clip_bpe, encode_clip_bpe };
