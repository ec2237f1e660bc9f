/* The command line of a made-up subcommand: what is taken, and the line for what is not. */
#include "cli/options.h"
#include "tests/harness/test.h"

#include <stdlib.h>

static struct { bool grad; const char *out; int64_t limit; double scale; lac_words metric; } got;

static const lac_option options[] = {
    { "grad", 0, NULL, LAC_OPTION_FLAG, &got.grad, "gradients too" },
    { "out", 'o', "FILE", LAC_OPTION_STRING, &got.out, "where it goes" },
    { "limit", 'n', "N", LAC_OPTION_INT, &got.limit, "at most so many" },
    { "scale", 0, "X", LAC_OPTION_NUMBER, &got.scale, "factor" },
    { "metric", 'm', "NAME", LAC_OPTION_MULTIPLE, &got.metric, "one or more" },
    { NULL },
};
static const lac_command command = { "lacuna try", "MODEL [IMAGE]", 1, 2, "Tries a model.", options };

static lac_status parse(const char *const *argv, lac_words *words, bool *help)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    lac_words_free(&got.metric);
    memset(&got, 0, sizeof got);
    return lac_options_parse(&command, argc, (char *const *)argv, words, help);
}
#define PARSE(...) parse((const char *const[]){ "try", __VA_ARGS__, NULL }, &words, &help)

LAC_TEST(options_are_taken_in_every_form)
{
    lac_words words;
    bool help;
    LAC_CHECK_STATUS(PARSE("--out=a=b", "model", "-n4e5", "--scale", "-0.5", "-m", "l1", "--grad", "-", "--metric=psnr"));
    LAC_CHECK(strcmp(got.out, "a=b") == 0 && got.limit == 400000 && got.scale == -0.5 && got.grad && !help);
    LAC_CHECK(got.metric.n == 2 && strcmp(got.metric.word[1], "psnr") == 0);
    LAC_CHECK(words.n == 2 && strcmp(words.word[0], "model") == 0 && strcmp(words.word[1], "-") == 0);
    lac_words_free(&words);
    LAC_CHECK_STATUS(PARSE("model", "--", "--out"));
    LAC_CHECK(words.n == 2 && strcmp(words.word[1], "--out") == 0 && got.out == NULL);
    lac_words_free(&words);
    LAC_CHECK_STATUS(PARSE("--nonsense", "-h"));
    LAC_CHECK(help);
    lac_words_free(&got.metric);
}

LAC_TEST(options_that_are_wrong_get_one_line)
{
    lac_words words;
    bool help;
#define REFUSED(message, ...)                                                    \
    do {                                                                         \
        LAC_CHECK_FAILS(PARSE(__VA_ARGS__), LAC_ERR_ARG, message);               \
        lac_words_free(&words);                                                  \
    } while (0)
    REFUSED("unknown option 'ouy' (did you mean 'out'?)", "--ouy", "x");
    REFUSED("unknown option 'zzzzzz' (known: grad, out, limit, scale, metric, help)", "--zzzzzz");
    REFUSED("unknown option '-x'", "-x");
    REFUSED("--out wants a value: FILE", "m", "--out");
    REFUSED("--out is given twice", "m", "-oa", "-ob");
    REFUSED("--grad takes no value, got 'yes'", "m", "--grad=yes");
    REFUSED("--limit wants a whole number, got '1.5'", "m", "-n", "1.5");
    REFUSED("--limit wants a whole number, got ''", "m", "--limit=");
    REFUSED("--limit wants a whole number, got '1e300'", "m", "--limit=1e300");
    REFUSED("--scale wants a number, got 'nan'", "m", "--scale=nan");
    REFUSED("lacuna try wants MODEL [IMAGE]", "--grad");
    REFUSED("surplus word 'c'", "a", "b", "c");
}

LAC_TEST(options_print_their_help)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    lac_options_help(f, &command);
    fclose(f);
    LAC_CHECK(strstr(text, "usage: lacuna try MODEL [IMAGE] [options]\n\nTries a model.\n") == text);
    LAC_CHECK(strstr(text, "  -o, --out FILE              where it goes\n") && strstr(text, "      --grad                  gradients too\n"));
    LAC_CHECK(strstr(text, "  -h, --help                  this text\n"));
    free(text);
}

LAC_TEST(options_choose_a_word)
{
    static const char *const known[] = { "train", "eval" };
    int i = -1;
    LAC_CHECK_STATUS(lac_options_choose("command", "eval", known, 2, &i));
    LAC_CHECK(i == 1);
    LAC_CHECK_FAILS(lac_options_choose("command", "trian", known, 2, &i), LAC_ERR_ARG, "unknown command 'trian' (did you mean 'train'?)");
    LAC_CHECK_FAILS(lac_options_choose("command", "xyz", known, 2, &i), LAC_ERR_ARG, "(known: train, eval)");
}
