#include "eval/resized.h"

#include "core/image/resample.h"

lac_status lac_resized_new(lac_resized *r, const lac_resized *from, int64_t side)
{
    const lac_passes passes = LAC_PASSES_HORIZONTAL_FIRST;
    *r = (lac_resized){ .mask = { 0 } };
    LAC_TRY(lac_image_resize(&r->image, &from->image, side, side, LAC_FILTER_BICUBIC, passes));
    LAC_TRY(lac_image_resize(&r->reference, &from->reference, side, side, LAC_FILTER_BICUBIC, passes));
    return from->mask.pixels != NULL ? lac_image_resize(&r->mask, &from->mask, side, side, LAC_FILTER_NEAREST, passes) : LAC_OK;
}

void lac_resized_free(lac_resized *r)
{
    lac_image_free(&r->image);
    lac_image_free(&r->reference);
    lac_image_free(&r->mask);
}

lac_pair lac_resized_pair(const lac_resized *r)
{
    return (lac_pair){ r->image.height, r->image.width, r->image.pixels, r->reference.pixels, r->mask.pixels };
}

lac_resized lac_resized_of(const lac_pair *p)
{
    return (lac_resized){ { p->height, p->width, 3, (uint8_t *)p->image }, { p->height, p->width, 3, (uint8_t *)p->reference },
                          { p->height, p->width, 1, (uint8_t *)p->mask } };
}
