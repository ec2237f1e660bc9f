/* Any bytes at all as what the layouts of `lacuna pack` are described by, around pictures that are sound: m BrushBench's mapping, e EditBench's rows, s
 * BrushData's segmentation, l (and anything else) a list of pictures. A set that says what it holds, or errors of one line. */
#include "data/format.h"
#include "data/pack_brushbench.h"
#include "data/pack_editbench.h"
#include "data/pack_folder.h"
#include "fuzz/file.h"

#include <archive.h>
#include <archive_entry.h>

enum { HEIGHT = 12, WIDTH = 17 };

static void hear(void *context, const char *name, const char *why)
{
    (void)context, (void)name;
    if (why[0] == '\0' || strchr(why, '\n') != NULL)
        abort();
}

static void pack(const lac_pack_format *f, const void *own, const char *source)
{
    lac_pack_counts counts;
    lac_verified found;
    const char *out = fuzz_path("set.h5");
    const lac_status s = lac_pack_run(f, &source, source != NULL, out, &(lac_pack_options){ .skipped = hear, .own = own }, &counts);
    fuzz_check(s);
    if (s == LAC_OK && (lac_verify(out, NULL, NULL, &found) != LAC_OK || found.records != counts.pictures))
        abort();
    unlink(out);
}

static void picture(int64_t height, int64_t width, int channels, const char *name)
{
    lac_image image;
    if (lac_image_new(&image, height, width, channels) != LAC_OK)
        abort();
    image.pixels[(size_t)(height * width) / 2] = 255;
    if (lac_image_save_png(&image, fuzz_path(name)) != LAC_OK)
        abort();
    lac_image_free(&image);
}

static void make_pictures(void)
{
    static bool made;
    if (made)
        return;
    made = true;
    fuzz_path("");
    mkdir(fuzz_path("references_natural"), 0700);
    mkdir(fuzz_path("masks_natural"), 0700);
    picture(512, 512, 3, "a.png");
    picture(HEIGHT, WIDTH, 3, "b.png");
    picture(HEIGHT, WIDTH, 3, "references_natural/b.png");
    picture(HEIGHT, WIDTH, 1, "masks_natural/b.png");
}

static void add(struct archive *a, const char *name, const void *bytes, size_t size)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_size(e, (la_int64_t)size);
    if (archive_write_header(a, e) != ARCHIVE_OK || archive_write_data(a, bytes, size) != (la_ssize_t)size)
        abort();
    archive_entry_free(e);
}

/* A sound sample but for its segmentation. */
static void check_segmentation(const uint8_t *bytes, size_t size)
{
    char image[4096];
    const char *path = fuzz_path("shard.tar");
    FILE *f = fopen(fuzz_path("b.png"), "rb");
    const size_t n = f != NULL ? fread(image, 1, sizeof image, f) : 0;
    struct archive *a = archive_write_new();
    if (f == NULL || fclose(f) != 0 || archive_write_set_format_ustar(a) != ARCHIVE_OK || archive_write_open_filename(a, path) != ARCHIVE_OK)
        abort();
    add(a, "1.image", image, n);
    add(a, "1.caption", "x", 1);
    add(a, "1.height", "12", 2);
    add(a, "1.width", "17", 2);
    add(a, "1.segmentation", bytes, size);
    archive_write_free(a);
    pack(&lac_format_brushdata, NULL, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char root[256];
    const uint8_t which = size > 0 ? bytes[0] : 'l';
    make_pictures();
    snprintf(root, sizeof root, "%s", fuzz_path(""));
    lac_error_clear();
    if (which == 'm') {
        fuzz_file("mapping_file.json", bytes + 1, size - 1);
        pack(&lac_format_brushbench, &(lac_pack_brushbench_own){ root, "inside" }, NULL);
    } else if (which == 'e') {
        fuzz_file("annotations_natural.csv", bytes + 1, size - 1);
        pack(&lac_format_editbench, &(lac_pack_editbench_own){ .root = root }, NULL);
    } else if (which == 's')
        check_segmentation(bytes + 1, size - 1);
    else
        pack(&lac_format_folder, &(lac_pack_folder_own){ .root = root, .from_zero = size % 2 == 1 }, fuzz_file("list.flist", bytes, size));
    return 0;
}
