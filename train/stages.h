/* train/stages.h -- the schema of a training config: what every recipe shares, and the recipe's own `model`, `loss`, `optim`.
 *
 * A run is a list of stages; without `stages` it has one, "main". A stage is the config with the stage's own keys laid over it. */
#pragma once

#include "train/recipe.h"

typedef struct lac_stage {
    char *name;                 /* "main" */
    json_t *config;             /* resolved */
    const lac_recipe_def *recipe;
} lac_stage;

typedef struct lac_stages { lac_stage *stage; int64_t n; } lac_stages;

/* Resolves a config as given (core/config.h says how where is used) into its stages. The caller's until lac_stages_free. */
lac_status lac_stages_resolve(lac_stages *run, const json_t *given, lac_config_where *where, void *context);
void lac_stages_free(lac_stages *run);

/* A new reference to the whole resolved run: {"stages": [...]} or the one stage's table. */
json_t *lac_stages_json(const lac_stages *run);

/* How many stages such a table has, and the config of one, borrowed. */
int64_t lac_stages_json_count(const json_t *run);
const json_t *lac_stages_json_at(const json_t *run, int64_t k);

/* The dotted keys, with what they were and are, in which a run's config as it was begun differs from what it is now, both resolved, apart from those that may change when a run goes on (steps, sample,
 * validate, log, checkpoint, profile, threads, data places). What was resolved then is resolved again here: a key that is new since has its default. "" when none; free(*text). */
lac_status lac_stages_differences(const json_t *before, const json_t *now, char **text);

/* Help lines of every key of a config with this recipe, tables within tables included, elements of a list as "*": for `trainer --keys`. */
void lac_stages_help(const lac_recipe_def *recipe, void (*line)(const char *path, const lac_key *key));
