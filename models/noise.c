#include "models/noise.h"

#include "core/philox.h"

lac_status lac_noise_new(lac_tensor **x, const lac_ask *ask, int ndim, const int64_t *dim, const char *purpose, uint32_t step)
{
    LAC_TRY(lac_tensor_new(x, LAC_F32, ndim, dim));
    const int64_t each = dim[0] > 0 ? lac_numel(*x) / dim[0] : 0;
    for (int64_t i = 0; i < dim[0]; i++) {
        const lac_philox p = lac_philox_at(ask[i].seed, lac_purpose(purpose), step, ask[i].sample);
        lac_philox_normals(&p, (float *)(*x)->data + i * each, each);
    }
    return LAC_OK;
}
