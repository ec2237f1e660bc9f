/* core/cuda/describe.h -- what the CUDA backend is and runs on, in words. */
#pragma once

#include <stddef.h>

/* For lacuna doctor, a line each: toolkit of the build, architectures, libraries found (or why not), device where one was started. */
void lac_cuda_describe(char *text, size_t size);

/* Device and versions on one line: whom timed choices belong to. */
void lac_cuda_owner(char *text, size_t size);
