/* Any bytes at all as NumPy's .npz: z as the archive itself, else as the array mu.npy of one, whose checksum is right, with as much again as sigma.npy. What is read is as its
 * shape says, and statistics are finite and square; or it is said why not. */
#include "core/file/npz.h"
#include "eval/moments.h"
#include "fuzz/file.h"

#include <math.h>
#include <zlib.h>

typedef struct archive { uint8_t *at, *begin; } archive;

static void put(archive *a, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *a->at++ = (uint8_t)(x >> 8 * i);
}

static void put_bytes(archive *a, const void *bytes, size_t n)
{
    memcpy(a->at, bytes, n);
    a->at += n;
}

/* From the version that is needed to the length of the extra field, as both headers have it. */
static void put_common(archive *a, const uint8_t *bytes, size_t size, const char *name)
{
    put(a, 20, 2), put(a, 0, 2), put(a, 0, 2), put(a, 0, 4);
    put(a, crc32(0, bytes, (uInt)size), 4), put(a, size, 4), put(a, size, 4), put(a, strlen(name), 2), put(a, 0, 2);
}

static size_t pack(uint8_t *to, const uint8_t *bytes, size_t size)
{
    static const char *const names[] = { "mu.npy", "sigma.npy" };
    archive a = { to, to };
    uint32_t header[2];
    for (int i = 0; i < 2; i++) {
        header[i] = (uint32_t)(a.at - a.begin);
        put(&a, 0x04034b50, 4);
        put_common(&a, bytes, size, names[i]);
        put_bytes(&a, names[i], strlen(names[i]));
        put_bytes(&a, bytes, size);
    }
    const uint32_t directory = (uint32_t)(a.at - a.begin);
    for (int i = 0; i < 2; i++) {
        put(&a, 0x02014b50, 4), put(&a, 20, 2);
        put_common(&a, bytes, size, names[i]);
        put(&a, 0, 2), put(&a, 0, 2), put(&a, 0, 2), put(&a, 0, 4), put(&a, header[i], 4);
        put_bytes(&a, names[i], strlen(names[i]));
    }
    const uint32_t end = (uint32_t)(a.at - a.begin);
    put(&a, 0x06054b50, 4), put(&a, 0, 4), put(&a, 2, 2), put(&a, 2, 2), put(&a, end - directory, 4), put(&a, directory, 4), put(&a, 0, 2);
    return (size_t)(a.at - a.begin);
}

static void read_array(const char *path, const char *name, lac_dtype as)
{
    lac_npz *z;
    lac_tensor *x = NULL;
    lac_status s = lac_npz_open(&z, path);
    fuzz_check(s);
    if (s != LAC_OK)
        return;
    s = lac_npz_read(z, name, as, &x);
    fuzz_check(s);
    volatile char last = s == LAC_OK && lac_numel(x) > 0 ? ((char *)x->data)[lac_bytes(x) - 1] : 0;
    (void)last;
    if (s == LAC_OK && (x->dtype != as || lac_numel(x) < 0 || !lac_npz_has(z, name)))
        abort();
    lac_tensor_free(x);
    lac_npz_close(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0 || size > 1 << 20)
        return 0;
    uint8_t *packed = malloc(2 * size + 512);
    if (packed == NULL)
        abort();
    const size_t n = bytes[0] == 'z' ? size - 1 : pack(packed, bytes + 1, size - 1);
    const char *path = fuzz_file("x.npz", bytes[0] == 'z' ? bytes + 1 : packed, n);
    lac_error_clear();
    read_array(path, "mu", LAC_F64);
    read_array(path, "sigma", LAC_F32);
    lac_moments m;
    const lac_status s = lac_moments_load(&m, path);
    fuzz_check(s);
    for (int64_t i = 0; s == LAC_OK && m.mean != NULL && i < m.n * m.n; i++)
        if (!isfinite(m.covariance[i]))
            abort();
    lac_moments_free(&m);
    free(packed);
    return 0;
}
