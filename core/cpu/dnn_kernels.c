#include "core/cpu/dnn_kernels.h"

#include "core/cpu/features.h"

extern const lac_dnn_kernels lac_dnn_kernels_base;
#ifdef __x86_64__
extern const lac_dnn_kernels lac_dnn_kernels_v3, lac_dnn_kernels_v4;
#endif

const lac_dnn_kernels *lac_dnn_kernels_here(void)
{
#ifdef __x86_64__
    switch (lac_cpu_level_here()) {
    case LAC_LEVEL_V4: return &lac_dnn_kernels_v4;
    case LAC_LEVEL_V3: return &lac_dnn_kernels_v3;
    case LAC_LEVEL_BASE: break;
    }
#endif
    return &lac_dnn_kernels_base;
}
