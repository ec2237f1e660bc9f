/* Any bytes at all as a safetensors file: what opens is in order, lies within the file, and can be read whole. */
#include "core/file/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void read_all(const lac_weights *w, size_t file_size)
{
    for (int64_t i = 0; i < lac_weights_count(w); i++) {
        const lac_shape shape = lac_weights_shape(w, i);
        const size_t n = (size_t)lac_shape_numel(&shape), size = n * lac_dtype_size(lac_weights_dtype(w, i));
        if (size > file_size || lac_weights_find(w, lac_weights_name(w, i)) != i)
            abort();
        if (i > 0 && strcmp(lac_weights_name(w, i - 1), lac_weights_name(w, i)) >= 0)
            abort();
        void *bytes = malloc(size + 1);
        float *floats = malloc(n * sizeof *floats + 1);
        if (lac_weights_read(w, i, bytes, size) != LAC_OK || lac_weights_read_f32(w, i, floats) != LAC_OK)
            abort();
        free(bytes);
        free(floats);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[64];
    lac_weights *w = NULL;
    const int fd = memfd_create("weights", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    lac_error_clear();
    const lac_status s = lac_weights_open(&w, path);
    if (s != LAC_OK && (w != NULL || lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL))
        abort();
    if (s == LAC_OK)
        read_all(w, size);
    lac_weights_close(w);
    close(fd);
    return 0;
}
