/* core/text/tokenizer_def.h -- what a tokenizer is made of, for those who write one: clip_bpe.c, wordpiece.c. */
#pragma once

#include "core/text/tokenizer.h"

/* Where a text's ids go. Those beyond `room` are counted alone. */
typedef struct lac_id_sink { void *to; lac_dtype dtype; int64_t room, n; } lac_id_sink;

void lac_id_put(lac_id_sink *sink, int64_t id);

typedef struct lac_tokenizer_def {
    const char *name;
    const char *files[LAC_TEXT_FILES + 1];      /* of a published folder, ends with NULL */
    /* *model is the tokenizer's own, whole or in part when open fails; close ends it then as well. */
    lac_status (*open)(void **model, lac_tokenizer_ids *special, const lac_text_files *files, const lac_tokenizer_options *o);
    void (*close)(void *model);
    lac_status (*encode)(const void *model, const char *text, size_t size, lac_id_sink *sink);      /* without start and end */
} lac_tokenizer_def;

#define LAC_TOKENIZER(identifier) extern const lac_tokenizer_def lac_tokenizer_def_##identifier;
#include "core/text/tokenizers.def"
#undef LAC_TOKENIZER
