/* core/cpu/peak.h -- what the machine can do just now, on all threads; measured in about 0.3 s. */
#pragma once

#include "core/status.h"

typedef struct lac_peak {
    double fma_gflops;          /* f32, 2 per multiply-add: independent chains in registers */
    double copy_gbs;            /* bytes read and bytes written, of 64 MiB */
} lac_peak;

lac_status lac_peak_measure(lac_peak *p);
