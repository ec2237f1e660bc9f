/* models/prompts.h -- the tokenizer of a model, and the files that it was opened from, which go where the model goes.
 *
 * Its config: which tokenizer, how many ids, and its options, with the values of Stable Diffusion 1.x. */
#pragma once

#include "core/config.h"
#include "core/text/tokenizer.h"
#include "models/network.h"

extern const lac_key lac_prompts_keys[];

typedef struct lac_prompts {
    lac_tokenizer *tokenizer;           /* NULL: none */
    lac_text_files files;
    json_t *config;                     /* resolved */
} lac_prompts;

/* config: keys of lac_prompts_keys. The files are those of a published folder, or *files, which are the prompts' from here on (also after a
 * failure). Ends with lac_prompts_close, safe on zeroes; after an error there is nothing to close. */
lac_status lac_prompts_open(lac_prompts *p, const char *folder, const json_t *config);
lac_status lac_prompts_open_files(lac_prompts *p, lac_text_files *files, const json_t *config);
/* Without a tokenizer: how long they are, and nothing else. */
lac_status lac_prompts_open_none(lac_prompts *p, const json_t *config);
lac_status lac_prompts_copy(lac_prompts *p, const lac_prompts *from);           /* from without a tokenizer gives none */
/* The files alone, for _open_files: those of a published folder. */
lac_status lac_prompts_files(lac_text_files *files, const char *folder, const json_t *config);
void lac_prompts_close(lac_prompts *p);

/* What a transformers folder says of its tokenizer (tokenizer_config.json) in keys of lac_prompts_keys: a new reference in *config. */
lac_status lac_prompts_adopt(const json_t *published, json_t **config);

/* Whether the text encoder, which it is, has a row for every id and a place for every token: LAC_ERR_CONFIG. Asked once, where prompts and encoder are put
 * together; no tokenizer fits any. */
lac_status lac_prompts_fit(const lac_prompts *p, const lac_network *encoder);

/* A folder that transformers loads, made if need be: the files, tokenizer_config.json and special_tokens_map.json. _class: whose. */
lac_status lac_prompts_save_folder(const lac_prompts *p, const char *folder);
const char *lac_prompts_class(const lac_prompts *p);

int64_t lac_prompts_length(const lac_prompts *p);                               /* ids a text */
/* A text's ids (NULL is ""), in the config's template unless it is empty, LAC_I32, cut and filled to that length: padding stands behind the text and is read as all else, so Stable Diffusion 1.x was
 * trained. *lost (may be NULL): how many tokens were cut. ids NULL: they are only counted. Errors are lac_tokenizer_encode's. */
lac_status lac_prompts_ids(const lac_prompts *p, const char *text, int32_t *ids, int64_t *lost);
