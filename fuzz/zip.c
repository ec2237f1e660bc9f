/* Any bytes at all as a zip archive: its entries are in order and within the file, and can be read, or it is said why not. */
#include "core/file/zip.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LIMIT = 1 << 20 };

static void read_all(const lac_zip *z)
{
    for (int64_t i = 0; i < z->n; i++) {
        char *bytes, part[16];
        size_t size;
        if (lac_zip_find(z, z->entry[i].name) != i)
            abort();
        lac_error_clear();
        if (lac_zip_read_whole(z, i, LIMIT, &bytes, &size) == LAC_OK) {
            if (size > 16 && (lac_zip_read(z, i, size - 16, part, 16) != LAC_OK || memcmp(bytes + size - 16, part, 16) != 0))
                abort();
            free(bytes);
        } else if (lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lac_zip z;
    const int fd = memfd_create("zip", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    lac_error_clear();
    if (lac_zip_open(&z, fd, size) == LAC_OK) {
        read_all(&z);
        lac_zip_close(&z);
    } else if (lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL) {
        abort();
    }
    close(fd);
    return 0;
}
