#include "core/file/atomic.h"
#include "core/file/hdf5.h"
#include "data/pack_folder.h"
#include "data/pack_stamps.h"
#include "tests/harness/pictures.h"
#include "tests/harness/test.h"

#include <sys/stat.h>
#include <unistd.h>

typedef struct heard { int n; char name[8][256], why[8][512]; } heard;

static void hear(void *context, const char *name, const char *why)
{
    heard *h = context;
    if (h->n < 8) {
        snprintf(h->name[h->n], sizeof h->name[0], "%s", name);
        snprintf(h->why[h->n], sizeof h->why[0], "%s", why);
    }
    h->n++;
}

static char *join(const char *folder, const char *name)
{
    static char path[32][512];
    static int turn;
    char *p = path[turn++ % 32];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

/* a/one.jpg (60x80), b/two.png (40x40), b/three.jpg, zero.jpg */
static const char *make_folder(void)
{
    const char *folder = lac_test_folder();
    mkdir(join(folder, "a"), 0700);
    mkdir(join(folder, "b"), 0700);
    LAC_CHECK_STATUS(lac_test_picture_file(join(folder, "zero.jpg"), 64, 96, 4));
    LAC_CHECK_STATUS(lac_test_picture_file(join(folder, "a/one.jpg"), 60, 80, 1));
    LAC_CHECK_STATUS(lac_test_picture_file(join(folder, "b/two.png"), 40, 40, 2));
    LAC_CHECK_STATUS(lac_test_picture_file(join(folder, "b/three.JPG"), 50, 70, 3));
    LAC_CHECK_STATUS(lac_file_write(join(folder, "notes.txt"), "x", 1));
    return folder;
}

static lac_status verify(const char *path, lac_set_complain *complain, void *context, int64_t *records, int64_t *bad)
{
    lac_verified found;
    const lac_status s = lac_verify(path, complain, context, &found);
    *records = found.records;
    *bad = found.bad;
    return s;
}

static void cut_file(const char *path, size_t keep)
{
    char *bytes;
    size_t n;
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 24, &bytes, &n));
    LAC_CHECK(keep < n);
    LAC_CHECK_STATUS(lac_file_write(path, bytes, keep));
    free(bytes);
}

typedef struct folder_options { const char *licence; bool split_by_place, strict, captions; int64_t max_side; heard *heard; } folder_options;

static lac_status pack(const char *source, const char *out, const folder_options *o, int64_t *packed, int64_t *skipped)
{
    const lac_pack_folder_own own = { .split_by_place = o->split_by_place, .captions = o->captions, .max_side = o->max_side };
    lac_pack_counts n;
    const lac_status s = lac_pack_run(&lac_format_folder, &source, 1, out, &(lac_pack_options){ .licence = o->licence, .strict = o->strict,
                                         .skipped = o->heard != NULL ? hear : NULL, .context = o->heard, .own = &own }, &n);
    *packed = n.pictures;
    *skipped = n.skipped;
    return s;
}

static lac_status pack_stamps(const char *manifest, const char *cache, const char *out, int64_t *packed)
{
    lac_pack_counts n;
    const lac_status s = lac_pack_run(&lac_format_stamps, &cache, 1, out, &(lac_pack_options){ .own = &(lac_pack_stamps_own){ .manifest = manifest } }, &n);
    *packed = n.pictures;
    return s;
}

LAC_TEST(pack_folder_keeps_bytes_and_sorts_by_path)
{
    const char *folder = make_folder(), *out = join(folder, "pics.h5");
    int64_t packed, skipped;
    lac_set *set;
    LAC_CHECK_STATUS(pack(folder, out, &(folder_options){ .licence = "CC0-1.0" }, &packed, &skipped));
    LAC_CHECK(packed == 4 && skipped == 0);
    LAC_CHECK_STATUS(lac_set_open(&set, out));
    LAC_CHECK(lac_set_count(set) == 4 && strcmp(lac_set_name(set), "pics") == 0);
    static const char *const name[] = { "a/one.jpg", "b/three.JPG", "b/two.png", "zero.jpg" };
    for (int64_t i = 0; i < 4; i++) {
        const lac_record r = lac_set_record(set, i);
        char *bytes;
        size_t size, capacity = 0;
        uint8_t *got = NULL;
        LAC_CHECK(strcmp(r.name, name[i]) == 0 && strcmp(r.split, "train") == 0 && strcmp(r.licence, "CC0-1.0") == 0 && r.group == i);
        LAC_CHECK_STATUS(lac_file_read(join(folder, name[i]), 1 << 24, &bytes, &size));
        LAC_CHECK_STATUS(lac_set_read(set, i, &got, &capacity));
        LAC_CHECK((size_t)r.length == size && memcmp(bytes, got, size) == 0);
        free(bytes);
        free(got);
    }
    LAC_CHECK(lac_set_record(set, 0).height == 60 && lac_set_record(set, 0).width == 80);
    LAC_CHECK(lac_set_find(set, "b/two.png") == 2 && lac_set_find(set, "two.png") == -1);
    lac_set_close(set);
    int64_t bad;
    LAC_CHECK_STATUS(verify(out, NULL, NULL, &packed, &bad));
    LAC_CHECK(packed == 4 && bad == 0);
}

LAC_TEST(pack_folder_splits_by_place)
{
    const char *folder = make_folder(), *out = join(folder, "pics.h5");
    int64_t packed, skipped, *ids, n;
    lac_set *set;
    LAC_CHECK_STATUS(pack(folder, out, &(folder_options){ .split_by_place = true }, &packed, &skipped));
    LAC_CHECK_STATUS(lac_set_open(&set, out));
    LAC_CHECK_STATUS(lac_set_select(set, "b", LAC_KIND_PHOTO, &ids, &n));
    LAC_CHECK(n == 2 && ids[0] == 1 && ids[1] == 2);
    free(ids);
    LAC_CHECK_FAILS(lac_set_select(set, "val", LAC_KIND_PHOTO, &ids, &n), LAC_ERR_ARG, "its splits are 'a', 'b', ''");
    lac_set_close(set);
}

LAC_TEST(pack_folder_follows_a_list)
{
    const char *folder = make_folder(), *list = join(folder, "val.flist"), *out = join(folder, "l.h5");
    char text[1200];
    int64_t packed, skipped;
    lac_set *set;
    snprintf(text, sizeof text, "zero.jpg\r\n%s/b/two.png\n\na/one.jpg", folder);
    LAC_CHECK_STATUS(lac_file_write(list, text, strlen(text)));
    LAC_CHECK_STATUS(pack(list, out, &(folder_options){ .split_by_place = true }, &packed, &skipped));
    LAC_CHECK_STATUS(lac_set_open(&set, out));
    LAC_CHECK(packed == 3 && strcmp(lac_set_record(set, 0).name, "zero.jpg") == 0 && strcmp(lac_set_record(set, 2).name, "a/one.jpg") == 0);
    LAC_CHECK(strcmp(lac_set_record(set, 1).split, "val") == 0);
    lac_set_close(set);
}

LAC_TEST(pack_folder_skips_names_and_counts_what_cannot_be_read)
{
    const char *folder = make_folder(), *out = join(folder, "pics.h5");
    int64_t packed, skipped;
    heard h = { 0 };
    cut_file(join(folder, "a/one.jpg"), 500);
    LAC_CHECK_STATUS(lac_file_write(join(folder, "b/two.png"), "not a picture", 13));
    LAC_CHECK_STATUS(pack(folder, out, &(folder_options){ .heard = &h }, &packed, &skipped));
    LAC_CHECK(packed == 2 && skipped == 2 && h.n == 2);
    LAC_CHECK(strstr(h.name[0], "a/one.jpg") != NULL && strstr(h.name[1], "b/two.png") != NULL);
    LAC_CHECK_FAILS(pack(folder, join(folder, "s.h5"), &(folder_options){ .strict = true }, &packed, &skipped), LAC_ERR_FORMAT, "a/one.jpg");
    LAC_CHECK(access(join(folder, "s.h5"), F_OK) != 0);
    cut_file(join(folder, "zero.jpg"), 400);
    cut_file(join(folder, "b/three.JPG"), 400);
    LAC_CHECK_FAILS(pack(folder, out, &(folder_options){ 0 }, &packed, &skipped), LAC_ERR_FORMAT, "none of the 4 pictures");
    LAC_CHECK_FAILS(pack(lac_test_folder(), out, &(folder_options){ 0 }, &packed, &skipped), LAC_ERR_ARG, "holds no .jpg");
    LAC_CHECK_FAILS(pack("/nowhere", out, &(folder_options){ 0 }, &packed, &skipped), LAC_ERR_IO, "/nowhere");
    LAC_CHECK_STATUS(verify(out, NULL, NULL, &packed, &skipped));       /* the first set is still there */
    LAC_CHECK(packed == 2);
}

LAC_TEST(pack_folder_takes_captions_from_beside_a_picture)
{
    const char *folder = make_folder(), *out = join(folder, "said.h5");
    int64_t packed, skipped, first;
    heard h = { 0 };
    lac_set *set;
    static const char said[] = "a hill\r\n\nein Hügel", broken[] = "fine\n\xff\xfe\nfine too";
    LAC_CHECK_STATUS(lac_file_write(join(folder, "a/one.txt"), said, strlen(said)));
    LAC_CHECK_STATUS(lac_file_write(join(folder, "b/two.txt"), broken, strlen(broken)));
    LAC_CHECK_STATUS(pack(folder, out, &(folder_options){ .captions = true, .heard = &h }, &packed, &skipped));
    LAC_CHECK(packed == 4 && skipped == 1 && h.n == 1 && strstr(h.why[0], "b/two.txt': text that is no UTF-8") != NULL);
    LAC_CHECK_STATUS(lac_set_open(&set, out));
    LAC_CHECK(lac_set_parts(set, 0, LAC_PART_CAPTION, &first) == 2 && lac_set_part(set, first + 1).length == (int64_t)strlen("ein Hügel"));
    LAC_CHECK(lac_set_parts(set, 1, LAC_PART_CAPTION, &first) == 0 && lac_set_parts(set, 2, LAC_PART_CAPTION, &first) == 2);
    lac_set_close(set);
    LAC_CHECK_FAILS(pack(folder, out, &(folder_options){ .captions = true, .strict = true }, &packed, &skipped), LAC_ERR_FORMAT, "b/two.txt");
    LAC_CHECK_STATUS(verify(out, NULL, NULL, &packed, &skipped));
}

LAC_TEST(a_path_of_a_manifest_stays_in_its_folder)
{
    char *path;
    static const char *const out[] = { "", "/etc/x", "..", "../x", "a/../../x", "a/.." };
    for (size_t i = 0; i < LAC_COUNT(out); i++)
        LAC_CHECK_FAILS(lac_job_path(&path, "f", out[i]), LAC_ERR_FORMAT, "no path inside 'f'");
    LAC_CHECK_STATUS(lac_job_path(&path, "f", "a/..b/c..png"));
    LAC_CHECK(strcmp(path, "f/a/..b/c..png") == 0);
    free(path);
}

LAC_TEST(pack_folder_shrinks_what_is_longer)
{
    const char *folder = make_folder(), *out = join(folder, "small.h5");
    int64_t packed, skipped, bad;
    lac_set *set;
    LAC_CHECK_STATUS(pack(folder, out, &(folder_options){ .max_side = 48 }, &packed, &skipped));
    LAC_CHECK_STATUS(lac_set_open(&set, out));
    LAC_CHECK(lac_set_record(set, 0).height == 36 && lac_set_record(set, 0).width == 48);
    LAC_CHECK(lac_set_record(set, 2).height == 40 && lac_set_record(set, 2).width == 40);
    lac_set_close(set);
    LAC_CHECK_STATUS(verify(out, NULL, NULL, &packed, &bad));
}

/* ---- damaged sets ---- */

static lac_status use(const char *path)
{
    int64_t checked, bad;
    return verify(path, NULL, NULL, &checked, &bad);
}

LAC_TEST(set_cut_off_anywhere_is_one_clear_error)
{
    const char *folder = make_folder(), *out = join(folder, "pics.h5"), *cut = join(folder, "cut.h5");
    int64_t packed, skipped;
    char *bytes;
    size_t n;
    LAC_CHECK_STATUS(pack(folder, out, &(folder_options){ 0 }, &packed, &skipped));
    LAC_CHECK_STATUS(lac_file_read(out, 1 << 24, &bytes, &n));
    for (size_t keep = 0; keep < n; keep += n / 97) {
        LAC_CHECK_STATUS(lac_file_write(cut, bytes, keep));
        LAC_CHECK_FAILS(use(cut), LAC_ERR_FORMAT, "cut.h5");
    }
    free(bytes);
}

/* Everything in the file is covered by a checksum: the library's over the structure, the digests over the pictures, the manifest hash
 * over the columns. What stays unnoticed is padding. */
LAC_TEST(set_with_a_flipped_bit_is_one_clear_error)
{
    const char *folder = make_folder(), *out = join(folder, "pics.h5"), *bad = join(folder, "bad.h5");
    int64_t packed, skipped, noticed = 0, tried = 0;
    char *bytes;
    size_t n;
    LAC_CHECK_STATUS(pack(folder, out, &(folder_options){ .max_side = 32 }, &packed, &skipped));
    LAC_CHECK_STATUS(lac_file_read(out, 1 << 24, &bytes, &n));
    for (size_t at = 0; at < n; at += 13, tried++) {
        bytes[at] ^= (char)(1 << at % 8);
        FILE *f = fopen(bad, "wb");
        LAC_CHECK(f != NULL && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
        const lac_status s = use(bad);
        LAC_CHECK(s == LAC_OK || (s == LAC_ERR_FORMAT && strstr(lac_error_message(), "bad.h5") != NULL));
        noticed += s != LAC_OK;
        bytes[at] ^= (char)(1 << at % 8);
    }
    LAC_CHECK(noticed > tried * 7 / 10);
    free(bytes);
}

LAC_TEST(verify_names_every_bad_record)
{
    const char *folder = make_folder(), *out = join(folder, "pics.h5");
    int64_t packed, skipped, bad;
    lac_set *set;
    lac_hdf5 *f;
    lac_hdf5_entry blob;
    heard h = { 0 };
    LAC_CHECK_STATUS(pack(folder, out, &(folder_options){ 0 }, &packed, &skipped));
    LAC_CHECK_STATUS(lac_set_open(&set, out));
    LAC_CHECK_STATUS(lac_hdf5_open(&f, out));
    LAC_CHECK_STATUS(lac_hdf5_info(f, "blob", &blob));
    FILE *raw = fopen(out, "r+b");
    for (int64_t i = 1; i < 4; i += 2)
        LAC_CHECK(fseek(raw, blob.offset + lac_set_record(set, i).offset + 300, SEEK_SET) == 0 && fputc(0, raw) == 0 && fputc(0, raw) == 0);
    fclose(raw);
    lac_hdf5_close(f);
    lac_set_close(set);
    LAC_CHECK_FAILS(verify(out, hear, &h, &packed, &bad), LAC_ERR_FORMAT, "2 of 4 records are bad: 'b/three.JPG', 'zero.jpg'");
    LAC_CHECK(packed == 4 && bad == 2 && h.n == 2 && strcmp(h.name[1], "zero.jpg") == 0);
}

/* A well-formed file whose columns lie. */
LAC_TEST(set_with_lying_columns_is_refused)
{
    const char *folder = make_folder(), *out = join(folder, "lie.h5");
    lac_hdf5 *f;
    lac_set *set;
    const int64_t one[] = { 1 }, huge[] = { INT64_MAX };
    const int32_t side[] = { 8 };
    const uint8_t zero[32] = { 0 };
    const char *empty[] = { "x" };
    LAC_CHECK_STATUS(lac_hdf5_create(&f, out));
    LAC_CHECK_STATUS(lac_hdf5_write_attribute(f, "/", "schema", LAC_SET_SCHEMA));
    LAC_CHECK_STATUS(lac_hdf5_write_attribute(f, "/", "title", "lie"));
    LAC_CHECK_STATUS(lac_hdf5_write_attribute(f, "/", "manifest", "0000000000000000000000000000000000000000000000000000000000000000"));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "offset", LAC_I64, 1, one, huge));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "length", LAC_I64, 1, one, one));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "group", LAC_I64, 1, one, one));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "height", LAC_I32, 1, one, side));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "width", LAC_I32, 1, one, side));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "kind", LAC_U8, 1, one, zero));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "digest", LAC_U8, 2, (int64_t[]){ 1, 32 }, zero));
    static const char *const text[] = { "name", "split", "source", "licence", "author", "label" };
    for (int i = 0; i < 6; i++)
        LAC_CHECK_STATUS(lac_hdf5_write_strings(f, text[i], 1, empty));
    LAC_CHECK_STATUS(lac_hdf5_write(f, "blob", LAC_U8, 1, (int64_t[]){ 32 }, zero));
    LAC_CHECK_STATUS(lac_hdf5_commit(f));
    LAC_CHECK_FAILS(lac_set_open(&set, out), LAC_ERR_FORMAT, "of a blob of 32");
    LAC_CHECK_STATUS(lac_hdf5_create(&f, out));
    LAC_CHECK_STATUS(lac_hdf5_write_attribute(f, "/", "schema", "lacuna-set-9"));
    LAC_CHECK_STATUS(lac_hdf5_commit(f));
    LAC_CHECK_FAILS(lac_set_open(&set, out), LAC_ERR_FORMAT, "schema 'lacuna-set-9'");
}

/* ---- stamps ---- */

static const char head[] = "kind\tsplit\tgroup\tpackage\tlicence\tauthor\twidth\theight\tlabel\tpath\n";

LAC_TEST(pack_stamps_follows_the_manifest)
{
    const char *folder = make_folder(), *out = join(folder, "stamps.h5");
    char text[1000];
    int64_t packed, *ids, n;
    lac_set *set;
    snprintf(text, sizeof text, "%sphoto\ttrain\t7\tpkg\tCC0-1.0\tsomeone\t80\t60\tone\ta/one.jpg\nobject\tval\t8\tpkg\tGPL-2\tother\t40\t40\tfrog\tb/two.png\n", head);
    LAC_CHECK_STATUS(lac_file_write(join(folder, "manifest.tsv"), text, strlen(text)));
    LAC_CHECK_STATUS(pack_stamps(join(folder, "manifest.tsv"), folder, out, &packed));
    LAC_CHECK_STATUS(lac_set_open(&set, out));
    const lac_record r = lac_set_record(set, 1);
    LAC_CHECK(packed == 2 && r.kind == LAC_KIND_OBJECT && strcmp(r.label, "frog") == 0 && strcmp(r.author, "other") == 0 && r.group == 8);
    LAC_CHECK_STATUS(lac_set_select(set, "", LAC_KIND_PHOTO, &ids, &n));
    LAC_CHECK(n == 1 && ids[0] == 0);
    free(ids);
    lac_set_close(set);
    snprintf(text, sizeof text, "%sphoto\ttrain\t7\tpkg\tCC0-1.0\tsomeone\t80\t60\tone\ta/gone.jpg\n", head);
    LAC_CHECK_STATUS(lac_file_write(join(folder, "manifest.tsv"), text, strlen(text)));
    LAC_CHECK_FAILS(pack_stamps(join(folder, "manifest.tsv"), folder, out, &packed), LAC_ERR_IO, "a/gone.jpg");
    snprintf(text, sizeof text, "%sphoto\ttrain\t7\tpkg\tCC0-1.0\tsomeone\t81\t60\tone\ta/one.jpg\n", head);
    LAC_CHECK_STATUS(lac_file_write(join(folder, "manifest.tsv"), text, strlen(text)));
    LAC_CHECK_FAILS(pack_stamps(join(folder, "manifest.tsv"), folder, out, &packed), LAC_ERR_FORMAT, "expected 60 x 81");
}

/* The committed manifest: as many of each as docs/formats.md says, variants in one split, nothing without licence and author. */
LAC_TEST(stamps_manifest_is_complete)
{
    char path[512], *text, *rest, *line, split_of_group[1024][16] = { "" };
    size_t size;
    int train = 0, far = 0, objects = 0;
    snprintf(path, sizeof path, "%s/data/stamps/manifest.tsv", lac_test_source());
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 20, &text, &size));
    rest = text;
    LAC_CHECK(strncmp(strsep(&rest, "\n"), head, strlen(head) - 1) == 0);
    while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
        char *field[10];
        for (int i = 0; i < 10; i++) {
            field[i] = strsep(&line, "\t");
            LAC_CHECK(field[i] != NULL && field[i][0] != '\0');
        }
        const bool photo = strcmp(field[0], "photo") == 0;
        char *known = split_of_group[atoi(field[2]) % 1024];
        LAC_CHECK(known[0] == '\0' || strcmp(known, field[1]) == 0);
        snprintf(known, sizeof split_of_group[0], "%s", field[1]);
        train += photo && strcmp(field[1], "train") == 0;
        far += photo && strcmp(field[1], "test_far") == 0;
        objects += !photo;
    }
    LAC_CHECK(train == 271 && far == 56 && objects == 343);
    free(text);
}
