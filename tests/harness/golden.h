/* tests/harness/golden.h -- tensors of tests/golden/NAME.safetensors by name; a missing one fails the test. */
#pragma once

#include "core/file/weights.h"

#include <stdbool.h>

typedef struct lac_golden { lac_weights *file; } lac_golden;

lac_golden lac_golden_open(const char *name);                   /* "resample.safetensors" */
void lac_golden_close(lac_golden *g);

bool lac_golden_has(const lac_golden *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Bytes as stored, to be freed; *shape is filled in unless NULL. */
void *lac_golden_get(const lac_golden *g, lac_shape *shape, const char *format, ...) __attribute__((format(printf, 3, 4)));
