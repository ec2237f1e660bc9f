/* core/sha256.h -- SHA-256 (FIPS 180-4): names the content of records, sets and masks. */
#pragma once

#include "core/status.h"

enum { LAC_SHA256_SIZE = 32, LAC_SHA256_HEX = 65 };

typedef struct lac_sha256 { uint32_t state[8]; uint64_t bytes; uint8_t block[64]; } lac_sha256;

void lac_sha256_start(lac_sha256 *h);
void lac_sha256_add(lac_sha256 *h, const void *bytes, size_t size);
void lac_sha256_end(lac_sha256 *h, uint8_t digest[LAC_SHA256_SIZE]);

void lac_sha256_of(const void *bytes, size_t size, uint8_t digest[LAC_SHA256_SIZE]);
lac_status lac_sha256_file(const char *path, char hex[LAC_SHA256_HEX]);        /* LAC_ERR_IO */
void lac_sha256_hex(const uint8_t digest[LAC_SHA256_SIZE], char text[LAC_SHA256_HEX]);
