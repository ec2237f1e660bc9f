/* core/text/tokenizer.h -- text to ids, as the published text encoders were trained on them: one interface for every tokenizer.
 *
 *     lac_tokenizer *t;
 *     LAC_TRY(lac_tokenizer_open(&t, "clip-bpe", "sd15/tokenizer", NULL));
 *     int32_t ids[77];
 *     int64_t n;
 *     LAC_TRY(lac_tokenizer_encode(t, prompt, strlen(prompt), LAC_I32, 77, ids, &n));     n > 77: the prompt was cut
 *
 * A tokenizer never changes once it is open: any number of threads may encode with it at the same time. Each is a definition
 * (core/text/tokenizers.def); they have the ids of transformers' fast tokenizers, on every code point, whatever Unicode version
 * utf8proc has on this machine (core/text/category.h). */
#pragma once

#include "core/tensor.h"
#include "core/text/files.h"

typedef struct lac_tokenizer lac_tokenizer;

typedef struct lac_tokenizer_options {
    const char *pad_token;      /* clip-bpe; NULL: "<|endoftext|>", as Stable Diffusion 1.x has it */
    bool keep_case;             /* wordpiece: neither lower-cased nor stripped of accents */
} lac_tokenizer_options;

typedef struct lac_tokenizer_ids {
    int64_t start, end, pad, unknown;
    int64_t size;               /* one more than the largest id: rows that the embedding needs */
} lac_tokenizer_ids;

/* Opens the files of tokenizer `name` in a folder, or the tokenizer.json there where one of them lacks (core/text/tokenizer_json.h); *t is untouched on failure. o may be NULL: all as published.
 * LAC_ERR_CONFIG: no such name, or an option that the files have no token for; LAC_ERR_IO; LAC_ERR_FORMAT: a file that is cut off, over
 * 64 MB, not UTF-8, has a token or an id twice, a merge of tokens that it does not have, or lacks a special token; LAC_ERR_MEM. */
lac_status lac_tokenizer_open(lac_tokenizer **t, const char *name, const char *folder, const lac_tokenizer_options *o);
/* Of a tokenizer that has one file: that file, whatever its name. */
lac_status lac_tokenizer_open_file(lac_tokenizer **t, const char *name, const char *path, const lac_tokenizer_options *o);
/* The same of files in memory, which are not needed afterwards. _files: reads them; o is what they will be opened with. */
lac_status lac_tokenizer_open_files(lac_tokenizer **t, const char *name, const lac_text_files *files, const lac_tokenizer_options *o);
lac_status lac_tokenizer_files(lac_text_files *files, const char *name, const char *folder, const lac_tokenizer_options *o);
void lac_tokenizer_close(lac_tokenizer *t);                     /* NULL is fine */

const char *lac_tokenizer_name(const lac_tokenizer *t);
lac_tokenizer_ids lac_tokenizer_special(const lac_tokenizer *t);

/* Writes max_length ids of dtype d (LAC_I32 or LAC_I64): start, the text's own cut to max_length - 2, end, padding. *n (may be NULL)
 * gets how many there were before anything was cut, start and end included; so the first LAC_MIN(*n, max_length) ids are those
 * without padding. ids NULL: nothing is written, max_length and d do not matter. Time and memory grow with size, or size log size.
 * LAC_ERR_FORMAT: text that is not UTF-8, with the place of the first bad byte; LAC_ERR_ARG: max_length below 2, or 2^31 bytes and more;
 * LAC_ERR_MEM. What lies in ids after a failure is undefined. */
lac_status lac_tokenizer_encode(const lac_tokenizer *t, const char *text, size_t size, lac_dtype d, int64_t max_length, void *ids, int64_t *n);
