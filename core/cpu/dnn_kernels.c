#include "core/cpu/dnn_kernels.h"

#include "core/cpu/dnn.h"
#include "core/cpu/features.h"
#include "core/threads.h"

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

void lac_dnn_column_sums(const void *x, lac_dtype d, int64_t rows, int64_t columns, float *to, bool add)
{
    const lac_dnn_kernels *k = lac_dnn_kernels_here();
    LAC_PARALLEL_FOR(i, (columns + LAC_DNN_COLUMNS - 1) / LAC_DNN_COLUMNS) {
        const int64_t from = i * LAC_DNN_COLUMNS;
        k->sum_columns(to + from, add, (const char *)x + from * (int64_t)lac_dtype_size(d), d, rows, columns, LAC_MIN(LAC_DNN_COLUMNS, columns - from));
    }
}
