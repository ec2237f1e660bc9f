#include "core/sha256.h"
#include "tests/harness/test.h"

#include <string.h>

static const char *hex_of(const char *text, size_t size)
{
    static char hex[LAC_SHA256_HEX];
    uint8_t digest[LAC_SHA256_SIZE];
    lac_sha256_of(text, size, digest);
    lac_sha256_hex(digest, hex);
    return hex;
}

/* FIPS 180-4 examples, and the million letters a. */
LAC_TEST(sha256_gives_the_published_answers)
{
    LAC_CHECK(strcmp(hex_of("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);
    LAC_CHECK(strcmp(hex_of("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
    LAC_CHECK(strcmp(hex_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
                     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1") == 0);
    static char million[1000000];
    memset(million, 'a', sizeof million);
    LAC_CHECK(strcmp(hex_of(million, sizeof million), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0") == 0);
}

LAC_TEST(sha256_does_not_depend_on_the_pieces)
{
    char text[300];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    for (size_t size = 0; size < sizeof text; size++) {
        uint8_t whole[32], pieces[32];
        lac_sha256 h;
        lac_sha256_of(text, size, whole);
        lac_sha256_start(&h);
        for (size_t at = 0; at < size; at += 13)
            lac_sha256_add(&h, text + at, size - at < 13 ? size - at : 13);
        lac_sha256_end(&h, pieces);
        LAC_CHECK(memcmp(whole, pieces, 32) == 0);
    }
}
