#include "eval/metric_mse.h"

lac_value lac_mse(const lac_pair *p, lac_region region, double range)
{
    const char *missing = lac_region_missing(p, region);
    if (missing != NULL)
        return lac_undefined(missing);
    const lac_differences d = lac_differences_of(p, region);
    const double scale = range / 255;
    return (lac_value){ (double)d.square / (double)d.values * (scale * scale), NULL };
}

lac_value lac_mse_brushnet(const lac_pair *p)
{
    lac_value v = lac_mse(p, LAC_KNOWN, 1);
    v.value *= 3;
    return v;
}

lac_status lac_mse_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    return *value = def->variant == LAC_MSE_BRUSHNET ? lac_mse_brushnet(p) : lac_mse(p, region, def->range), LAC_OK;
}
