/* A gallery as a fragment of a page: its data as JSON, pictures and all, which eval/gallery.js lays out. */
#include "eval/gallery.h"

#include "core/html.h"
#include "core/image/paste.h"
#include "core/image/resample.h"
#include "core/memory.h"
#include "core/print.h"
#include "eval/gallery.css.h"
#include "eval/gallery.js.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AS_PNG = 128, QUALITY = 90 };

const char *lac_gallery_style(void) { return gallery_css; }
const char *lac_gallery_script(void) { return gallery_js; }

/* ---- which pictures ---- */

typedef struct ranked { double value; json_t *picture; } ranked;

static int worst_first(const void *a, const void *b)
{
    const double x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;
    return (x < y) - (x > y);
}

/* What pictures are ordered by: worse is greater; 0 where the first method has no value. */
static double badness(const lac_pictures *p, const json_t *picture)
{
    size_t i;
    json_t *metric;
    json_array_foreach(p->metric, i, metric) {
        const int better = (int)json_integer_value(json_object_get(metric, "better"));
        const double v = lac_pictures_value(picture, json_string_value(json_array_get(p->method, 0)), json_string_value(json_object_get(metric, "name")));
        if (better != 0)
            return isnan(v) ? 0 : -better * v;
    }
    return 0;
}

/* Rank i of n is shown, of which `most` are. */
static bool chosen(int64_t i, int64_t n, int64_t most)
{
    const int64_t third = most / 3, middle = most - 2 * third, rest = n - 2 * third;
    if (n <= most || i < third || i >= n - third)
        return true;
    const int64_t at = i - third;
    return (at + 1) * middle / rest != at * middle / rest;
}

static bool has_pictures(const json_t *picture)
{
    const char *method;
    json_t *path;
    json_object_foreach(json_object_get(picture, "file"), method, path)
        if (json_is_string(path))
            return true;
    return false;
}

static lac_status rank(const lac_pictures *p, ranked **list, int64_t *n)
{
    const char *id;
    json_t *picture;
    *n = 0;
    LAC_TRY(lac_calloc((void **)list, LAC_MAX(json_object_size(p->picture), 1), sizeof **list));
    json_object_foreach(p->picture, id, picture)
        if (has_pictures(picture))
            (*list)[(*n)++] = (ranked){ badness(p, picture), picture };
    qsort(*list, (size_t)*n, sizeof **list, worst_first);
    return LAC_OK;
}

/* ---- a picture as text ---- */

static lac_status shrink(lac_image *image)
{
    const int64_t side = LAC_MAX(image->height, image->width);
    lac_image small = { 0 };
    if (side <= LAC_GALLERY_SIDE)
        return LAC_OK;
    const int64_t height = LAC_MAX(1, image->height * LAC_GALLERY_SIDE / side), width = LAC_MAX(1, image->width * LAC_GALLERY_SIDE / side);
    LAC_TRY(lac_image_resize(&small, image, height, width, LAC_FILTER_BICUBIC, LAC_PASSES_HORIZONTAL_FIRST));
    lac_image_free(image);
    *image = small;
    return LAC_OK;
}

/* "data:image/png;base64,..." as a JSON string; image is shrunk. */
static lac_status print_image(FILE *f, lac_image *image)
{
    uint8_t *bytes = NULL;
    size_t size;
    LAC_TRY(shrink(image));
    const bool png = LAC_MAX(image->height, image->width) <= AS_PNG;
    LAC_TRY(png ? lac_image_encode_png(image, &bytes, &size) : lac_image_encode_jpeg(image, QUALITY, &bytes, &size));
    fprintf(f, "\"data:image/%s;base64,", png ? "png" : "jpeg");
    lac_html_base64(f, bytes, size);
    fputc('"', f);
    free(bytes);
    return LAC_OK;
}

/* Empty where there is none, or none any more. */
static lac_status load(lac_image *image, const json_t *path, int channels)
{
    if (!json_is_string(path))
        return LAC_OK;
    const lac_status s = lac_image_load_as_pillow(image, json_string_value(path), channels);
    return s == LAC_ERR_MEM ? s : LAC_OK;
}

static lac_status print_named(FILE *f, const char *key, lac_image *image)
{
    if (image->pixels == NULL)
        return LAC_OK;
    fprintf(f, ",\"%s\":", key);
    return print_image(f, image);
}

/* What was known: the truth with a grey hole. */
static lac_status print_known(FILE *f, const lac_image *truth, const lac_image *mask)
{
    lac_image known = { 0 };
    if (truth->pixels == NULL || mask->pixels == NULL || mask->height != truth->height || mask->width != truth->width)
        return LAC_OK;
    LAC_TRY(lac_image_crop(&known, truth, 0, 0, truth->height, truth->width));
    lac_hole_grey(known.pixels, mask->pixels, mask->height * mask->width);
    const lac_status s = print_named(f, "known", &known);
    lac_image_free(&known);
    return s;
}

static void whiten(lac_image *mask)
{
    for (int64_t i = 0; i < mask->height * mask->width; i++)
        mask->pixels[i] = mask->pixels[i] != 0 ? 255 : 0;
}

static lac_status print_given(FILE *f, const json_t *picture)
{
    lac_image truth = { 0 }, mask = { 0 };
    lac_status s = load(&truth, json_object_get(picture, "truth"), 3);
    if (s == LAC_OK)
        s = load(&mask, json_object_get(picture, "mask"), 1);
    if (s == LAC_OK && mask.pixels != NULL)
        lac_mask_binarise(mask.pixels, mask.height * mask.width);
    if (s == LAC_OK)
        s = print_known(f, &truth, &mask);
    if (s == LAC_OK)
        whiten(&mask);
    if (s == LAC_OK)
        s = print_named(f, "mask", &mask);
    if (s == LAC_OK)
        s = print_named(f, "truth", &truth);
    lac_image_free(&mask);
    lac_image_free(&truth);
    return s;
}

static lac_status print_methods(FILE *f, const lac_pictures *p, const json_t *picture)
{
    size_t i;
    json_t *m;
    fputs(",\"images\":[", f);
    json_array_foreach(p->method, i, m) {
        lac_image image = { 0 };
        LAC_TRY(load(&image, json_object_get(json_object_get(picture, "file"), json_string_value(m)), 3));
        fputs(i > 0 ? "," : "", f);
        const lac_status s = image.pixels != NULL ? print_image(f, &image) : (fputs("null", f), LAC_OK);
        lac_image_free(&image);
        LAC_TRY(s);
    }
    fputc(']', f);
    return LAC_OK;
}

/* [method][metric], null where there is no value. */
static void print_values(FILE *f, const lac_pictures *p, const json_t *picture)
{
    size_t i, k;
    json_t *m, *metric;
    fputs(",\"values\":[", f);
    json_array_foreach(p->method, i, m) {
        fputs(i > 0 ? ",[" : "[", f);
        json_array_foreach(p->metric, k, metric) {
            const double v = lac_pictures_value(picture, json_string_value(m), json_string_value(json_object_get(metric, "name")));
            fputs(k > 0 ? "," : "", f);
            if (isnan(v))
                fputs("null", f);
            else
                fprintf(f, "%.9g", v);
        }
        fputc(']', f);
    }
    fputc(']', f);
}

/* JSON_ESCAPE_SLASH: nothing in it can end the script element. */
static void print_json(FILE *f, const char *before, const json_t *v)
{
    fputs(before, f);
    if (v == NULL || json_dumpf(v, f, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ESCAPE_SLASH) != 0)
        fputs("null", f);
}

static lac_status print_picture(FILE *f, const lac_pictures *p, const json_t *picture)
{
    print_json(f, "{\"id\":", json_object_get(picture, "id"));
    print_json(f, ",\"object\":", json_object_get(picture, "object"));
    print_json(f, ",\"area\":", json_object_get(picture, "area"));
    print_json(f, ",\"prompt\":", json_object_get(picture, "prompt"));
    print_values(f, p, picture);
    LAC_TRY(print_given(f, picture));
    LAC_TRY(print_methods(f, p, picture));
    fputc('}', f);
    return LAC_OK;
}

static lac_status print_gallery(FILE *f, const lac_pictures *p, const ranked *list, int64_t n, int64_t most)
{
    int64_t shown = 0;
    fprintf(f, "<div class=\"gallery\"><noscript><p class=\"note\">The pictures want scripts switched on.</p></noscript>\n<script type=\"application/json\">{\"of\":%lld",
            (long long)n);
    print_json(f, ",\"methods\":", p->method);
    print_json(f, ",\"metrics\":", p->metric);
    fputs(",\"pictures\":[", f);
    for (int64_t i = 0; i < n; i++) {
        if (!chosen(i, n, most))
            continue;
        fputs(shown++ > 0 ? ",\n" : "\n", f);
        LAC_TRY(print_picture(f, p, list[i].picture));
    }
    fputs("]}</script></div>\n", f);
    return LAC_OK;
}

static lac_status print(const lac_pictures *p, const ranked *list, int64_t n, int64_t most, char **html)
{
    lac_print to;
    LAC_TRY(lac_print_open(&to, "a gallery"));
    return lac_print_close(&to, print_gallery(to.to, p, list, n, most), html);
}

lac_status lac_gallery_html(const lac_pictures *p, int64_t most, char **html)
{
    ranked *list;
    int64_t n;
    *html = NULL;
    LAC_TRY(rank(p, &list, &n));
    const lac_status s = n > 0 && most > 0 ? print(p, list, n, most, html) : LAC_OK;
    free(list);
    return s;
}
