/* core/cuda/library.h -- cuBLASLt and cuDNN, opened when the backend starts, so that a machine without one of them says so in one
 * line, or does without.
 *
 * Looked for by name as the system does (LD_LIBRARY_PATH, ld.so.conf), then in the folders of $LACUNA_CUDA_PATH (separated by colons),
 * then where the toolkit of the build had them. */
#pragma once

#include "core/status.h"

#include <cublasLt.h>
#include <cudnn.h>

#define LAC_CUBLASLT_CALLS(X)                                                                                   \
    X(cublasLtCreate) X(cublasLtGetVersion) X(cublasLtGetStatusString) X(cublasLtMatmul)                        \
    X(cublasLtMatmulDescCreate) X(cublasLtMatmulDescDestroy) X(cublasLtMatmulDescSetAttribute)                  \
    X(cublasLtMatrixLayoutCreate) X(cublasLtMatrixLayoutDestroy) X(cublasLtMatrixLayoutSetAttribute)            \
    X(cublasLtMatmulPreferenceCreate) X(cublasLtMatmulPreferenceDestroy) X(cublasLtMatmulPreferenceSetAttribute) \
    X(cublasLtMatmulAlgoGetHeuristic) X(cublasLtMatmulAlgoCheck)

#define LAC_CUDNN_CALLS(X)                                                                                      \
    X(cudnnCreate) X(cudnnDestroy) X(cudnnSetStream) X(cudnnGetVersion) X(cudnnGetErrorString)                  \
    X(cudnnGetLastErrorString) X(cudnnBackendCreateDescriptor) X(cudnnBackendDestroyDescriptor)                 \
    X(cudnnBackendSetAttribute) X(cudnnBackendGetAttribute) X(cudnnBackendFinalize) X(cudnnBackendExecute)

#define LAC_CALL(name) __typeof__(&name) name;
typedef struct lac_cublaslt { LAC_CUBLASLT_CALLS(LAC_CALL) } lac_cublaslt;
typedef struct lac_cudnn { LAC_CUDNN_CALLS(LAC_CALL) } lac_cudnn;
#undef LAC_CALL

/* The calls, opened once; fail with LAC_ERR_LIBRARY, always with the same line, where the library is not there. */
lac_status lac_cublaslt_open(const lac_cublaslt **calls);
lac_status lac_cudnn_open(const lac_cudnn **calls);
