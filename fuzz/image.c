/* Any bytes at all: lac_image_decode gives a sound image or an error, and the header agrees with what was decoded. */
#include "core/image/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const int channels[] = { 1, 3, 4 };
    lac_image image;
    int64_t height = 0, width = 0;
    const lac_status header = lac_image_probe(bytes, size, &height, &width, "fuzz");
    if (header == LAC_OK && height * width > 1 << 22)       /* sound but slow: nothing new is learnt from more pixels */
        return 0;
    const lac_status s = lac_image_decode(&image, bytes, size, channels[size % 3], "fuzz");
    if (s != LAC_OK && (image.pixels != NULL || lac_error_message()[0] == 0))
        abort();
    if (s == LAC_OK && (header != LAC_OK || image.height != height || image.width != width || image.channels != channels[size % 3]))
        abort();
    lac_image_free(&image);
    return 0;
}
