/* core/crc32c.h -- CRC-32C (Castagnoli), as in RFC 3720: what TFRecord frames and our checkpoints are checked with. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 at the start) over n bytes. */
uint32_t lac_crc32c(uint32_t crc, const void *bytes, size_t n);
