#include "core/utf8.h"

#include <stdint.h>

/* Bytes that follow a first byte, or -1. */
static int following(uint8_t first)
{
    if (first < 0x80)
        return first == 0 ? -1 : 0;
    if (first < 0xc2 || first > 0xf4)
        return -1;
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

/* The second byte's range is narrower where the first alone would allow overlong forms, surrogates or too large a value. */
static bool second_fits(uint8_t first, uint8_t second)
{
    const uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80, most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= least && second <= most;
}

bool lac_utf8_valid(const char *text, size_t n)
{
    const uint8_t *s = (const uint8_t *)text;
    for (size_t i = 0; i < n;) {
        const int more = following(s[i]);
        if (more < 0 || i + (size_t)more >= n || (more > 0 && !second_fits(s[i], s[i + 1])))
            return false;
        for (int k = 2; k <= more; k++)
            if ((s[i + (size_t)k] & 0xc0) != 0x80)
                return false;
        i += 1 + (size_t)more;
    }
    return true;
}
