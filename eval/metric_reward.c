#include "eval/metric_reward.h"

lac_status lac_reward_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    (void)def;
    (void)region;
    *value = (lac_value){ .value = p->feature[0] };
    return LAC_OK;
}
