/* tests/harness/device.h -- the device that tests compare with the CPU.
 *
 * It is "cuda host": the source of the CUDA kernels compiled as host C++ (cuda_host.h), library calls as plain loops
 * (cuda_host_library.c), memory full of NaN until it is written. With LAC_TEST_DEVICE=cuda, which is read in device.c alone, it is the GPU:
 * every test that names no device of its own runs there (scripts/test --device cuda, bin/device-tests of a bundle). */
#pragma once

#include "core/backend.h"

const lac_backend *lac_test_device(void);
const lac_backend *lac_cuda_host(void);         /* always the host: for kernels that no backend's table holds */
const char *lac_test_device_name(void);          /* "cuda", for a program that is started with it; NULL: the host */
bool lac_test_on_gpu(void);                     /* lac_test_device is no host: what cuda_host_queue.h counts and notes is not of it */

/* Memory of a device, 64-byte aligned, with a copy of size bytes of the host; and back into the host's memory, freed. */
void *lac_test_move_in(const lac_backend *b, const void *from, size_t size);
void lac_test_move_out(const lac_backend *b, void *to, void *p, size_t size);

/* Threads of "cuda host" run from the last to the first: what follows from no barrier changes. Of no effect on a GPU. */
void lac_cuda_host_downwards(bool on);
