#include "core/sha256.h"

#include "core/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void schedule(uint32_t w[64], const uint8_t *p)
{
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        const uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
        const uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
}

static void compress(uint32_t state[8], const uint8_t *p)
{
    uint32_t w[64], s[8];
    schedule(w, p);
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        const uint32_t e = turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25), choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        const uint32_t a = turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22);
        const uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        const uint32_t t = s[7] + e + choice + round_constant[i] + w[i];
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t;
        s[0] = t + a + majority;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

void lac_sha256_start(lac_sha256 *h)
{
    *h = (lac_sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void lac_sha256_add(lac_sha256 *h, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    while (size > 0) {
        const size_t at = h->bytes % 64, room = 64 - at, n = size < room ? size : room;
        if (n == 64) {
            compress(h->state, p);
        } else {
            memcpy(h->block + at, p, n);
            if (at + n == 64)
                compress(h->state, h->block);
        }
        h->bytes += n;
        p += n;
        size -= n;
    }
}

void lac_sha256_end(lac_sha256 *h, uint8_t digest[LAC_SHA256_SIZE])
{
    static const uint8_t padding[64] = { 0x80 };
    const uint64_t bits = 8 * h->bytes;
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    lac_sha256_add(h, padding, 1 + (119 - h->bytes % 64) % 64);
    lac_sha256_add(h, length, sizeof length);
    for (int i = 0; i < LAC_SHA256_SIZE; i++)
        digest[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

void lac_sha256_of(const void *bytes, size_t size, uint8_t digest[LAC_SHA256_SIZE])
{
    lac_sha256 h;
    lac_sha256_start(&h);
    lac_sha256_add(&h, bytes, size);
    lac_sha256_end(&h, digest);
}

void lac_sha256_hex(const uint8_t digest[LAC_SHA256_SIZE], char text[LAC_SHA256_HEX])
{
    for (int i = 0; i < LAC_SHA256_SIZE; i++) {
        text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    text[2 * LAC_SHA256_SIZE] = '\0';
}

/* ---- files ---- */

static lac_status hash_stream(FILE *f, const char *path, char hex[LAC_SHA256_HEX])
{
    enum { PIECE = 1 << 18 };
    lac_sha256 h;
    uint8_t digest[LAC_SHA256_SIZE];
    char *piece;
    LAC_TRY(lac_malloc((void **)&piece, PIECE));
    lac_sha256_start(&h);
    for (size_t n; (n = fread(piece, 1, PIECE, f)) > 0;)
        lac_sha256_add(&h, piece, n);
    lac_sha256_end(&h, digest);
    lac_sha256_hex(digest, hex);
    free(piece);
    return ferror(f) ? LAC_FAIL(LAC_ERR_IO, "cannot read '%s': %s", path, strerror(errno)) : LAC_OK;
}

lac_status lac_sha256_file(const char *path, char hex[LAC_SHA256_HEX])
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return LAC_FAIL(LAC_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    const lac_status s = hash_stream(f, path, hex);
    fclose(f);
    return s;
}
