/* train/latents.h -- what a recipe keeps of frozen encoders (lac_recipe_latents), in caches below a folder (data/latent_cache.h): of each sort one for each source of the data.
 *
 * Made before a stage's first step, once its weights are there, in batches of the evaluation's order; with `flip` every picture twice (train/cache_files.h). */
#pragma once

#include "data/order.h"
#include "train/cache_files.h"
#include "train/recipe.h"

typedef struct lac_latents { lac_latent_cache *cache[LAC_LATENT_SORTS][LAC_MIX_MAX]; float *whole[LAC_LATENT_SORTS]; } lac_latents;

typedef struct lac_latents_from {
    lac_recipe *recipe;                 /* with the weights that the stage begins with */
    const lac_loader_config *data;      /* of the training's loader, whose sources need have no latents */
    const char *folder;
    lac_comm *comm;
    lac_tape *tape;
    int64_t batch;                      /* pictures at once, at most */
    int64_t each;                       /* records of a file; 0: lac_latent_layout's */
    lac_cache_watch watch;
} lac_latents_from;

bool lac_latents_any(const lac_recipe *r);      /* whether it keeps any */

/* Opens what there is, then makes what is not. Every rank calls it. LAC_ERR_CONFIG where a sample is no function of its record, LAC_ERR_STOPPED. recipe->latents[].whole
 * are set. The sources' caches are l->cache[sort], in order, NULL where nothing of the sort is kept. lac_latents_close ends all; safe on zeroes. */
lac_status lac_latents_open(lac_latents *l, const lac_latents_from *from);
void lac_latents_close(lac_latents *l);

/* What lac_latents_open would cost; makes nothing. */
lac_status lac_latents_estimate(const lac_latents_from *from, lac_cache_cost cost[LAC_LATENT_SORTS]);
