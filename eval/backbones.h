/* eval/backbones.h -- networks that several features of one evaluation stand on (CLIP: its scores, its crops, LAION's heads): each is loaded once, whoever asks for it.
 *
 * A backbone remembers what it made of its last inputs (eval/memo.h), so that it runs once for each, however many features want the same. */
#pragma once

#include "core/backend.h"
#include "eval/weights.h"

typedef struct lac_backbone_def {
    const char *name;
    /* *state is NULL. After an error close is called, if *state is set. */
    lac_status (*open)(void **state, const lac_backend *b, const lac_eval_weights *weights);
    void (*close)(void *state);
} lac_backbone_def;

typedef struct lac_backbones lac_backbones;

/* b, weights: borrowed by all that are opened. lac_backbones_free ends them all, and NULL. */
lac_status lac_backbones_new(lac_backbones **all, const lac_backend *b, const lac_eval_weights *weights);
void lac_backbones_free(lac_backbones *all);

/* What networks make of pictures is kept in this folder (eval/feature_store.h), borrowed; before any is asked for. NULL: it is not. */
void lac_backbones_keep(lac_backbones *all, const char *folder);
const char *lac_backbones_kept(const lac_backbones *all);

/* Opened where nobody asked before; *state is borrowed. LAC_ERR_ARG says which weights it wants. */
lac_status lac_backbones_get(lac_backbones *all, const lac_backbone_def *def, void **state);
