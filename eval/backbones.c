#include "eval/backbones.h"

#include "core/memory.h"

#include <stdlib.h>

typedef struct backbone { const lac_backbone_def *def; void *state; } backbone;

struct lac_backbones {
    const lac_backend *backend;
    const lac_eval_weights *weights;
    const char *folder;
    backbone *item;
    int64_t n, capacity;
};

lac_status lac_backbones_new(lac_backbones **all, const lac_backend *b, const lac_eval_weights *weights)
{
    LAC_TRY(lac_calloc((void **)all, 1, sizeof **all));
    (*all)->backend = b;
    (*all)->weights = weights;
    return LAC_OK;
}

void lac_backbones_free(lac_backbones *all)
{
    if (all == NULL)
        return;
    for (int64_t i = 0; i < all->n; i++)
        all->item[i].def->close(all->item[i].state);
    free(all->item);
    free(all);
}

void lac_backbones_keep(lac_backbones *all, const char *folder) { all->folder = folder; }
const char *lac_backbones_kept(const lac_backbones *all) { return all->folder; }

lac_status lac_backbones_get(lac_backbones *all, const lac_backbone_def *def, void **state)
{
    *state = NULL;
    for (int64_t i = 0; i < all->n; i++)
        if (all->item[i].def == def)
            return *state = all->item[i].state, LAC_OK;
    LAC_TRY(lac_grow((void **)&all->item, all->n, &all->capacity, sizeof *all->item));
    const lac_status s = lac_context(def->open(state, all->backend, all->weights), "network '%s'", def->name);
    if (s == LAC_OK)
        all->item[all->n++] = (backbone){ def, *state };
    else if (*state != NULL)
        def->close(*state);
    if (s != LAC_OK)
        *state = NULL;
    return s;
}
