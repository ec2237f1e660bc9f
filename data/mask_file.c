#include "data/mask_file.h"

#include "core/image/paste.h"

#include <inttypes.h>
#include <stdlib.h>

lac_status lac_mask_file_load(lac_mask_file *m, const char *path)
{
    lac_image image = { 0 };
    uint8_t digest[LAC_SHA256_SIZE];
    *m = (lac_mask_file){ 0 };
    LAC_TRY(lac_context(lac_image_load(&image, path, 1), "reading masks"));
    if (image.height % image.width != 0) {
        const lac_status s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %" PRId64 " x %" PRId64 " pixels, expected square masks one below the other",
                                      path, image.height, image.width);
        lac_image_free(&image);
        return s;
    }
    lac_mask_binarise(image.pixels, image.height * image.width);
    *m = (lac_mask_file){ .n = image.height / image.width, .size = image.width, .pixels = image.pixels };
    lac_sha256_of(image.pixels, (size_t)(image.height * image.width), digest);
    lac_sha256_hex(digest, m->hash);
    return LAC_OK;
}

void lac_mask_file_free(lac_mask_file *m)
{
    free(m->pixels);
    *m = (lac_mask_file){ 0 };
}

lac_status lac_mask_file_save(const char *path, const uint8_t *masks, int64_t n, int64_t size)
{
    lac_image image = { 0 };
    LAC_TRY(lac_image_new(&image, n * size, size, 1));
    for (int64_t i = 0; i < n * size * size; i++)
        image.pixels[i] = masks[i] ? 255 : 0;
    const lac_status s = lac_image_save_png(&image, path);
    lac_image_free(&image);
    return s;
}
