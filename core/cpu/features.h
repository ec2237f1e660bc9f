/* core/cpu/features.h -- what this CPU can do. */
#pragma once

#include <stdbool.h>

typedef enum { LAC_LEVEL_BASE, LAC_LEVEL_V3, LAC_LEVEL_V4 } lac_cpu_level;

lac_cpu_level lac_cpu_level_here(void);         /* LAC_CPU_LEVEL=base|v3|v4 in the environment lowers it, for tests: below v4 there is no bf16 */
bool lac_cpu_has_amx_bf16(void);                /* and the system lets this process use the tiles */
bool lac_cpu_has_avx512_bf16(void);
const char *lac_cpu_model(void);                /* "Intel(R) Xeon(R) Processor", from /proc/cpuinfo */
int lac_cpu_physical_cores(void);
