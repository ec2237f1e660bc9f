#include "data/make_masks.h"

#include "core/image/image.h"
#include "core/memory.h"
#include "data/mask.h"

#include <inttypes.h>
#include <stdlib.h>

static int count_sizes(const lac_mask_rule *rule)
{
    int n = 0;
    while (n < LAC_MAKE_MASKS_SIZES && rule->size[n] > 0)
        n++;
    return n;
}

static lac_status check(const lac_mask_rule *rule, const lac_mask_kind **kind)
{
    LAC_TRY(lac_mask_named(kind, rule->kind));
    if (count_sizes(rule) == 0 || rule->n < 1)
        return LAC_FAIL(LAC_ERR_ARG, "evaluation masks want a size and a count of at least 1, got %d sizes and %" PRId64 " masks",
                        count_sizes(rule), rule->n);
    if (!(rule->min <= rule->max))
        return LAC_FAIL(LAC_ERR_ARG, "evaluation masks want min <= max, got %g and %g", rule->min, rule->max);
    return LAC_OK;
}

static lac_status draw(const lac_mask_rule *rule, const lac_mask_kind *kind, int64_t k, uint32_t t, int64_t size, uint8_t *mask)
{
    const lac_mask_params p = lac_mask_defaults();
    lac_stream s = lac_stream_at(rule->seed, lac_purpose("evaluation masks"), (uint32_t)k, t);
    return lac_mask_make(mask, size, size, kind, &p, &s);
}

/* Whether draw t of mask k covers what it should at every size. scratch holds the largest. */
static lac_status fits(const lac_mask_rule *rule, const lac_mask_kind *kind, int64_t k, uint32_t t, uint8_t *scratch, bool *good)
{
    *good = true;
    for (int i = 0; *good && i < count_sizes(rule); i++) {
        const int64_t pixels = rule->size[i] * rule->size[i];
        LAC_TRY(draw(rule, kind, k, t, rule->size[i], scratch));
        const double share = (double)lac_mask_area(scratch, pixels) / (double)pixels;
        *good = share >= rule->min && share <= rule->max;
    }
    return LAC_OK;
}

static lac_status first_fit(const lac_mask_rule *rule, const lac_mask_kind *kind, int64_t k, uint8_t *scratch, uint32_t *t)
{
    bool good = false;
    for (*t = 0; *t < LAC_MAKE_MASKS_DRAWS; (*t)++) {
        LAC_TRY(fits(rule, kind, k, *t, scratch, &good));
        if (good)
            return LAC_OK;
    }
    return LAC_FAIL(LAC_ERR_ARG, "no mask of kind '%s' among %d covers %g to %g of the picture at every size", rule->kind,
                    LAC_MAKE_MASKS_DRAWS, rule->min, rule->max);
}

static int64_t largest(const lac_mask_rule *rule)
{
    int64_t size = 0;
    for (int i = 0; i < count_sizes(rule); i++)
        size = LAC_MAX(size, rule->size[i]);
    return size;
}

static lac_status draw_all(const lac_mask_rule *rule, const lac_mask_kind *kind, int64_t size, uint8_t *scratch, uint8_t *masks)
{
    for (int64_t k = 0; k < rule->n; k++) {
        uint32_t t;
        LAC_TRY(first_fit(rule, kind, k, scratch, &t));
        LAC_TRY(draw(rule, kind, k, t, size, masks + k * size * size));
    }
    const int64_t pixels = rule->n * size * size;
    for (int64_t i = 0; i < pixels; i++)
        masks[i] = masks[i] ? 255 : 0;
    return LAC_OK;
}

lac_status lac_draw_masks(const lac_mask_rule *rule, int which, uint8_t **masks)
{
    const lac_mask_kind *kind;
    uint8_t *scratch, *all = NULL;
    LAC_TRY(check(rule, &kind));
    const int64_t most = largest(rule), size = rule->size[which];
    LAC_TRY(lac_calloc((void **)&scratch, (size_t)most, (size_t)most));
    lac_status s = lac_calloc((void **)&all, (size_t)rule->n, (size_t)(size * size));
    if (s == LAC_OK)
        s = draw_all(rule, kind, size, scratch, all);
    free(scratch);
    if (s == LAC_OK)
        *masks = all;
    else
        free(all);
    return s;
}

static lac_status save(const lac_mask_rule *rule, int which, const char *folder)
{
    lac_image image = { .height = rule->n * rule->size[which], .width = rule->size[which], .channels = 1 };
    char *path = NULL;
    LAC_TRY(lac_draw_masks(rule, which, &image.pixels));
    lac_status s = lac_format(&path, "%s/%s-%" PRId64 "-seed%" PRIu64 "-%" PRId64 ".png", folder, rule->kind, rule->n, rule->seed,
                              rule->size[which]);
    if (s == LAC_OK)
        s = lac_image_save_png(&image, path);
    free(path);
    free(image.pixels);
    return s;
}

lac_status lac_make_masks(const lac_mask_rule *rule, const char *folder)
{
    const lac_mask_kind *kind;
    LAC_TRY(check(rule, &kind));
    for (int i = 0; i < count_sizes(rule); i++)
        LAC_TRY(save(rule, i, folder));
    return LAC_OK;
}
