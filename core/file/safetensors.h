/* core/file/safetensors.h -- the container of weights.h: a header of JSON that names byte ranges, then the bytes.
 *
 *     u64 little-endian: header's length | {"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...} | data
 *
 * `__metadata__` in the header is a table of strings. Used by weights.c alone. */
#pragma once

#include "core/file/stored.h"

#include <jansson.h>

/* Reads and checks the header of an open regular file of file_size bytes. Its tensors go into *c, empty until now; *metadata (NULL
 * when the file has none) is a new reference on success, untouched on failure. LAC_ERR_FORMAT for whatever is not as weights.h says, LAC_ERR_IO, LAC_ERR_MEM. */
lac_status lac_safetensors_read(int fd, uint64_t file_size, lac_contents *c, json_t **metadata);

/* The header of these tensors (by name) as *bytes, *size, padded with spaces to a multiple of 8 with its length before it; fills
 * in each `at`. Tensors of wider dtypes lie first, so that every one of them is aligned to its dtype. free(*bytes). */
lac_status lac_safetensors_header(lac_stored *entry, int64_t n, json_t *metadata, char **bytes, size_t *size);
