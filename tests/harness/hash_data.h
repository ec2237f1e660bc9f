/* tests/harness/hash_data.h -- numbers that a hash of a name makes, so that programs in other languages can be asked about the same data. */
#pragma once

#include <stdint.h>

uint32_t lac_hash_name(const char *name);               /* 32-bit FNV-1a */
double lac_hash_uniform(uint32_t seed, uint32_t i);     /* [0, 1), 24 bits */
/* Element i is low + (high - low) u(hash of the name, i), rounded to f32. */
void lac_hash_fill(double *x, const char *name, int64_t n, double low, double high);
/* A picture [h, w, 3] of one family: byte (3xx + 5yy + 7xy + 11cx + 13y + 17c + 31k) >> 4. */
void lac_hash_picture(uint8_t *pixels, int k, int64_t height, int64_t width);
