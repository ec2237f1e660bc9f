/* core/text/vocabulary.h -- tokens and their ids, from the published files. Sorted, so that no choice of tokens makes it slow. */
#pragma once

#include "core/text/files.h"

#include <jansson.h>

typedef struct lac_word { const char *at; int32_t length, id; } lac_word;

typedef struct lac_vocabulary {
    lac_word *word;             /* by bytes */
    int64_t n, capacity, size;  /* size: one more than the largest id */
    int32_t longest;            /* bytes */
    char *text;                 /* what the words point into: the file's bytes, */
    json_t *json;               /* or the table it was */
} lac_vocabulary;

/* vocab.json: {"token": id, ...}. vocab.txt: a token a line, the id is the line's number from 0; empty lines are ids without a token.
 * *v starts as { 0 } and must be freed also after a failure. LAC_ERR_FORMAT: not such a file, a token or an id twice, an id that is not in
 * [0, 2^31 - 1), bytes that are not UTF-8; LAC_ERR_IO; LAC_ERR_MEM. */
lac_status lac_vocabulary_read_json(lac_vocabulary *v, const lac_text_files *f, const char *name);
lac_status lac_vocabulary_read_lines(lac_vocabulary *v, const lac_text_files *f, const char *name);
void lac_vocabulary_free(lac_vocabulary *v);

int32_t lac_vocabulary_find(const lac_vocabulary *v, const char *bytes, size_t length);        /* the id; -1: no such token */
lac_status lac_vocabulary_want(const lac_vocabulary *v, const char *token, int64_t *id);       /* LAC_ERR_FORMAT: no such token */

/* The next line of a text that ends with a zero byte: *line is cut there (a return before the line feed as well), NULL after the last. */
char *lac_text_line(char **rest, const char *end, size_t *length);
