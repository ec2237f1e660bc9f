#include "core/cuda/describe.h"

#include "core/cuda/device.h"
#include "core/cuda/library.h"

#include <stdio.h>

static void cublaslt(char *text, size_t size)
{
    const lac_cublaslt *calls;
    if (lac_cublaslt_open(&calls) != LAC_OK) {
        snprintf(text, size, "missing: %s", lac_error_message());
        return;
    }
    const size_t v = calls->cublasLtGetVersion();
    snprintf(text, size, "%zu.%zu.%zu", v / 10000, v % 10000 / 100, v % 100);
}

static void cudnn(char *text, size_t size)
{
    const lac_cudnn *calls;
    if (lac_cudnn_open(&calls) != LAC_OK) {
        snprintf(text, size, "missing, convolutions run as matrix products: %s", lac_error_message());
        return;
    }
    const size_t v = calls->cudnnGetVersion();
    snprintf(text, size, "%zu.%zu.%zu", v / 10000, v % 10000 / 100, v % 100);
}

void lac_cuda_describe(char *text, size_t size)
{
    char lt[600], dnn[600];
    cublaslt(lt, sizeof lt);
    cudnn(dnn, sizeof dnn);
    snprintf(text, size, "built with CUDA %d.%d for %s\ncuBLASLt %s\ncuDNN %s%s%s", CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10,
             LAC_CUDA_ARCHITECTURES, lt, dnn, lac_cuda_device_name()[0] != '\0' ? "\ndevice " : "", lac_cuda_device_name());
}

void lac_cuda_owner(char *text, size_t size)
{
    char lt[600], dnn[600];
    cublaslt(lt, sizeof lt);
    cudnn(dnn, sizeof dnn);
    snprintf(text, size, "%s, cuBLASLt %s, cuDNN %.60s", lac_cuda_device_name(), lt, dnn);
}
