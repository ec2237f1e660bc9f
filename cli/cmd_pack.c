/* lacuna pack: pictures into one packed set, and fixed masks into files. */
#include "cli/commands.h"

#include "core/file/atomic.h"
#include "data/format.h"
#include "data/make_masks.h"

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

static void note(void *context, const char *text)
{
    (void)context;
    printf("%s\n", text);
}

/* The options of a format: those of every one, unless it is one very set, then its own. */
typedef struct parsed { const char *out; lac_pack_options common; union { max_align_t align; char bytes[LAC_FORMAT_OWN]; } own; } parsed;

static void list_options(const lac_pack_format *f, parsed *p, lac_option *to)
{
    const lac_option common[] = {
        { "name", 0, "NAME", LAC_OPTION_STRING, &p->common.title, "the set's name (default: the file's, without .h5)" },
        { "split", 0, "NAME", LAC_OPTION_STRING, &p->common.split, "the split of every picture (default train; of a benchmark test)" },
        { "licence", 0, "TEXT", LAC_OPTION_STRING, &p->common.licence, "licence of every picture" },
        { "strict", 0, NULL, LAC_OPTION_FLAG, &p->common.strict, "whatever would be skipped is an error, and nothing is written" },
    };
    static const lac_option_kind kind[] = { [LAC_FORMAT_FLAG] = LAC_OPTION_FLAG, [LAC_FORMAT_TEXT] = LAC_OPTION_STRING, [LAC_FORMAT_NUMBER] = LAC_OPTION_INT };
    *to++ = (lac_option){ "out", 'o', "FILE", LAC_OPTION_STRING, &p->out, "the set, written whole or not at all" };
    for (size_t i = 0; f->title == NULL && i < LAC_COUNT(common); i++)
        *to++ = common[i];
    for (const lac_pack_own_option *o = f->options; o != NULL && o->name != NULL; o++)
        *to++ = (lac_option){ o->name, 0, o->argument, kind[o->kind], p->own.bytes + o->at, o->about };
    *to = (lac_option){ NULL };
}

static lac_status check_numbers(const lac_pack_format *f, const parsed *p)
{
    for (const lac_pack_own_option *o = f->options; o != NULL && o->name != NULL; o++)
        if (o->kind == LAC_FORMAT_NUMBER && *(const int64_t *)(p->own.bytes + o->at) < 0)
            return LAC_FAIL(LAC_ERR_ARG, "--%s is 0 or more, got %" PRId64, o->name, *(const int64_t *)(p->own.bytes + o->at));
    return LAC_OK;
}

static void report(const char *out, const lac_pack_counts *n)
{
    printf("%s: %" PRId64 " pictures, ", out, n->pictures);
    for (int k = 0; k < LAC_N_PARTS; k++)
        if (n->part[k] > 0)
            printf("%" PRId64 " %ss, ", n->part[k], lac_part_kind_name((lac_part_kind)k));
    printf("%" PRId64 " skipped\n", n->skipped);
}

static lac_status pack_format(const lac_pack_format *f, int argc, char **argv)
{
    parsed p = { .common = { .skipped = skip, .note = note } };
    lac_option options[LAC_FORMAT_OPTIONS + 6];
    char name[64];
    lac_pack_counts counts;
    lac_words words;
    bool go = false;
    snprintf(name, sizeof name, "lacuna pack %s", f->name);
    p.common.own = p.own.bytes;
    list_options(f, &p, options);
    const lac_command command = { name, f->sources, f->least, f->most, f->help, options };
    lac_status s = parse(&command, argc, argv, &words, &p.out, &go);
    if (s == LAC_OK && go)
        s = check_numbers(f, &p);
    if (s == LAC_OK && go)
        s = lac_pack_run(f, words.word, words.n, p.out, &p.common, &counts);
    if (s == LAC_OK && go)
        report(p.out, &counts);
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

enum { MAX_FORMATS = 64 };

static int list_names(const char *names[MAX_FORMATS])
{
    int n;
    const lac_pack_format *const *f = lac_pack_formats(&n);
    for (int i = 0; i < n; i++)
        names[i] = f[i]->name;
    names[n] = "masks";
    return n + 1;
}

static void help(FILE *to)
{
    int n;
    const lac_pack_format *const *f = lac_pack_formats(&n);
    fprintf(to, "usage: lacuna pack FORMAT ...\n\n");
    for (int i = 0; i < n; i++)
        fprintf(to, "  %-11s %s\n", f[i]->name, f[i]->about);
    fprintf(to, "  %-11s %s\n\nlacuna pack FORMAT --help says more.\n", "masks", "a fixed set of evaluation masks into PNG files");
}

static lac_status no_format(const char *const *names, int n)
{
    char all[512] = "";
    for (int i = 0, used = 0; i < n && used < (int)sizeof all - 80; i++)
        used += snprintf(all + used, sizeof all - (size_t)used, "%s%.60s", i == 0 ? "" : i + 1 < n ? ", " : " or ", names[i]);
    return LAC_FAIL(LAC_ERR_ARG, "lacuna pack wants a format: %s; see 'lacuna pack --help'", all);
}

int lac_cmd_pack(int argc, char **argv)
{
    const char *names[MAX_FORMATS];
    const int n = list_names(names);
    int at = 0;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        help(stdout);
        return 0;
    }
    if (argc < 2)
        return lac_finish(no_format(names, n));
    lac_status s = lac_options_choose("format", argv[1], names, n, &at);
    if (s == LAC_OK)
        s = at == n - 1 ? pack_masks(argc - 1, argv + 1) : pack_format(lac_pack_formats(&(int){ 0 })[at], argc - 1, argv + 1);
    return lac_finish(s);
}
