#include "eval/metric_iou.h"

/* Pillow's grey of a pixel, at its middle and above. */
static bool inside(const uint8_t *rgb) { return (19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16 >= 128; }

lac_status lac_iou_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    int64_t both = 0, either = 0;
    (void)region;
    for (int64_t i = 0; i < p->height * p->width; i++) {
        const bool a = inside(p->image + 3 * i), b = inside(p->reference + 3 * i);
        both += a && b;
        either += a || b;
    }
    const double iou = either == 0 ? 1 : (double)both / (double)either;
    *value = (lac_value){ .value = def->variant == LAC_IOU_ABOVE ? iou > def->range : iou, .share = (double)either };
    return LAC_OK;
}

/* Intersections are IoU times union. */
lac_status lac_c_iou_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value)
{
    double both = 0, either = 0, n = 0;
    (void)def;
    for (int64_t i = 0; i < rows->n; i++) {
        both += rows->weight[i] * rows->share[i] * rows->value[i];
        either += rows->weight[i] * rows->share[i];
        n += rows->weight[i];
    }
    *value = n == 0 ? lac_undefined("there is no pair") : (lac_value){ .value = either == 0 ? 1 : both / either };
    return LAC_OK;
}
