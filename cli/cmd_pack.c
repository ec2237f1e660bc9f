/* lacuna pack: pictures into one packed set, and fixed masks into files. */
#include "cli/commands.h"

#include "cli/resources.h"
#include "core/file/atomic.h"
#include "data/make_masks.h"
#include "data/pack_folder.h"
#include "data/pack_stamps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Parses, prints help if that is asked; *go says whether there is work to do. */
static lac_status parse(const lac_command *command, int argc, char **argv, lac_words *words, const char *const *out, bool *go)
{
    LAC_TRY(lac_options_begin(command, argc, argv, words, go));
    return !*go || *out != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "%s wants -o; see '%s --help'", command->name, command->name);
}

static void skip(void *context, const char *name, const char *why)
{
    (void)context, (void)name;              /* `why` begins with the name */
    fprintf(stderr, "lacuna: skipped: %s\n", why);
}

static lac_status pack_folder(int argc, char **argv)
{
    const char *out = NULL;
    lac_pack_folder_options o = { .skipped = skip };
    const lac_option options[] = {
        { "out", 'o', "FILE", LAC_OPTION_STRING, &out, "the set, written whole or not at all" },
        { "name", 0, "NAME", LAC_OPTION_STRING, &o.title, "the set's name (default: the file's, without .h5)" },
        { "split", 0, "NAME", LAC_OPTION_STRING, &o.split, "the split of every picture (default train)" },
        { "split-by-place", 0, NULL, LAC_OPTION_FLAG, &o.split_by_place, "the first sub-folder, or the list's name, is the split" },
        { "root", 0, "FOLDER", LAC_OPTION_STRING, &o.root, "where a list's relative paths start (default: the list's folder)" },
        { "licence", 0, "TEXT", LAC_OPTION_STRING, &o.licence, "licence of every picture" },
        { "max-side", 0, "PIXELS", LAC_OPTION_INT, &o.max_side, "shrink what is longer, and encode it anew (default: bytes as published)" },
        { "strict", 0, NULL, LAC_OPTION_FLAG, &o.strict, "a picture that cannot be read is an error, and nothing is written" },
        { NULL },
    };
    const lac_command command = { "lacuna pack folder", "SRC...", 1, -1,
        "Packs the .jpg, .jpeg and .png files of folders (to the bottom) and of list files (*.flist, *.txt: one path a line).\n"
        "A picture that cannot be read is skipped, named and counted.", options };
    lac_words words;
    bool go = false;
    int64_t packed = 0, skipped = 0;
    lac_status s = parse(&command, argc, argv, &words, &out, &go);
    if (s == LAC_OK && go && o.max_side < 0)
        s = LAC_FAIL(LAC_ERR_ARG, "--max-side wants a number of pixels, got %" PRId64, o.max_side);
    if (s == LAC_OK && go)
        s = lac_pack_folder(words.word, words.n, out, &o, &packed, &skipped);
    if (s == LAC_OK && go)
        printf("%s: %" PRId64 " pictures, %" PRId64 " skipped\n", out, packed, skipped);
    lac_words_free(&words);
    return s;
}

static lac_status pack_stamps(int argc, char **argv)
{
    const char *out = NULL;
    int64_t max_side = 0, packed = 0;
    const lac_option options[] = {
        { "out", 'o', "FILE", LAC_OPTION_STRING, &out, "the set, written whole or not at all" },
        { "max-side", 0, "PIXELS", LAC_OPTION_INT, &max_side, "shrink photographs that are longer (default: bytes as published)" },
        { NULL },
    };
    const lac_command command = { "lacuna pack stamps", "CACHE", 1, 1,
        "Packs the photographs and objects that scripts/fetch-stamps fetched into CACHE, as data/stamps/manifest.tsv lists them.", options };
    lac_words words;
    bool go = false;
    char *manifest = NULL;
    lac_status s = parse(&command, argc, argv, &words, &out, &go);
    if (s == LAC_OK && go && max_side < 0)
        s = LAC_FAIL(LAC_ERR_ARG, "--max-side wants a number of pixels, got %" PRId64, max_side);
    if (s == LAC_OK && go)
        s = lac_resource(&manifest, "data/stamps/manifest.tsv");
    if (s == LAC_OK && go)
        s = lac_pack_stamps(manifest, words.word[0], out, max_side, &packed);
    if (s == LAC_OK && go)
        printf("%s: %" PRId64 " pictures\n", out, packed);
    free(manifest);
    lac_words_free(&words);
    return s;
}

/* "64,128" */
static lac_status parse_sizes(const char *text, int64_t size[LAC_MAKE_MASKS_SIZES])
{
    int n = 0;
    for (const char *at = text, *stop = NULL; stop == NULL; at++) {
        char *end;
        const long long side = strtoll(at, &end, 10);
        if (end == at || side < 1 || (*end != ',' && *end != '\0') || n == LAC_MAKE_MASKS_SIZES - 1)
            return LAC_FAIL(LAC_ERR_ARG, "--size wants up to %d sides like 64,128, got '%s'", LAC_MAKE_MASKS_SIZES - 1, text);
        size[n++] = side;
        at = end;
        stop = *end == '\0' ? end : NULL;
    }
    return LAC_OK;
}

static lac_status pack_masks(int argc, char **argv)
{
    const char *out = NULL, *size = "256";
    int64_t seed = 1;
    lac_mask_rule rule = { .kind = "union", .n = 56, .min = 0.0, .max = 1.0 };
    const lac_option options[] = {
        { "out", 'o', "FOLDER", LAC_OPTION_STRING, &out, "where KIND-N-seedSEED-SIZE.png goes, one file for each size" },
        { "kind", 0, "NAME", LAC_OPTION_STRING, &rule.kind, "a mask generator (default union)" },
        { "count", 'n', "N", LAC_OPTION_INT, &rule.n, "how many masks (default 56)" },
        { "size", 0, "SIDES", LAC_OPTION_STRING, &size, "sides of the pictures, as 64,128,256: the same holes at each (default 256)" },
        { "min", 0, "SHARE", LAC_OPTION_NUMBER, &rule.min, "least share of the picture that a mask covers (default 0)" },
        { "max", 0, "SHARE", LAC_OPTION_NUMBER, &rule.max, "greatest share (default 1)" },
        { "seed", 0, "N", LAC_OPTION_INT, &seed, "default 1" },
        { NULL },
    };
    const lac_command command = { "lacuna pack masks", NULL, 0, 0,
        "Draws a fixed set of evaluation masks. Draws that cover less or more than asked are thrown away.\n"
        "A file that results name must never change: give other masks another name.", options };
    lac_words words;
    bool go = false;
    lac_status s = parse(&command, argc, argv, &words, &out, &go);
    rule.seed = (uint64_t)seed;
    if (s == LAC_OK && go && seed < 0)
        s = LAC_FAIL(LAC_ERR_ARG, "--seed is 0 or more, got %" PRId64, seed);
    if (s == LAC_OK && go)
        s = parse_sizes(size, rule.size);
    if (s == LAC_OK && go)
        s = lac_make_folders(out);
    if (s == LAC_OK && go)
        s = lac_make_masks(&rule, out);
    lac_words_free(&words);
    return s;
}

static const struct { const char *name, *about; lac_status (*run)(int argc, char **argv); } formats[] = {
    { "folder", "pictures in folders or list files (Places2, CelebA-HQ) into one set", pack_folder },
    { "stamps", "photographs and objects from the system's packages into one set", pack_stamps },
    { "masks", "a fixed set of evaluation masks into PNG files", pack_masks },
};

static void help(FILE *to)
{
    fprintf(to, "usage: lacuna pack FORMAT ...\n\n");
    for (size_t i = 0; i < LAC_COUNT(formats); i++)
        fprintf(to, "  %-9s %s\n", formats[i].name, formats[i].about);
    fprintf(to, "\nlacuna pack FORMAT --help says more.\n");
}

int lac_cmd_pack(int argc, char **argv)
{
    const char *names[LAC_COUNT(formats)];
    int at = 0;
    for (size_t i = 0; i < LAC_COUNT(formats); i++)
        names[i] = formats[i].name;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        help(stdout);
        return 0;
    }
    if (argc < 2)
        return lac_finish(LAC_FAIL(LAC_ERR_ARG, "lacuna pack wants a format: folder, stamps or masks; see 'lacuna pack --help'"));
    lac_status s = lac_options_choose("format", argv[1], names, (int)LAC_COUNT(formats), &at);
    if (s == LAC_OK)
        s = formats[at].run(argc - 1, argv + 1);
    return lac_finish(s);
}
