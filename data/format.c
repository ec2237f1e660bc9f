#include "data/format.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30 };

static const lac_pack_format *const formats[] = {
#define LAC_FORMAT(name) &lac_format_##name,
#include "data/formats.def"
#undef LAC_FORMAT
};

const lac_pack_format *const *lac_pack_formats(int *n)
{
    *n = (int)LAC_COUNT(formats);
    return formats;
}

lac_status lac_pack_run(const lac_pack_format *format, const char *const *sources, int n, const char *out, const lac_pack_options *options,
                           lac_pack_counts *counts)
{
    static const max_align_t zeros[LAC_FORMAT_OWN / sizeof(max_align_t)];
    lac_pack_job j = { .options = options, .own = options->own != NULL ? options->own : zeros };
    const char *title = format->title != NULL ? format->title : options->title;
    lac_status s = lac_pack_new(&j.pack, out, title != NULL && title[0] != '\0' ? title : NULL);
    if (s == LAC_OK)
        s = format->pack(&j, sources, n);
    *counts = j.counts;
    if (s == LAC_OK && counts->pictures == 0)
        s = LAC_FAIL(LAC_ERR_FORMAT, "none of the %" PRId64 " pictures could be read; the last: %.300s", counts->skipped, lac_error_message());
    if (s == LAC_OK)
        return lac_pack_finish(j.pack);
    lac_pack_free(j.pack);
    return s;
}

/* ---- for formats ---- */

lac_status lac_job_skip(lac_pack_job *j, lac_status s, const char *name)
{
    char why[1024];
    if (s == LAC_OK || s == LAC_ERR_MEM)
        return s;
    j->counts.skipped++;
    if (j->options->strict)
        return lac_context(LAC_ERR_FORMAT, "packing");
    lac_error_copy(why, sizeof why);
    if (j->options->skipped != NULL)
        j->options->skipped(j->options->context, name, why);
    return LAC_OK;
}

void lac_job_note(lac_pack_job *j, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (j->options->note == NULL)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    j->options->note(j->options->context, text);
}

lac_status lac_job_path(char **path, const char *folder, const char *name)
{
    bool out = name[0] == '\0' || name[0] == '/';
    for (const char *at = name, *end; !out && *at != '\0'; at = *end != '\0' ? end + 1 : end) {
        end = at + strcspn(at, "/");
        out = end - at == 2 && strncmp(at, "..", 2) == 0;
    }
    if (out)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%.200s' is no path inside '%s'", name, folder);
    return lac_format(path, "%s/%s", folder, name);
}

static bool is_empty(const lac_image *mask)
{
    for (int64_t i = 0; i < mask->height * mask->width; i++)
        if (mask->pixels[i] >= 128)
            return false;
    return true;
}

/* Size is asked of the header first: what is of another than it should be is not decoded. */
lac_status lac_job_decode(lac_job_file *f, const char *path, const lac_job_file *like, bool mask)
{
    lac_image image;
    LAC_TRY(lac_image_probe(f->bytes, f->size, &f->height, &f->width, path));
    if (like != NULL && (f->height != like->height || f->width != like->width))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %" PRId64 " x %" PRId64 " pixels, expected %" PRId64 " x %" PRId64, path, f->height, f->width,
                        like->height, like->width);
    LAC_TRY(lac_image_decode(&image, f->bytes, f->size, mask ? 1 : 3, path));
    const bool empty = mask && is_empty(&image);
    lac_image_free(&image);
    return empty ? LAC_FAIL(LAC_ERR_FORMAT, "'%s' is an empty mask", path) : LAC_OK;
}

lac_status lac_job_load(lac_job_file *f, const char *path, const lac_job_file *like, bool mask)
{
    *f = (lac_job_file){ 0 };
    lac_status s = lac_file_read(path, MAX_FILE, (char **)&f->bytes, &f->size);
    if (s == LAC_OK)
        s = lac_job_decode(f, path, like, mask);
    if (s != LAC_OK) {
        free(f->bytes);
        *f = (lac_job_file){ 0 };
    }
    return s;
}

lac_status lac_job_add(lac_pack_job *j, const lac_record *r, const lac_job_file *f)
{
    lac_record whole = *r;
    whole.height = f->height;
    whole.width = f->width;
    whole.length = (int64_t)f->size;
    if (whole.split == NULL)
        whole.split = j->options->split != NULL ? j->options->split : "train";
    if (whole.licence == NULL)
        whole.licence = j->options->licence;
    LAC_TRY(lac_pack_add(j->pack, &whole, f->bytes));
    j->counts.pictures++;
    return LAC_OK;
}

lac_status lac_job_part(lac_pack_job *j, const lac_part *part, const void *bytes, const char *name)
{
    const lac_status s = lac_pack_part(j->pack, part, bytes);
    if (s == LAC_ERR_FORMAT)
        return lac_job_skip(j, lac_context(s, "'%s'", name), name);
    j->counts.part[part->kind] += s == LAC_OK;
    return s;
}

lac_status lac_job_object(lac_pack_job *j, lac_image *mask, const char *label, const char *name)
{
    uint8_t *bytes;
    size_t size;
    lac_part part = { .kind = LAC_PART_OBJECT, .label = label, .box = lac_box_around(mask->pixels, mask->height, mask->width) };
    if (part.box.width == 0)
        return lac_job_skip(j, LAC_FAIL(LAC_ERR_FORMAT, "'%s': its mask is empty", name), name);
    for (int64_t i = 0; i < mask->height * mask->width; i++)
        mask->pixels[i] = mask->pixels[i] != 0 ? 255 : 0;
    LAC_TRY(lac_image_encode_png(mask, &bytes, &size));
    part.length = (int64_t)size;
    const lac_status s = lac_job_part(j, &part, bytes, name);
    free(bytes);
    return s;
}
