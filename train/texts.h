/* train/texts.h -- what a recipe keeps of a frozen text encoder (lac_recipe_texts): the states of every caption and every object's label of its data, and of the empty text, in caches below a folder
 * (data/latent_cache.h), one for each source.
 *
 * A cache is a function of the texts, the tokenizer and its files, the encoder and its weights, and the dtype: records with the same words share a row, and another set with the
 * same texts finds it. Made before a stage's first step in the batches of the run (train/cache_files.h), so that rows are, bit for bit, what the encoder gives in a step. */
#pragma once

#include "data/loader.h"
#include "train/cache_files.h"
#include "train/recipe.h"

enum { LAC_TEXTS_MAX = 17 };            /* sources of data.train, and data.eval */

struct lac_text;                        /* one that is kept: its SHA-256, and where it stands in the set */
typedef struct lac_texts { struct { lac_latent_cache *cache; struct lac_text *text; } source[LAC_TEXTS_MAX]; int n; } lac_texts;

typedef struct lac_texts_from {
    lac_recipe *recipe;                 /* with the weights that the stage begins with */
    const char *folder;
    lac_comm *comm;
    lac_tape *tape;
    int64_t batch;                      /* texts at once, always: what is missing to it is the empty one */
    lac_cache_watch watch;
} lac_texts_from;

/* The states of one text of so many ids. */
lac_status lac_texts_plan(lac_cache_row *row, const lac_network *encoder, int64_t ids, const lac_backend *b);

/* Opens the cache of a source's texts, and makes what is not there. Every rank calls it. recipe->texts.kept is x from
 * then on. lac_texts_close ends all; safe on zeroes. */
lac_status lac_texts_add(lac_texts *x, const lac_texts_from *from, const lac_source *source);
void lac_texts_close(lac_texts *x);

/* The states of a text, f32; NULL is "". LAC_ERR_STATE for one that is not among them. */
lac_status lac_texts_read(const lac_texts *x, const char *text, float *to);

/* What lac_texts_add would cost, added to *cost; makes nothing. */
lac_status lac_texts_estimate(const lac_texts_from *from, const lac_source *source, lac_cache_cost *cost);
