/* tests/harness/sealed.h -- the device that trainings are tested on.
 *
 * "cuda host" (device.h) with every block of its memory sealed, no access, but while the backend itself is at work: what reads or writes it
 * from outside dies here, not on somebody's GPU. With LAC_TEST_DEVICE=cuda it is the GPU itself. */
#pragma once

#include "core/backend.h"

const lac_backend *lac_sealed_device(void);
bool lac_sealed_is_host(void);          /* no GPU: what cuda_host_queue.h counts and notes is of this device */
