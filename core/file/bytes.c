#include "core/file/bytes.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

lac_status lac_read_at(int fd, uint64_t at, void *to, size_t size)
{
    for (size_t n = 0; n < size;) {
        const ssize_t got = pread(fd, (char *)to + n, size - n, (off_t)(at + n));
        if (got == 0)
            return LAC_FAIL(LAC_ERR_IO, "the file ends at byte %llu, %zu bytes at %llu wanted", (unsigned long long)(at + n), size, (unsigned long long)at);
        if (got < 0 && errno != EINTR)
            return LAC_FAIL(LAC_ERR_IO, "cannot read: %s", strerror(errno));
        n += got > 0 ? (size_t)got : 0;
    }
    return LAC_OK;
}
