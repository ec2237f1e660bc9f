#include "core/image/codec.h"
#include "core/memory.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* Deflate packs at most 1032 to 1, and a pixel takes at least one bit. */
enum { PIXELS_PER_BYTE = 1032 * 8 };

/* libpng leaves by longjmp; whatever must survive that lies here, not in locals. */
typedef struct reading {
    const lac_codec_file *file;
    size_t at;
    png_structp png;
    png_infop info;
    uint8_t **rows;
    char why[160];
} reading;

static void stop_reading(png_structp png, png_const_charp why)
{
    reading *r = png_get_error_ptr(png);
    snprintf(r->why, sizeof r->why, "%s", why);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp why) { (void)png, (void)why; }

static void take_bytes(png_structp png, png_bytep to, size_t n)
{
    reading *r = png_get_io_ptr(png);
    if (n > r->file->size - r->at)
        png_error(png, "the file ends early");
    memcpy(to, r->file->bytes + r->at, n);
    r->at += n;
}

static lac_status broken(const reading *r) { return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not a sound PNG: %s", r->file->name, r->why); }

static void close_reading(reading *r)
{
    png_destroy_read_struct(&r->png, &r->info, NULL);
    free(r->rows);
}

static lac_status read_header(reading *r)
{
    if (setjmp(png_jmpbuf(r->png)))
        return broken(r);
    png_read_info(r->png, r->info);
    const int64_t height = png_get_image_height(r->png, r->info), width = png_get_image_width(r->png, r->info);
    return lac_codec_check_size(r->file, height, width, PIXELS_PER_BYTE);
}

static lac_status open_reading(reading *r, const lac_codec_file *file)
{
    *r = (reading){ .file = file };
    r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, stop_reading, ignore_warning);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    if (r->info == NULL) {
        close_reading(r);
        return LAC_FAIL(LAC_ERR_MEM, "no memory to read '%s'", file->name);
    }
    png_set_read_fn(r->png, r, take_bytes);
    const lac_status s = read_header(r);
    if (s != LAC_OK)
        close_reading(r);
    return s;
}

static bool is_wide_grey(const reading *r)
{
    return png_get_bit_depth(r->png, r->info) == 16 && png_get_color_type(r->png, r->info) == PNG_COLOR_TYPE_GRAY;
}

/* 8 bits for every kind; what is grey stays grey, an alpha channel or a transparent colour becomes alpha. Clipped grey stays as it is. */
static lac_status ask_for_bytes(reading *r, bool clipped)
{
    if (setjmp(png_jmpbuf(r->png)))
        return broken(r);
    if (!clipped) {
        png_set_expand(r->png);
        png_set_strip_16(r->png);
    }
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    return LAC_OK;
}

static lac_status read_pixels(reading *r)
{
    if (setjmp(png_jmpbuf(r->png)))
        return broken(r);
    png_read_image(r->png, r->rows);
    png_read_end(r->png, NULL);
    return LAC_OK;
}

/* Two bytes a pixel, the high one first, become one. */
static void clip(lac_image *image)
{
    const int64_t n = image->height * image->width;
    for (int64_t i = 0; i < n; i++)
        image->pixels[i] = image->pixels[2 * i] != 0 ? 255 : image->pixels[2 * i + 1];
    image->channels = 1;
}

static lac_status decode(reading *r, lac_image *image)
{
    const bool clipped = r->file->clips && is_wide_grey(r);
    LAC_TRY(ask_for_bytes(r, clipped));
    LAC_TRY(lac_codec_image(image, png_get_image_height(r->png, r->info), png_get_image_width(r->png, r->info),
                            clipped ? 2 : png_get_channels(r->png, r->info)));
    LAC_TRY(lac_malloc((void **)&r->rows, (size_t)image->height * sizeof *r->rows));
    for (int64_t y = 0; y < image->height; y++)
        r->rows[y] = image->pixels + y * image->width * image->channels;
    LAC_TRY(read_pixels(r));
    if (clipped)
        clip(image);
    return LAC_OK;
}

bool lac_png_is(const lac_codec_file *file) { return file->size >= 8 && png_sig_cmp(file->bytes, 0, 8) == 0; }

lac_status lac_png_size(const lac_codec_file *file, int64_t *height, int64_t *width)
{
    reading r;
    LAC_TRY(open_reading(&r, file));
    *height = png_get_image_height(r.png, r.info);
    *width = png_get_image_width(r.png, r.info);
    close_reading(&r);
    return LAC_OK;
}

lac_status lac_png_decode(const lac_codec_file *file, lac_image *image)
{
    reading r;
    LAC_TRY(open_reading(&r, file));
    const lac_status s = decode(&r, image);
    close_reading(&r);
    return s;
}

typedef struct writing {
    png_structp png;
    png_infop info;
    uint8_t *bytes;
    size_t size, capacity;
    lac_status status;
} writing;

static void stop_writing(png_structp png, png_const_charp why)
{
    writing *w = png_get_error_ptr(png);
    if (w->status == LAC_OK)
        w->status = LAC_FAIL(LAC_ERR_LIBRARY, "cannot encode a PNG: %s", why);
    png_longjmp(png, 1);
}

static void put_bytes(png_structp png, png_bytep from, size_t n)
{
    writing *w = png_get_io_ptr(png);
    if (n > w->capacity - w->size) {
        const size_t capacity = 2 * (w->capacity + n);
        w->status = lac_realloc((void **)&w->bytes, capacity);
        if (w->status != LAC_OK)
            png_error(png, "no memory");
        w->capacity = capacity;
    }
    memcpy(w->bytes + w->size, from, n);
    w->size += n;
}

static void nothing_to_flush(png_structp png) { (void)png; }

static lac_status write_pixels(writing *w, const lac_image *image)
{
    if (setjmp(png_jmpbuf(w->png)))
        return w->status;
    const int colour = image->channels == 1 ? PNG_COLOR_TYPE_GRAY : image->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA;
    png_set_write_fn(w->png, w, put_bytes, nothing_to_flush);
    png_set_IHDR(w->png, w->info, (png_uint_32)image->width, (png_uint_32)image->height, 8, colour, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(w->png, w->info);
    for (int64_t y = 0; y < image->height; y++)
        png_write_row(w->png, image->pixels + y * image->width * image->channels);
    png_write_end(w->png, NULL);
    return LAC_OK;
}

lac_status lac_image_encode_png(const lac_image *image, uint8_t **bytes, size_t *size)
{
    *bytes = NULL;
    if (image->pixels == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "cannot encode an empty image");
    writing w = { 0 };
    w.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, stop_writing, ignore_warning);
    w.info = w.png ? png_create_info_struct(w.png) : NULL;
    const lac_status s = w.info ? write_pixels(&w, image) : LAC_FAIL(LAC_ERR_MEM, "no memory to encode a PNG");
    png_destroy_write_struct(&w.png, &w.info);
    if (s != LAC_OK) {
        free(w.bytes);
        return s;
    }
    *bytes = w.bytes;
    *size = w.size;
    return LAC_OK;
}
