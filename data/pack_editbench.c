#include "data/pack_editbench.h"

#include "core/csv.h"
#include "core/image/resample.h"
#include "core/memory.h"
#include "data/mapping.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SIDE = 4096 };

typedef struct row { char *aos, *prompt; int64_t line; } row;

/* One of the two halves. */
typedef struct half {
    lac_pack_job *job;
    const lac_pack_editbench_own *o;
    const char *name;           /* "natural" */
    char *list;                 /* path of its annotations */
    row *rows;
    int64_t n, capacity;
    json_t *seen;               /* names so far */
    bool white;                 /* is the hole */
} half;

/* ---- annotations ---- */

/* A row that is wrong concerns that row. */
static lac_status skip_row(half *h, lac_status s, int64_t line)
{
    return lac_job_skip(h->job, line > 0 ? lac_context(s, "'%s', line %" PRId64, h->list, line) : s, h->list);
}

static lac_status add_row(half *h, const lac_csv *c, int aos, int prompt)
{
    const char *name = lac_csv_text(c, aos);
    if (name[0] == '\0' || strchr(name, '/') != NULL)
        return skip_row(h, LAC_FAIL(LAC_ERR_FORMAT, "'%.60s' is no name of a picture", name), lac_csv_line(c));
    if (json_object_get(h->seen, name) != NULL)
        return skip_row(h, LAC_FAIL(LAC_ERR_FORMAT, "'%.60s' stands in line %" JSON_INTEGER_FORMAT " too", name, json_integer_value(json_object_get(h->seen, name))), lac_csv_line(c));
    if (json_object_set_new(h->seen, name, json_integer(lac_csv_line(c))) != 0)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: '%s'", h->list);
    LAC_TRY(lac_grow((void **)&h->rows, h->n, &h->capacity, sizeof *h->rows));
    row *r = &h->rows[h->n++];
    *r = (row){ .line = lac_csv_line(c) };
    LAC_TRY(lac_strdup(&r->aos, name));
    return lac_strdup(&r->prompt, lac_csv_text(c, prompt));
}

static lac_status read_rows(half *h, lac_csv *c)
{
    int aos, prompt;
    bool more = true;
    LAC_TRY(lac_csv_find(c, "aos", &aos));
    LAC_TRY(lac_csv_find(c, h->o->prompt != NULL ? h->o->prompt : "prompt_full", &prompt));
    while (more) {
        const lac_status s = lac_csv_next(c, &more);
        if (s != LAC_OK && s != LAC_ERR_FORMAT)
            return s;
        if (s == LAC_OK && more)
            LAC_TRY(add_row(h, c, aos, prompt));
        if (s == LAC_ERR_FORMAT) {
            more = true;
            LAC_TRY(skip_row(h, s, 0));
        }
    }
    return LAC_OK;
}

static lac_status read_annotations(half *h)
{
    lac_csv *c;
    h->seen = json_object();
    if (h->seen == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: '%s'", h->list);
    LAC_TRY(lac_csv_open(&c, h->list, NULL));
    const lac_status s = read_rows(h, c);
    lac_csv_close(c);
    return s;
}

/* ---- is white the hole? ---- */

typedef struct shares { int64_t white, all, white_border, border; } shares;

static void count_white(shares *to, const lac_image *mask)
{
    for (int64_t y = 0; y < mask->height; y++)
        for (int64_t x = 0; x < mask->width; x++) {
            const bool white = mask->pixels[y * mask->width + x] >= 128, border = y == 0 || x == 0 || y == mask->height - 1 || x == mask->width - 1;
            to->white += white;
            to->all++;
            to->white_border += white && border;
            to->border += border;
        }
}

static lac_status path_of(const half *h, const char *folder, const row *r, char **path) { return lac_format(path, "%s/%s_%s/%s.png", h->o->root, folder, h->name, r->aos); }

static lac_status load_mask(const half *h, const row *r, lac_image *mask)
{
    char *path;
    LAC_TRY(path_of(h, "masks", r, &path));
    const lac_status s = lac_image_load(mask, path, 1);
    free(path);
    return s;
}

/* Masks that cannot be read are left to when their pictures are. */
static lac_status look_at_masks(const half *h, shares *found)
{
    for (int64_t i = 0; i < h->n; i++) {
        lac_image mask = { 0 };
        const lac_status s = load_mask(h, &h->rows[i], &mask);
        if (s == LAC_ERR_MEM)
            return s;
        if (s == LAC_OK)
            count_white(found, &mask);
        lac_image_free(&mask);
    }
    return LAC_OK;
}

static lac_status find_polarity(half *h)
{
    shares f = { 0 };
    if (h->o->holes != NULL) {
        h->white = strcmp(h->o->holes, "white") == 0;
        return LAC_OK;
    }
    LAC_TRY(look_at_masks(h, &f));
    const double all = f.all > 0 ? 100. * (double)f.white / (double)f.all : 0, border = f.border > 0 ? 100. * (double)f.white_border / (double)f.border : 0;
    if (f.all > 0 && (all < 50) != (border < 50))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s/masks_%s': %.0f %% of the pixels and %.0f %% of the borders are white, which does not tell holes from what is known; say --holes white or --holes black",
                        h->o->root, h->name, all, border);
    h->white = all < 50;
    lac_job_note(h->job, "masks_%s: %s is hole (white: %.0f %% of the pixels, %.0f %% of the borders)", h->name, h->white ? "white" : "black", all, border);
    return LAC_OK;
}

/* ---- pictures ---- */

static lac_status resized(lac_image *image, int64_t size)
{
    lac_image to;
    if (size == 0 || (image->height == size && image->width == size))
        return LAC_OK;
    LAC_TRY(lac_image_resize(&to, image, size, size, LAC_FILTER_NEAREST, LAC_PASSES_PILLOW_13));
    lac_image_free(image);
    *image = to;
    return LAC_OK;
}

/* Bytes as they are, unless the size is another. */
static lac_status load_picture(const half *h, const row *r, lac_job_file *f)
{
    char *path;
    LAC_TRY(path_of(h, "references", r, &path));
    lac_status s = lac_job_load(f, path, NULL, false);
    if (s == LAC_OK)
        s = lac_pack_squash(&f->bytes, &f->size, h->o->size, &f->height, &f->width, path);
    free(path);
    return s;
}

/* 1 is hole afterwards. */
static lac_status load_hole(const half *h, const row *r, const lac_job_file *f, lac_image *mask)
{
    LAC_TRY(load_mask(h, r, mask));
    LAC_TRY(resized(mask, h->o->size));
    if (mask->height != f->height || mask->width != f->width)
        return LAC_FAIL(LAC_ERR_FORMAT, "the mask is %" PRId64 " x %" PRId64 " pixels, its picture %" PRId64 " x %" PRId64, mask->height, mask->width, f->height, f->width);
    for (int64_t i = 0; i < mask->height * mask->width; i++)
        mask->pixels[i] = (mask->pixels[i] >= 128) == h->white;
    return lac_box_around(mask->pixels, mask->height, mask->width).width > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "the mask is empty: no pixel is %s", h->white ? "white" : "black");
}

static lac_status add_picture(half *h, const row *r, const lac_job_file *f, lac_image *mask)
{
    char name[300], where[1024];
    snprintf(name, sizeof name, "%s/%.250s", h->name, r->aos);
    snprintf(where, sizeof where, "%.900s, line %" PRId64, h->list, r->line);
    const lac_record record = { .kind = LAC_KIND_PHOTO, .name = name, .source = h->o->root, .group = lac_pack_count(h->job->pack),
                                .split = h->job->options->split != NULL ? h->job->options->split : "test" };
    LAC_TRY(lac_job_add(h->job, &record, f));
    LAC_TRY(lac_job_part(h->job, &(lac_part){ .kind = LAC_PART_CAPTION, .length = (int64_t)strlen(r->prompt) }, r->prompt, where));
    return lac_job_object(h->job, mask, "", where);
}

static lac_status pack_row(half *h, const row *r)
{
    lac_job_file f = { 0 };
    lac_image mask = { 0 };
    lac_status s = load_picture(h, r, &f);
    if (s == LAC_OK)
        s = load_hole(h, r, &f, &mask);
    s = s == LAC_OK ? add_picture(h, r, &f, &mask) : skip_row(h, s, r->line);
    lac_image_free(&mask);
    free(f.bytes);
    return s;
}

static lac_status pack_rows(half *h)
{
    LAC_TRY(read_annotations(h));
    LAC_TRY(find_polarity(h));
    for (int64_t i = 0; i < h->n; i++)
        LAC_TRY(pack_row(h, &h->rows[i]));
    return LAC_OK;
}

static void free_half(half *h)
{
    for (int64_t i = 0; i < h->n; i++) {
        free(h->rows[i].aos);
        free(h->rows[i].prompt);
    }
    free(h->rows);
    json_decref(h->seen);
    free(h->list);
}

/* ---- all of it ---- */

static bool is_there(const char *root, const char *name)
{
    char path[4096];
    return snprintf(path, sizeof path, "%s/%s", root, name) < (int)sizeof path && access(path, F_OK) == 0;
}

static lac_status pack_half(lac_pack_job *j, const char *name)
{
    half h = { .job = j, .o = j->own, .name = name };
    LAC_TRY(lac_format(&h.list, "%s/annotations_%s.csv", h.o->root, name));
    lac_status s = LAC_OK;
    if (access(h.list, F_OK) != 0)
        s = lac_job_skip(j, LAC_FAIL(LAC_ERR_IO, "there is no '%s'", h.list), h.list);
    else
        s = pack_rows(&h);
    free_half(&h);
    return s;
}

static lac_status check(const lac_pack_editbench_own *o)
{
    if (o->root == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "pack editbench wants --root, the folder of annotations_natural.csv");
    if (o->size > MOST_SIDE)
        return LAC_FAIL(LAC_ERR_ARG, "--size is at most %d, got %" PRId64, MOST_SIDE, o->size);
    return o->holes == NULL || strcmp(o->holes, "white") == 0 || strcmp(o->holes, "black") == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "--holes is white or black, got '%.60s'", o->holes);
}

static lac_status pack_benchmark(lac_pack_job *j, const char *const *sources, int n)
{
    const lac_pack_editbench_own *o = j->own;
    (void)sources, (void)n;
    LAC_TRY(check(o));
    if (!is_there(o->root, "annotations_natural.csv") && !is_there(o->root, "annotations_generated.csv")) {
        if (!is_there(o->root, LAC_MAPPING_FILE))
            return LAC_FAIL(LAC_ERR_ARG, "'%s' holds neither annotations_natural.csv, annotations_generated.csv nor " LAC_MAPPING_FILE, o->root);
        if (o->prompt != NULL || o->holes != NULL || (o->size != 0 && o->size != 512))
            return LAC_FAIL(LAC_ERR_ARG, "'%s/" LAC_MAPPING_FILE "' has one prompt a picture, holes as runs, and 512 x 512 pixels: --prompt, --holes and --size go with annotation files", o->root);
        return lac_mapping_pack(j, o->root, (const char *const[]){ "inpainting_mask", "mask", NULL });
    }
    LAC_TRY(pack_half(j, "natural"));
    return pack_half(j, "generated");
}

#define AT(member) offsetof(lac_pack_editbench_own, member)
static const lac_pack_own_option options[] = {
    { "root", "FOLDER", "where annotations_natural.csv and annotations_generated.csv lie", LAC_FORMAT_TEXT, AT(root) },
    { "prompt", "COLUMN", "the column of the prompts (default prompt_full)", LAC_FORMAT_TEXT, AT(prompt) },
    { "holes", "COLOUR", "white or black (default: found out, and said)", LAC_FORMAT_TEXT, AT(holes) },
    { "size", "PIXELS", "resize to this side, bicubic; masks to the nearest pixel (default: as published)", LAC_FORMAT_NUMBER, AT(size) },
    { NULL },
};

const lac_pack_format lac_format_editbench = {
    .name = "editbench", .about = "EditBench: pictures with a free-form hole and a prompt each", .least = 0, .most = 0,
    .help = "Packs EditBench: annotations_{natural,generated}.csv, references_* and masks_*, or BrushNet's copy with mapping_file.json. The split is test\nunless --split says otherwise.",
    .options = options, .own = sizeof(lac_pack_editbench_own), .pack = pack_benchmark,
};
