#include "eval/metric_clip.h"

#include "eval/cosine.h"

#include <math.h>

enum { MOST_WIDE = 4096 };      /* numbers of an embedding */

lac_status lac_clip_score_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    double image[MOST_WIDE], text[MOST_WIDE];
    const int64_t n = p->n_features / 2;
    (void)region;
    if (n > MOST_WIDE)
        return LAC_FAIL(LAC_ERR_ARG, "embeddings have %lld numbers, at most %d are compared", (long long)n, MOST_WIDE);
    for (int64_t i = 0; i < n; i++) {
        image[i] = p->feature[i];
        text[i] = p->feature[n + i];
    }
    const double c = lac_cosine(image, text, n);
    *value = isnan(c) ? lac_undefined("no caption") : (lac_value){ .value = def->variant == LAC_CLIP_100 ? 100 * c : 2.5 * fmax(c, 0) };
    return LAC_OK;
}

lac_status lac_clip_score_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value)
{
    double sum = 0, weight = 0;
    for (int64_t i = 0; i < rows->n; i++)
        if (!isnan(rows->value[i])) {
            sum += rows->weight[i] * rows->value[i];
            weight += rows->weight[i];
        }
    *value = weight > 0 ? (lac_value){ .value = def->variant == LAC_CLIP_100 ? fmax(sum / weight, 0) : sum / weight } : lac_undefined("no picture has a caption");
    return LAC_OK;
}
