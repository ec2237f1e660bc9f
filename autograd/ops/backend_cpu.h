/* autograd/ops/backend_cpu.h -- the CPU as a backend, at the level of instruction set this CPU has. */
#pragma once

#include "core/backend.h"

lac_status lac_backend_cpu_register(void);
