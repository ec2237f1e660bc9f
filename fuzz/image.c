/* Any bytes at all: lac_image_decode gives a sound image or an error, and the header agrees with what was decoded. */
#include "core/image/image.h"

#include <stdlib.h>
#include <string.h>

static uint32_t crc(const uint8_t *p, size_t n)
{
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    }
    return ~c;
}

static uint32_t word(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* Puts right the checksum of every PNG chunk: else a changed byte is hardly ever seen by more than the checksum test. */
static void mend(uint8_t *bytes, size_t size)
{
    for (size_t at = 8; size >= 12 && at <= size - 12;) {
        const size_t n = word(bytes + at);
        if (n > size - 12 - at)
            return;
        const uint32_t c = crc(bytes + at + 4, n + 4);
        for (int k = 0; k < 4; k++)
            bytes[at + 8 + n + (size_t)k] = (uint8_t)(c >> (24 - 8 * k));
        at += 12 + n;
    }
}

static void decode(const uint8_t *bytes, size_t size)
{
    static const int channels[] = { 1, 3, 4 };
    lac_image image;
    int64_t height = 0, width = 0;
    const lac_status header = lac_image_probe(bytes, size, &height, &width, "fuzz");
    if (header == LAC_OK && height * width > 1 << 22)       /* sound but slow: nothing new is learnt from more pixels */
        return;
    const lac_status s = lac_image_decode(&image, bytes, size, channels[size % 3], "fuzz");
    if (s != LAC_OK && (image.pixels != NULL || lac_error_message()[0] == 0))
        abort();
    if (s == LAC_OK && (header != LAC_OK || image.height != height || image.width != width || image.channels != channels[size % 3]))
        abort();
    lac_image_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *own = malloc(size ? size : 1);
    if (own == NULL)
        return 0;
    memcpy(own, bytes, size);
    if (size >= 8 && own[0] == 0x89 && own[size - 1] % 4 != 0)
        mend(own, size);
    decode(own, size);
    free(own);
    return 0;
}
