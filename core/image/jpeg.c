#include "core/image/codec.h"
#include "core/memory.h"

#include <stdio.h>
#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>
#include <stdlib.h>

/* A Huffman code has at least one bit, and an 8 x 8 block at least one code (chroma blocks only add to that);
 * arithmetic coding knows no such bound. */
enum { PIXELS_PER_BYTE = 8 * 64, MAX_SCANS = 200 };

/* libjpeg leaves through error_exit, which must not return; whatever must survive the jump lies here, not in locals. */
typedef struct reading {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf stop;
    char why[JMSG_LENGTH_MAX];
    const lac_codec_file *file;
    uint8_t *row;                   /* one row of CMYK */
} reading;

static void stop_reading(j_common_ptr jpeg)
{
    reading *r = jpeg->client_data;
    jpeg->err->format_message(jpeg, r->why);
    longjmp(r->stop, 1);
}

/* Warnings below zero tell of damaged data, but for three: odd header versions, and stray bytes between segments. */
static void on_message(j_common_ptr jpeg, int level)
{
    const int code = jpeg->err->msg_code;
    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_JFIF_MAJOR && code != JWRN_ADOBE_XFORM)
        stop_reading(jpeg);
}

/* Each scan of a progressive file walks the whole picture: a small file with thousands of them would hold us for hours. */
static void on_progress(j_common_ptr jpeg)
{
    if (((j_decompress_ptr)jpeg)->input_scan_number <= MAX_SCANS)
        return;
    reading *r = jpeg->client_data;
    snprintf(r->why, sizeof r->why, "more than %d scans", MAX_SCANS);
    longjmp(r->stop, 1);
}

static lac_status broken(const reading *r) { return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not a sound JPEG: %s", r->file->name, r->why); }

static lac_status read_header(reading *r)
{
    struct jpeg_decompress_struct *j = &r->jpeg;
    if (setjmp(r->stop))
        return broken(r);
    jpeg_create_decompress(j);
    j->progress = &r->progress;
    jpeg_mem_src(j, r->file->bytes, r->file->size);
    jpeg_read_header(j, TRUE);
    if (j->num_components != 1 && j->num_components != 3 && j->num_components != 4)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': a JPEG of %d components; 1, 3 or 4 are read", r->file->name, j->num_components);
    return lac_codec_check_size(r->file, j->image_height, j->image_width, j->arith_code ? LAC_IMAGE_MAX_PIXELS : PIXELS_PER_BYTE);
}

static void close_reading(reading *r)
{
    jpeg_destroy_decompress(&r->jpeg);
    free(r->row);
}

static lac_status open_reading(reading *r, const lac_codec_file *file)
{
    *r = (reading){ .file = file };
    r->jpeg.err = jpeg_std_error(&r->errors);
    r->jpeg.client_data = r;
    r->errors.error_exit = stop_reading;
    r->errors.emit_message = on_message;
    r->progress.progress_monitor = on_progress;
    const lac_status s = read_header(r);
    if (s != LAC_OK)
        close_reading(r);
    return s;
}

/* Adobe stores ink inverted: 255 is none. RGB = K * (1 - ink), as Pillow rounds it. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *cmyk, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int c = 0; c < 3; c++) {
            const int black = cmyk[4 * i + 3], t = (255 - cmyk[4 * i + c]) * black + 128;
            rgb[3 * i + c] = (uint8_t)(black - ((t + (t >> 8)) >> 8));
        }
}

static lac_status start(reading *r)
{
    struct jpeg_decompress_struct *j = &r->jpeg;
    if (setjmp(r->stop))
        return broken(r);
    j->dct_method = JDCT_ISLOW;
    j->do_fancy_upsampling = TRUE;
    j->out_color_space = j->num_components == 1 ? JCS_GRAYSCALE : j->num_components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_start_decompress(j);
    return LAC_OK;
}

static lac_status read_pixels(reading *r, const lac_image *image)
{
    struct jpeg_decompress_struct *j = &r->jpeg;
    if (setjmp(r->stop))
        return broken(r);
    const JDIMENSION rows = (JDIMENSION)image->height;
    while (j->output_scanline < rows) {
        uint8_t *to = image->pixels + j->output_scanline * image->width * image->channels;
        uint8_t *row = r->row != NULL ? r->row : to;
        jpeg_read_scanlines(j, &row, 1);
        if (r->row != NULL)
            cmyk_to_rgb(to, row, image->width);
    }
    if (rows == j->output_height)
        jpeg_finish_decompress(j);      /* reads on to the end-of-image marker, so a cut there is found too */
    return LAC_OK;
}

static lac_status decode(reading *r, lac_image *image)
{
    LAC_TRY(start(r));
    const int64_t height = r->jpeg.output_height, rows = r->file->rows > 0 ? LAC_MIN(r->file->rows, height) : height;
    LAC_TRY(lac_codec_image(image, rows, r->jpeg.output_width, r->jpeg.num_components == 1 ? 1 : 3));
    if (r->jpeg.num_components == 4)
        LAC_TRY(lac_malloc((void **)&r->row, (size_t)image->width * 4));
    return read_pixels(r, image);
}

bool lac_jpeg_is(const lac_codec_file *file)
{
    return file->size >= 3 && file->bytes[0] == 0xff && file->bytes[1] == 0xd8 && file->bytes[2] == 0xff;
}

lac_status lac_jpeg_size(const lac_codec_file *file, int64_t *height, int64_t *width)
{
    reading r;
    LAC_TRY(open_reading(&r, file));
    *height = r.jpeg.image_height;
    *width = r.jpeg.image_width;
    close_reading(&r);
    return LAC_OK;
}

lac_status lac_jpeg_decode(const lac_codec_file *file, lac_image *image)
{
    reading r;
    LAC_TRY(open_reading(&r, file));
    const lac_status s = decode(&r, image);
    close_reading(&r);
    return s;
}

typedef struct writing {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf stop;
    char why[JMSG_LENGTH_MAX];
    uint8_t *bytes;
    unsigned long size;
} writing;

static void stop_writing(j_common_ptr jpeg)
{
    writing *w = jpeg->client_data;
    jpeg->err->format_message(jpeg, w->why);
    longjmp(w->stop, 1);
}

static lac_status write_pixels(writing *w, const lac_image *image, int quality)
{
    struct jpeg_compress_struct *j = &w->jpeg;
    if (setjmp(w->stop))
        return LAC_FAIL(LAC_ERR_LIBRARY, "cannot encode a JPEG: %s", w->why);
    jpeg_create_compress(j);
    jpeg_mem_dest(j, &w->bytes, &w->size);
    j->image_height = (JDIMENSION)image->height;
    j->image_width = (JDIMENSION)image->width;
    j->input_components = image->channels;
    j->in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(j);
    jpeg_set_quality(j, quality, TRUE);
    jpeg_start_compress(j, TRUE);
    while (j->next_scanline < j->image_height)
        jpeg_write_scanlines(j, &(uint8_t *){ image->pixels + j->next_scanline * image->width * image->channels }, 1);
    jpeg_finish_compress(j);
    return LAC_OK;
}

lac_status lac_image_encode_jpeg(const lac_image *image, int quality, uint8_t **bytes, size_t *size)
{
    *bytes = NULL;
    if (image->pixels == NULL || image->channels == 4)
        return LAC_FAIL(LAC_ERR_ARG, "a JPEG holds a grey or RGB image, this one has %d channels", image->channels);
    if (quality < 1 || quality > 100)
        return LAC_FAIL(LAC_ERR_ARG, "JPEG quality %d: from 1 to 100", quality);
    writing w = { .errors = { 0 } };
    w.jpeg.err = jpeg_std_error(&w.errors);
    w.jpeg.client_data = &w;
    w.errors.error_exit = stop_writing;
    const lac_status s = write_pixels(&w, image, quality);
    if (s != LAC_OK && w.jpeg.dest != NULL)
        w.jpeg.dest->term_destination(&w.jpeg);     /* only this tells us where a grown buffer lies now */
    jpeg_destroy_compress(&w.jpeg);
    if (s != LAC_OK) {
        free(w.bytes);
        return s;
    }
    *bytes = w.bytes;
    *size = w.size;
    return LAC_OK;
}
