#include "eval/metric.h"

#include "core/config.h"
#include "core/memory.h"
#include "eval/metric_l1.h"
#include "eval/metric_l2.h"
#include "eval/metric_mse.h"
#include "eval/metric_psnr.h"
#include "eval/metric_ssim.h"
#include "eval/metric_tv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The range is that of the pixel values: 1 for [0,1], 2 for [-1,1]. "l1" and "mse" are means over pixels and channels.
 * "l1-pm1", "l2-pm1": the same on pictures in [-1,1], the scale in which networks are trained (2 and 4 times the value).
 * "l1-percent", "l2-percent": DeepFill's mean l1 and l2 error in per cent; the authors published no code, so this is
 * the reading of docs: pictures in [0,1], completed picture against truth, over the region asked for. */
const lac_metric_def lac_metrics[] = {
    { "l1", "l1{range=1,region=%s}", 1, 0, false, 4, lac_l1_measure },
    { "l1-pm1", "l1{range=2,region=%s}", 2, 0, false, 4, lac_l1_measure },
    { "l1-percent", "l1{range=1,unit=percent,region=%s}", 100, 0, false, 2, lac_l1_measure },
    { "mse", "mse{range=1,region=%s}", 1, 0, false, 5, lac_mse_measure },
    { "l2-pm1", "l2{mean=square,range=2,region=%s}", 2, LAC_L2_PLAIN, false, 4, lac_l2_measure },
    { "l2-percent", "l2{mean=square,range=1,unit=percent,region=%s}", 1, LAC_L2_PERCENT, false, 3, lac_l2_measure },
    { "psnr", "psnr{range=255,mean=per-image,region=%s}", 255, 0, true, 2, lac_psnr_measure },
    { "tv", "tv{range=1,dx+dy,region=%s}", 1, 0, false, 4, lac_tv_measure },
    { "ssim", "ssim{variant=valid,window=gauss11-1.5,region=%s}", 255, LAC_SSIM_VALID, true, 4, lac_ssim_measure },
    { "ssim-valid", "ssim{variant=valid,window=gauss11-1.5,region=%s}", 255, LAC_SSIM_VALID, true, 4, lac_ssim_measure },
    { "ssim-zero", "ssim{variant=zero,window=gauss11-1.5,region=%s}", 255, LAC_SSIM_ZERO, true, 4, lac_ssim_measure },
    { "ssim-reflect", "ssim{variant=reflect,window=gauss11-1.5,region=%s}", 255, LAC_SSIM_REFLECT, true, 4, lac_ssim_measure },
    { "ssim-uniform7", "ssim{variant=uniform7,window=box7,cov=sample,region=%s}", 255, LAC_SSIM_UNIFORM7, true, 4, lac_ssim_measure },
    { .name = NULL },
};

static const char *const region_name[] = { [LAC_WHOLE] = "whole", [LAC_HOLE] = "hole", [LAC_KNOWN] = "known" };

lac_value lac_undefined(const char *reason) { return (lac_value){ NAN, reason }; }

const char *lac_region_missing(const lac_pair *p, lac_region region)
{
    if (region != LAC_WHOLE && p->mask == NULL)
        return "no mask";
    const int64_t n = p->height * p->width;
    for (int64_t i = 0; i < n; i++)
        if (lac_in_region(p, region, i))
            return NULL;
    return region == LAC_HOLE ? "the mask has no hole" : region == LAC_KNOWN ? "the mask leaves no known pixel" : "an empty picture";
}

lac_differences lac_differences_of(const lac_pair *p, lac_region region)
{
    lac_differences sum = { 0, 0, 0 };
    const int64_t n = p->height * p->width;
    for (int64_t i = 0; i < n; i++) {
        if (!lac_in_region(p, region, i))
            continue;
        for (int64_t k = 3 * i; k < 3 * i + 3; k++) {
            const int d = p->image[k] - p->reference[k];
            sum.absolute += (uint64_t)(d < 0 ? -d : d);
            sum.square += (uint64_t)(d * d);
        }
        sum.values += 3;
    }
    return sum;
}

static lac_status find_region(lac_region *region, const char *text, const char *name)
{
    for (int r = LAC_WHOLE; r <= LAC_KNOWN; r++)
        if (strcmp(text, region_name[r]) == 0)
            return *region = (lac_region)r, LAC_OK;
    return LAC_FAIL(LAC_ERR_ARG, "unknown region '%s' in metric '%s': whole, hole or known", text, name);
}

static lac_status unknown_metric(const char *name, int length)
{
    char word[64];
    const char *known[LAC_COUNT(lac_metrics)];
    int n = 0;
    for (; lac_metrics[n].name != NULL; n++)
        known[n] = lac_metrics[n].name;
    snprintf(word, sizeof word, "%.*s", length, name);
    const int near = lac_nearest(word, known, n);
    return near < 0 ? LAC_FAIL(LAC_ERR_ARG, "unknown metric '%s'", word)
                    : LAC_FAIL(LAC_ERR_ARG, "unknown metric '%s'; did you mean '%s'?", word, known[near]);
}

lac_status lac_metric_find(lac_metric *metric, const char *name)
{
    const size_t length = strcspn(name, "@");
    *metric = (lac_metric){ NULL, LAC_WHOLE };
    for (const lac_metric_def *d = lac_metrics; d->name != NULL; d++)
        if (strlen(d->name) == length && strncmp(d->name, name, length) == 0)
            metric->def = d;
    if (metric->def == NULL)
        return unknown_metric(name, (int)length);
    return name[length] == '\0' ? LAC_OK : find_region(&metric->region, name + length + 1, name);
}

lac_status lac_metric_measure(const lac_metric *metric, const lac_pair *p, lac_value *value)
{
    const char *missing = lac_region_missing(p, metric->region);
    if (missing != NULL)
        return *value = lac_undefined(missing), LAC_OK;
    return metric->def->measure(metric->def, p, metric->region, value);
}

lac_status lac_metric_name(const lac_metric *metric, char **name)
{
    const bool whole = metric->region == LAC_WHOLE;
    return lac_format(name, "%s%s%s", metric->def->name, whole ? "" : "@", whole ? "" : region_name[metric->region]);
}

lac_status lac_metric_recipe(const lac_metric *metric, char **recipe)
{
    const char *at = strstr(metric->def->recipe, "%s");
    return lac_format(recipe, "%.*s%s%s", (int)(at - metric->def->recipe), metric->def->recipe, region_name[metric->region], at + 2);
}
