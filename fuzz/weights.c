/* Any bytes at all as a file of weights (safetensors; seeds of tests/golden/torch: PyTorch's): what opens is in order, is no more than the
 * file can hold, deflated at most 1032 to 1, and can be read whole; only what is packed may turn out damaged. */
#include "core/file/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void read_all(const lac_weights *w, const uint8_t *head, size_t file_size)
{
    for (int64_t i = 0; i < lac_weights_count(w); i++) {
        const lac_shape shape = lac_weights_shape(w, i);
        const size_t n = (size_t)lac_shape_numel(&shape), size = n * lac_dtype_size(lac_weights_dtype(w, i));
        const bool zip = file_size > 4 && memcmp(head, "PK\3\4", 4) == 0;
        if (size > (zip ? 1032 * (file_size + 1) : file_size) || lac_weights_find(w, lac_weights_name(w, i)) != i)
            abort();
        if (i > 0 && strcmp(lac_weights_name(w, i - 1), lac_weights_name(w, i)) >= 0)
            abort();
        void *bytes = malloc(size + 1);
        float *floats = malloc(n * sizeof *floats + 1);
        if ((lac_weights_read(w, i, bytes, size) != LAC_OK || lac_weights_read_f32(w, i, floats) != LAC_OK) && !zip)
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
        read_all(w, bytes, size);
    lac_weights_close(w);
    close(fd);
    return 0;
}
