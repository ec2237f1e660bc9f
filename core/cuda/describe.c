#include "core/cuda/describe.h"

#include "core/cuda/device.h"
#include "core/cuda/library.h"
#include "core/cuda/nccl.h"

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

static void nccl(char *text, size_t size)
{
    const lac_nccl *calls;
    int v = 0;
    if (lac_nccl_open(&calls) != LAC_OK || calls->ncclGetVersion(&v) != LAC_NCCL_OK) {
        snprintf(text, size, "missing, no training on several GPUs: %s", lac_error_message());
        return;
    }
    snprintf(text, size, "%d.%d.%d", v / 10000, v % 10000 / 100, v % 100);
}

void lac_cuda_describe(char *text, size_t size)
{
    char lt[600], dnn[600], between[600];
    cublaslt(lt, sizeof lt);
    cudnn(dnn, sizeof dnn);
    nccl(between, sizeof between);
    snprintf(text, size, "built with CUDA %d.%d for %s\ncuBLASLt %s\ncuDNN %s\nNCCL %s%s%s", CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10,
             LAC_CUDA_ARCHITECTURES, lt, dnn, between, lac_cuda_device_name()[0] != '\0' ? "\ndevice " : "", lac_cuda_device_name());
}

void lac_cuda_owner(char *text, size_t size)
{
    char lt[600], dnn[600];
    cublaslt(lt, sizeof lt);
    cudnn(dnn, sizeof dnn);
    snprintf(text, size, "%s, cuBLASLt %s, cuDNN %.60s", lac_cuda_device_name(), lt, dnn);
}
