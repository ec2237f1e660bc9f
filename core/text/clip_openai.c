/* OpenAI's tokenizer of CLIP (openai/CLIP, simple_tokenizer.py, without ftfy; metrics.md 6.2): HTML's characters are undone twice, the text is trimmed and
 * put in lower case as Python does, special tokens are ids wherever they stand, and what is left over is padded with 0.
 *
 * bpe_simple_vocab_16e6.txt.gz holds merges alone, a header before them. Ids are those of the 256 bytes in GPT-2's order, of the same bytes at
 * the end of a piece, of 48894 merges (or as many as the file has, if fewer), start, end. */
#include "core/memory.h"
#include "core/text/casing.h"
#include "core/text/category.h"
#include "core/text/clip_words.h"
#include "core/text/entities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char FILE_NAME[] = "bpe_simple_vocab_16e6.txt.gz", START[] = "<|startoftext|>", END[] = "<|endoftext|>";

enum { MERGES = 49152 - 256 - 2, BYTES = 256, LONGEST_LINE = 4096 };

typedef struct clip_openai { lac_clip_words words; int32_t start, end; } clip_openai;

/* ---- the file */

static lac_status unpack(z_stream *z, char **text, size_t *size)
{
    int64_t capacity = 0;
    int status = Z_OK;
    *size = 0;
    while (status == Z_OK) {
        LAC_TRY(lac_grow((void **)text, (int64_t)*size, &capacity, 1));
        z->next_out = (Bytef *)*text + *size;
        z->avail_out = (uInt)LAC_MIN(capacity - (int64_t)*size, 1 << 20);
        const uInt room = z->avail_out;
        status = inflate(z, Z_NO_FLUSH);
        *size += room - z->avail_out;
        if (*size > LAC_TEXT_FILE_LIMIT)
            return LAC_FAIL(LAC_ERR_FORMAT, "it unpacks to more than %d bytes", LAC_TEXT_FILE_LIMIT);
    }
    return status == Z_STREAM_END ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "it is no gzip file, or damaged: %s", z->msg != NULL ? z->msg : "it ends early");
}

/* *text is the caller's also after a failure. */
static lac_status read_text(const lac_text_files *files, char **text, size_t *size)
{
    char *packed;
    size_t n;
    z_stream z = { 0 };
    LAC_TRY(lac_text_files_copy(files, FILE_NAME, &packed, &n));
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
        free(packed);
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: unpacking");
    }
    z.next_in = (Bytef *)packed;
    z.avail_in = (uInt)n;
    const lac_status s = unpack(&z, text, size);
    inflateEnd(&z);
    free(packed);
    return s;
}

/* ---- merges.txt and vocab.txt, as the readers of those want them */

typedef struct lines { char *at; int64_t n, capacity; } lines;

static lac_status add(lines *l, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        LAC_TRY(lac_grow((void **)&l->at, l->n, &l->capacity, 1));
        l->at[l->n++] = bytes[i];
    }
    return LAC_OK;
}

/* Bytes that are printed as themselves first, then the others. */
static lac_status add_symbols(lines *vocabulary, const char *ending)
{
    char text[8];
    for (int moved = 0; moved < 2; moved++)
        for (int b = 0; b < BYTES; b++) {
            const uint32_t code = lac_clip_printable(b);
            if ((code >= BYTES) != (moved == 1))
                continue;
            LAC_TRY(add(vocabulary, text, (size_t)lac_code_write(code, text)));
            LAC_TRY(add(vocabulary, ending, strlen(ending)));
        }
    return LAC_OK;
}

/* A line "a b": the merge as it stands, and the token "ab". */
static lac_status add_merge(lines *vocabulary, lines *merges, const char *line, size_t n, int64_t number)
{
    const char *blank = memchr(line, ' ', n);
    if (blank == NULL || n > LONGEST_LINE)
        return LAC_FAIL(LAC_ERR_FORMAT, "line %lld is not two tokens with one blank between", (long long)number);
    LAC_TRY(add(merges, line, n));
    LAC_TRY(add(merges, "\n", 1));
    LAC_TRY(add(vocabulary, line, (size_t)(blank - line)));
    LAC_TRY(add(vocabulary, blank + 1, n - (size_t)(blank + 1 - line)));
    return add(vocabulary, "\n", 1);
}

static lac_status split(lines *vocabulary, lines *merges, char *text, size_t size)
{
    size_t n;
    char *rest = text;
    LAC_TRY(add_symbols(vocabulary, "\n"));
    LAC_TRY(add_symbols(vocabulary, "</w>\n"));
    LAC_TRY(add(merges, "#\n", 2));
    if (lac_text_line(&rest, text + size, &n) == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "it is empty: no header");
    for (int64_t i = 0; i < MERGES; i++) {
        const char *line = lac_text_line(&rest, text + size, &n);
        if (line == NULL)
            break;
        LAC_TRY(add_merge(vocabulary, merges, line, n, i + 2));
    }
    LAC_TRY(add(vocabulary, START, strlen(START)));
    LAC_TRY(add(vocabulary, "\n", 1));
    LAC_TRY(add(vocabulary, END, strlen(END)));
    return add(vocabulary, "\n", 1);
}

static lac_status read_words(clip_openai *m, lac_text_files *made, char *text, size_t size)
{
    lines vocabulary = { 0 }, merges = { 0 };
    lac_status s = split(&vocabulary, &merges, text, size);
    s = s == LAC_OK ? lac_text_files_add(made, "vocabulary", vocabulary.at, (size_t)vocabulary.n) : s;
    s = s == LAC_OK ? lac_text_files_add(made, "merges", merges.at, (size_t)merges.n) : s;
    free(vocabulary.at);
    free(merges.at);
    LAC_TRY(s);
    LAC_TRY(lac_vocabulary_read_lines(&m->words.vocabulary, made, "vocabulary"));
    return lac_merges_read(&m->words.merges, made, "merges", &m->words.vocabulary);
}

static lac_status read_file(clip_openai *m, const lac_text_files *files)
{
    lac_text_files made;
    char *text = NULL;
    size_t size = 0;
    lac_status s = lac_text_files_new(&made, FILE_NAME);
    s = s == LAC_OK ? read_text(files, &text, &size) : s;
    if (s == LAC_OK)
        s = lac_realloc((void **)&text, size + 1);
    if (s == LAC_OK) {
        text[size] = '\0';
        s = read_words(m, &made, text, size);
    }
    free(text);
    lac_text_files_free(&made);
    return lac_context(s, "'%s'", files->where);
}

static lac_status open_clip_openai(void **model, lac_tokenizer_ids *ids, const lac_text_files *files, const lac_tokenizer_options *o)
{
    (void)o;
    LAC_TRY(lac_calloc(model, 1, sizeof(clip_openai)));
    clip_openai *m = *model;
    LAC_TRY(read_file(m, files));
    LAC_TRY(lac_vocabulary_want(&m->words.vocabulary, START, &ids->start));
    LAC_TRY(lac_vocabulary_want(&m->words.vocabulary, END, &ids->end));
    m->start = (int32_t)ids->start;
    m->end = (int32_t)ids->end;
    ids->unknown = ids->end;
    ids->pad = 0;
    ids->size = m->words.vocabulary.size;
    lac_clip_words_symbols(&m->words, m->end);
    return LAC_OK;
}

static void close_clip_openai(void *model)
{
    clip_openai *m = model;
    if (m != NULL)
        lac_clip_words_free(&m->words);
    free(m);
}

/* ---- a text */

/* What Python's str.strip takes off: white space, and the four separators of ASCII. */
static bool strips(uint32_t code) { return lac_code_is_space(code) || (code >= 0x1C && code <= 0x1F); }

static void trim(lac_codes *c)
{
    int64_t from = 0;
    while (c->n > 0 && strips(c->at[c->n - 1]))
        c->n--;
    while (from < c->n && strips(c->at[from]))
        from++;
    c->n -= from;
    if (from > 0)
        memmove(c->at, c->at + from, (size_t)c->n * sizeof *c->at);
}

static lac_status prepare(lac_codes *c, const char *text, size_t size)
{
    LAC_TRY(lac_codes_read(c, text, size));
    LAC_TRY(lac_codes_unescape(c));
    LAC_TRY(lac_codes_unescape(c));
    trim(c);
    return lac_codes_lower_text(c);
}

/* A special token's id, or none: one that is written with a long s is a piece like others. */
static int32_t special_id(const clip_openai *m, const uint32_t *code, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (code[i] > 127)
            return -1;
    return n == (int64_t)strlen(START) ? m->start : m->end;
}

static lac_status put_pieces(const clip_openai *m, lac_clip_work *w)
{
    const uint32_t *code = w->codes.at;
    for (int64_t i = 0, n = w->codes.n, length; i < n; i += length) {
        length = 1;
        if (lac_code_is_space(code[i]) || code[i] == LAC_CLIP_NOTHING)
            continue;
        const int64_t start = lac_clip_begins(code + i, n - i, START, true), special = start > 0 ? start : lac_clip_begins(code + i, n - i, END, true);
        const int32_t id = special > 0 ? special_id(m, code + i, special) : -1;
        length = special > 0 ? special : lac_clip_piece(code + i, n - i, true);
        if (id >= 0)
            lac_id_put(w->sink, id);
        else
            LAC_TRY(lac_clip_put_piece(&m->words, w, code + i, length));
    }
    return LAC_OK;
}

static lac_status encode_clip_openai(const void *model, const char *text, size_t size, lac_id_sink *sink)
{
    lac_clip_work w = { .sink = sink };
    lac_status s = prepare(&w.codes, text, size);
    if (s == LAC_OK)
        s = put_pieces(model, &w);
    lac_clip_work_free(&w);
    return s;
}

const lac_tokenizer_def lac_tokenizer_def_clip_openai = { "clip-openai", { "bpe_simple_vocab_16e6.txt.gz" }, open_clip_openai, close_clip_openai, encode_clip_openai };
