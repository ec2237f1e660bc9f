#include "eval/metric_clip.h"

#include "eval/cosine.h"

#include <math.h>

enum { MOST_WIDE = 4096 };      /* numbers of an embedding */

static lac_status check_width(int64_t n)
{
    return n <= MOST_WIDE ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "embeddings have %lld numbers, at most %d are compared", (long long)n, MOST_WIDE);
}

static void widen(double *to, const float *from, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = from[i];
}

static double cosine(const float *a, const float *b, int64_t n)
{
    double x[MOST_WIDE], y[MOST_WIDE];
    widen(x, a, n);
    widen(y, b, n);
    return lac_cosine(x, y, n);
}

lac_status lac_clip_score_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    const int64_t n = p->n_features / 2;
    const char *hole = def->wants_mask ? lac_region_missing(p, LAC_HOLE) : NULL;
    (void)region;
    LAC_TRY(check_width(n));
    const double c = hole == NULL ? cosine(p->feature, p->feature + n, n) : NAN;
    *value = isnan(c) ? lac_undefined(hole != NULL ? hole : "no caption") : (lac_value){ .value = def->variant == LAC_CLIP_100 ? 100 * c : 2.5 * fmax(c, 0) };
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

lac_status lac_clip_image_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    (void)def;
    (void)region;
    LAC_TRY(check_width(p->n_features));
    *value = (lac_value){ .value = cosine(p->feature, p->reference_feature, p->n_features) };
    return LAC_OK;
}

/* Features are picture, caption before, caption after. */
static double direction(const lac_metric_def *def, const lac_pair *p, int64_t n)
{
    double in[MOST_WIDE], out[MOST_WIDE], before[MOST_WIDE], after[MOST_WIDE];
    widen(in, p->reference_feature, n);
    widen(out, p->feature, n);
    widen(before, p->feature + n, n);
    widen(after, p->feature + 2 * n, n);
    return def->variant == LAC_CLIP_DIRECTION_IMAGE  ? lac_cosine(in, out, n)
           : def->variant == LAC_CLIP_DIRECTION_TEXT ? lac_cosine(out, after, n)
                                                     : lac_cosine_of_changes(in, out, before, after, n);
}

lac_status lac_clip_direction_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    const int64_t n = p->n_features / 3;
    (void)region;
    LAC_TRY(check_width(n));
    const double c = direction(def, p, n);
    *value = isnan(c) ? lac_undefined("the pictures, or the captions, are the same to CLIP") : (lac_value){ .value = c };
    return LAC_OK;
}

static const char no_object[] = "no box, and no hole in its mask";

lac_status lac_clip_at_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    const float was = p->reference_feature[0];
    (void)region;
    if (isnan(was) || isnan(p->feature[0]))
        return *value = lac_undefined(no_object), LAC_OK;
    *value = (lac_value){ .value = 1 };
    for (int i = 0; i < def->variant; i++)
        if (p->feature[i] == was)
            value->value = 0;
    return LAC_OK;
}

lac_status lac_clip_distance_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    const double was = p->reference_feature[LAC_CLIP_TOP], is = p->feature[LAC_CLIP_TOP];
    (void)def;
    (void)region;
    *value = isnan(was - is) ? lac_undefined(no_object) : (lac_value){ .value = was - is };
    return LAC_OK;
}
