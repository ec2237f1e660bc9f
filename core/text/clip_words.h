/* core/text/clip_words.h -- what CLIP's two tokenizers share (clip_bpe.c, clip_openai.c): how a prepared text falls into pieces, and a piece into ids.
 *
 * A piece is a contraction ('s 't 're 've 'm 'll 'd), a run of letters, a single number, or a run of other signs; white space stands between. Its
 * UTF-8 bytes are symbols, the last of them marked, which are merged in pairs. */
#pragma once

#include "core/text/codes.h"
#include "core/text/merges.h"
#include "core/text/tokenizer_def.h"

enum { LAC_CLIP_NOTHING = 0x345 };

typedef struct lac_clip_words {
    lac_vocabulary vocabulary;
    lac_merges merges;
    int32_t symbol[256], last[256];         /* ids of single bytes, and of a piece's last one */
} lac_clip_words;

typedef struct lac_clip_work { lac_codes codes; lac_merge_work merge; lac_id_sink *sink; } lac_clip_work;

void lac_clip_words_free(lac_clip_words *w);
void lac_clip_work_free(lac_clip_work *w);

/* Bytes are written as printable code points: those that are stay as they are, the others follow from U+0100 on. */
uint32_t lac_clip_printable(int byte);
/* Finds symbol and last; unknown: of a byte that the vocabulary does not have. */
void lac_clip_words_symbols(lac_clip_words *w, int32_t unknown);

/* How long the word is that the n codes begin with, or 0 when they do not. loose: as to a regular expression that ignores case, by which
 * a long s is an s, and U+0345 no character at all. */
int64_t lac_clip_begins(const uint32_t *code, int64_t n, const char *word, bool loose);
/* How long the piece is that the n codes, in lower case, begin with; the first is no blank. */
int64_t lac_clip_piece(const uint32_t *code, int64_t n, bool loose);
lac_status lac_clip_put_piece(const lac_clip_words *m, lac_clip_work *w, const uint32_t *code, int64_t n);
