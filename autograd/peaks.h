/* autograd/peaks.h -- what a device can do just now: what the times of kernels are held against. */
#pragma once

#include "core/backend.h"

typedef struct lac_peaks {
    double copy_gbs;            /* bytes read and bytes written */
    double gflops;
    char of[64];                /* "f32 multiply-adds", "bf16 products": what gflops counts */
} lac_peaks;

/* The CPU: copies and f32 multiply-adds of core/cpu/peak.h, in bf16 a product (linear) of 2048x2048 random numbers. A device with a queue: copies of
 * 512 MiB within it, and a product of 8192x8192 numbers of dtype d; 1 GiB of its memory, two seconds. */
lac_status lac_peaks_measure(const lac_backend *b, lac_dtype d, lac_peaks *p);

/* The device in words for a report, one line: "Intel(R) Xeon(R) Processor, 2 threads"; "NVIDIA H100 80GB HBM3, cuBLASLt 13.1.0, cuDNN 9.19.0, ...". */
void lac_device_words(const lac_backend *b, char *text, size_t size);
