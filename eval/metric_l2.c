#include "eval/metric_l2.h"

#include "eval/metric_mse.h"

lac_status lac_l2_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    *value = lac_mse(p, region, def->range);
    value->value *= def->variant == LAC_L2_PERCENT ? 100 : 1;
    return LAC_OK;
}
