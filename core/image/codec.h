/* core/image/codec.h -- what image.c asks of the two formats; folder-local.
 *
 * Decoders give the file's own channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. image.c turns them into what was asked. */
#pragma once

#include "core/image/image.h"

/* rows: how many are wanted, from the top; 0: all. A decoder may give more. clips: 16-bit grey is clipped at 255, and not its high byte. */
typedef struct lac_codec_file { const uint8_t *bytes; size_t size; const char *name; int64_t rows; bool clips; } lac_codec_file;

bool lac_png_is(const lac_codec_file *file);
lac_status lac_png_size(const lac_codec_file *file, int64_t *height, int64_t *width);
lac_status lac_png_decode(const lac_codec_file *file, lac_image *image);

bool lac_jpeg_is(const lac_codec_file *file);
lac_status lac_jpeg_size(const lac_codec_file *file, int64_t *height, int64_t *width);
lac_status lac_jpeg_decode(const lac_codec_file *file, lac_image *image);

/* Refuses a size that is empty, above LAC_IMAGE_MAX_PIXELS, or above what `size` bytes can hold at `per_byte` pixels each. */
lac_status lac_codec_check_size(const lac_codec_file *file, int64_t height, int64_t width, int64_t per_byte);
/* Memory for a checked size, not cleared; channels 1 to 4. */
lac_status lac_codec_image(lac_image *image, int64_t height, int64_t width, int channels);
