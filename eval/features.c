#include "eval/features.h"

#include "core/memory.h"

#include <stdlib.h>

lac_memo_key lac_picture_key(const lac_picture *p, int64_t recipe)
{
    const int64_t number[] = { recipe, p->height, p->width };
    lac_memo_key key;
    lac_sha256 h;
    lac_sha256_start(&h);
    lac_sha256_add(&h, number, sizeof number);
    lac_sha256_add(&h, p->pixels, (size_t)(3 * p->height * p->width));
    lac_sha256_end(&h, key.digest);
    return key;
}

static lac_status open(lac_features *f, const char *option)
{
    LAC_TRY(lac_strdup(&f->option, option));
    LAC_TRY(f->def->open(f, option));
    if (f->recipe == NULL)
        LAC_TRY(lac_strdup(&f->recipe, f->def->name));
    return f->n > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_STATE, "it makes %lld numbers of a picture", (long long)f->n);
}

lac_status lac_features_open(lac_features *f, const lac_features_def *def, const char *option, const lac_eval_means *means, lac_backbones *backbones)
{
    *f = (lac_features){ .def = def, .backend = means->backend, .weights = means->weights, .means = *means, .backbones = backbones, .n = def->n };
    if (f->backend == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "features '%s' want a device to run on", def->name);
    const lac_status s = lac_context(open(f, option), "features '%s'", def->name);
    if (s != LAC_OK)
        lac_features_close(f);
    return s;
}

void lac_features_close(lac_features *f)
{
    if (f->def != NULL && f->def->close != NULL)
        f->def->close(f);
    free(f->option);
    free(f->recipe);
    *f = (lac_features){ .def = NULL };
}
