/* tests/harness/sealed.h -- the device that trainings are tested on.
 *
 * "cuda host" (device.h) with every block of its memory sealed, no access, but while the backend itself is at work: what reads or writes it
 * from outside dies here, not on somebody's GPU. Where lac_test_on_gpu, it is the GPU itself. */
#pragma once

#include "core/backend.h"

const lac_backend *lac_sealed_device(void);
