#include "eval/segmentation.h"

static double ratio(int64_t both, int64_t either) { return either == 0 ? 1 : (double)both / (double)either; }

lac_segmentation lac_segmentation_score(const uint8_t *prediction, const uint8_t *reference, int64_t n, int64_t pixels, double *iou)
{
    lac_segmentation r = { 0 };
    int64_t all_both = 0, all_either = 0;
    for (int64_t i = 0; i < n; i++, prediction += pixels, reference += pixels) {
        int64_t both = 0, either = 0;
        for (int64_t k = 0; k < pixels; k++) {
            both += prediction[k] && reference[k];
            either += prediction[k] || reference[k];
        }
        iou[i] = ratio(both, either);
        r.mean_iou += iou[i];
        for (int64_t t = 0; t < LAC_SEGMENTATION_THRESHOLDS; t++)
            r.above[t] += iou[i] > (double)(5 + t) / 10;
        all_both += both;
        all_either += either;
    }
    r.mean_iou /= (double)n;                    /* 0 / 0 without a mask */
    r.total_iou = n == 0 ? r.mean_iou : ratio(all_both, all_either);
    for (int64_t t = 0; t < LAC_SEGMENTATION_THRESHOLDS; t++)
        r.above[t] /= (double)n;
    return r;
}
