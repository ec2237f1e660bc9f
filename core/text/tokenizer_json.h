/* core/text/tokenizer_json.h -- tokenizer.json, in which transformers keeps a whole fast tokenizer, taken apart into the published files. */
#pragma once

#include "core/text/tokenizer_def.h"

#define LAC_TOKENIZER_JSON "tokenizer.json"

bool lac_tokenizer_json_is_in(const char *folder);

/* The files of def->files (vocab.json and merges.txt, or vocab.txt) as they would lie beside it, special tokens that it adds to the vocabulary among them.
 * LAC_ERR_FORMAT: no such file; a tokenizer of another kind, naming the entry that says so; a token added that is not special; over 64 MB.
 * LAC_ERR_CONFIG: it lower-cases where o says otherwise, or the other way. */
lac_status lac_tokenizer_json_read(lac_text_files *files, const lac_tokenizer_def *def, const char *folder, const lac_tokenizer_options *o);
