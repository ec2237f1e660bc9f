#include "eval/metric_psnr.h"

#include "eval/metric_mse.h"

#include <math.h>

lac_value lac_psnr(const lac_pair *p, lac_region region)
{
    const lac_value mse = lac_mse(p, region, 1);
    if (mse.reason != NULL)
        return mse;
    if (mse.value == 0)
        return lac_undefined("equal pictures");
    return (lac_value){ -10 * log10(mse.value), NULL };
}

lac_value lac_psnr_brushnet(const lac_pair *p)
{
    const lac_value mse = lac_mse_brushnet(p);
    if (mse.reason != NULL)
        return mse;
    return (lac_value){ mse.value < 1e-10 ? 1000 : -10 * log10(mse.value), NULL };
}

lac_status lac_psnr_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    return *value = def->variant == LAC_PSNR_BRUSHNET ? lac_psnr_brushnet(p) : lac_psnr(p, region), LAC_OK;
}
