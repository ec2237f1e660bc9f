/* cli/wants.h -- the data and weights that trainings want, and which of them are not there: part of `--dry-run`. */
#pragma once

#include "cli/train_list.h"

/* What of a stage is not there, as far as its cost depends on it. */
typedef enum lac_missing { LAC_MISSING_DATA = 1, LAC_MISSING_INIT = 2, LAC_MISSING_TOKENIZER = 4 } lac_missing;

/* Each thing once, with the keys that name it. */
typedef struct lac_wants { json_t *item; } lac_wants;

/* Adds what a stage's resolved config names. *missing: bits of lac_missing. */
lac_status lac_wants_add(lac_wants *w, const json_t *config, unsigned *missing);

/* Adds one thing: kind "set", "weights", "tokenizer", as printed; key: who wants it; name: as a config says it. *there (may be NULL) says whether it is there. */
lac_status lac_wants_one(lac_wants *w, const char *kind, const char *key, const char *name, bool *there);

/* On stdout. list: the runs that the same command trains. */
lac_status lac_wants_print(const lac_wants *w, const lac_train_list *list);
void lac_wants_free(lac_wants *w);              /* safe on zeroes */
