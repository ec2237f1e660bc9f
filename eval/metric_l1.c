#include "eval/metric_l1.h"

lac_value lac_l1(const lac_pair *p, lac_region region, double range)
{
    const char *missing = lac_region_missing(p, region);
    if (missing != NULL)
        return lac_undefined(missing);
    const lac_differences d = lac_differences_of(p, region);
    return (lac_value){ (double)d.absolute / (double)d.values * (range / 255), NULL };
}

lac_status lac_l1_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    return *value = lac_l1(p, region, def->range), LAC_OK;
}
