/* tests/harness/device.h -- the device that tests compare with the CPU.
 *
 * It is "cuda host": the source of the CUDA kernels compiled as host C++ (cuda_host.h), library calls as plain loops
 * (cuda_host_library.c), memory full of NaN until it is written. With LAC_TEST_DEVICE=cuda ops are compared on the GPU instead. */
#pragma once

#include "core/backend.h"

const lac_backend *lac_test_device(void);
const lac_backend *lac_cuda_host(void);         /* always the host: for kernels that are called on memory of a test's own */

/* Threads of "cuda host" run from the last to the first: what follows from no barrier changes. Of no effect on a GPU. */
void lac_cuda_host_downwards(bool on);
