/* The Inception network of FID as features of a picture (eval/backbone_inception.h). Option "RECIPE,WHAT": one of LAC_INCEPTION_RECIPES, and 64, 192, 768 or 2048
 * features, or "logits" (without their bias). Weights: "inception". */
#include "eval/backbone_inception.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct inception { lac_inception_backbone *backbone; lac_inception_recipe recipe; lac_inception_depth depth; } inception;

static lac_status read_option(inception *s, const char *option)
{
    static const char *const what[] = { "64", "192", "768", "2048", "logits" };
    char recipe[32] = "";
    const char *comma = strchr(option, ',');
    if (comma == NULL || (size_t)(comma - option) >= sizeof recipe)
        return LAC_FAIL(LAC_ERR_ARG, "it takes RECIPE,FEATURES (\"pytorch-fid,2048\"), found '%s'", option);
    memcpy(recipe, option, (size_t)(comma - option));
    LAC_TRY(lac_inception_recipe_named(&s->recipe, recipe));
    for (size_t i = 0; i < LAC_COUNT(what); i++)
        if (strcmp(comma + 1, what[i]) == 0)
            return s->depth = (lac_inception_depth)i, LAC_OK;
    return LAC_FAIL(LAC_ERR_ARG, "features are 64, 192, 768, 2048 or logits, found '%s'", comma + 1);
}

static lac_status open(lac_features *f, const char *option)
{
    inception *s;
    LAC_TRY(lac_calloc(&f->state, 1, sizeof *s));
    s = f->state;
    LAC_TRY(read_option(s, option));
    LAC_TRY(lac_inception_backbone_get(f, s->recipe, s->depth, &s->backbone));
    f->n = lac_inception_width(s->depth);
    return lac_format(&f->recipe, "net=tf2015,feat=%s,%s", strchr(option, ',') + 1, lac_inception_recipe_text(s->recipe));
}

static void close(lac_features *f) { free(f->state); }

static lac_status of(lac_features *f, const lac_picture *picture, int64_t n, float *feature)
{
    const inception *s = f->state;
    return lac_inception_backbone_see(s->backbone, picture, n, s->recipe, s->depth, feature);
}

static const char *const weights[] = { "inception", NULL };

const lac_features_def lac_features_inception = { .name = "inception", .about = "the Inception network of FID", .open = open, .of = of, .close = close, .weights = weights };
