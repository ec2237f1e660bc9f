/* core/file/bytes.h -- a range of an open file, whole or an error. */
#pragma once

#include "core/status.h"

/* size bytes from `at`. LAC_ERR_IO, with the system's reason or that the file ends there. Any thread. */
lac_status lac_read_at(int fd, uint64_t at, void *to, size_t size);
