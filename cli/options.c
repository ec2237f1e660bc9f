#include "cli/options.h"

#include "core/config.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 64 };

typedef struct walk {
    const lac_command *command;
    int argc, at;
    char *const *argv;
    bool seen[MAX_OPTIONS];
} walk;

static const lac_option none[] = { { NULL } };

static const lac_option *options_of(const lac_command *c) { return c->options ? c->options : none; }

lac_status lac_words_add(lac_words *w, const char *word)
{
    LAC_TRY(lac_realloc((void **)&w->word, ((size_t)w->n + 1) * sizeof *w->word));
    w->word[w->n++] = word;
    return LAC_OK;
}

void lac_words_free(lac_words *w)
{
    free(w->word);
    *w = (lac_words){ 0 };
}

lac_status lac_options_choose(const char *what, const char *word, const char *const *known, int n, int *index)
{
    char list[512] = "";
    size_t length = 0;
    for (int i = 0; i < n; i++) {
        if (strcmp(word, known[i]) == 0) {
            *index = i;
            return LAC_OK;
        }
        if (length < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i ? ", " : "", known[i]);
    }
    const int near = lac_nearest(word, known, n);
    if (near >= 0)
        return LAC_FAIL(LAC_ERR_ARG, "unknown %s '%s' (did you mean '%s'?)", what, word, known[near]);
    return LAC_FAIL(LAC_ERR_ARG, "unknown %s '%s' (known: %s)", what, word, list);
}

static lac_status find_long(const walk *w, const char *name, size_t length, const lac_option **option)
{
    const char *known[MAX_OPTIONS];
    char word[128];
    int n = 0, index = 0;
    for (const lac_option *o = options_of(w->command); o->name != NULL && n < MAX_OPTIONS - 1; o++)
        known[n++] = o->name;
    known[n] = "help";
    snprintf(word, sizeof word, "%.*s", (int)length, name);
    LAC_TRY(lac_options_choose("option", word, known, n + 1, &index));
    *option = &options_of(w->command)[index];
    return LAC_OK;
}

static lac_status find_letter(const walk *w, char letter, const lac_option **option)
{
    for (const lac_option *o = options_of(w->command); o->name != NULL; o++)
        if (o->letter == letter) {
            *option = o;
            return LAC_OK;
        }
    return LAC_FAIL(LAC_ERR_ARG, "unknown option '-%c'; '%s --help' lists them", letter, w->command->name);
}

static lac_status set_number(const lac_option *o, const char *value)
{
    char *end;
    const double number = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(number))
        return LAC_FAIL(LAC_ERR_ARG, "--%s wants a number, got '%s'", o->name, value);
    *(double *)o->to = number;
    return LAC_OK;
}

static lac_status set_int(const lac_option *o, const char *value)
{
    char *end;
    const double number = strtod(value, &end);
    if (end == value || *end != '\0' || floor(number) != number || fabs(number) > 0x1p53)
        return LAC_FAIL(LAC_ERR_ARG, "--%s wants a whole number, got '%s'", o->name, value);
    *(int64_t *)o->to = (int64_t)number;
    return LAC_OK;
}

static lac_status set_value(walk *w, const lac_option *o, const char *value)
{
    const size_t index = (size_t)(o - options_of(w->command));
    if (index < MAX_OPTIONS && w->seen[index] && o->kind != LAC_OPTION_MULTIPLE && o->kind != LAC_OPTION_FLAG)
        return LAC_FAIL(LAC_ERR_ARG, "--%s is given twice", o->name);
    if (index < MAX_OPTIONS)
        w->seen[index] = true;
    switch (o->kind) {
    case LAC_OPTION_FLAG: *(bool *)o->to = true; break;
    case LAC_OPTION_STRING: *(const char **)o->to = value; break;
    case LAC_OPTION_INT: return set_int(o, value);
    case LAC_OPTION_NUMBER: return set_number(o, value);
    case LAC_OPTION_MULTIPLE: return lac_words_add(o->to, value);
    }
    return LAC_OK;
}

/* `value` is what hangs on the option's own word, or NULL: then the next word is it. */
static lac_status take_option(walk *w, const lac_option *o, const char *value)
{
    if (o->kind == LAC_OPTION_FLAG)
        return value == NULL ? set_value(w, o, NULL) : LAC_FAIL(LAC_ERR_ARG, "--%s takes no value, got '%s'", o->name, value);
    if (value == NULL && ++w->at < w->argc)
        value = w->argv[w->at];
    if (value == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "--%s wants a value: %s", o->name, o->argument);
    return set_value(w, o, value);
}

static lac_status take_word(walk *w, lac_words *words)
{
    const char *word = w->argv[w->at];
    const lac_option *o = NULL;
    if (word[0] != '-' || word[1] == '\0')
        return lac_words_add(words, word);
    if (word[1] == '-') {
        const size_t length = strcspn(word + 2, "=");
        LAC_TRY(find_long(w, word + 2, length, &o));
        return take_option(w, o, word[2 + length] == '=' ? word + 3 + length : NULL);
    }
    LAC_TRY(find_letter(w, word[1], &o));
    return take_option(w, o, word[2] ? word + 2 : NULL);
}

static bool wants_help(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

lac_status lac_options_parse(const lac_command *command, int argc, char *const *argv, lac_words *words, bool *help)
{
    walk w = { .command = command, .argc = argc, .at = 1, .argv = argv };
    *words = (lac_words){ 0 };
    *help = wants_help(argc, argv);
    if (*help)
        return LAC_OK;
    for (; w.at < argc && strcmp(argv[w.at], "--") != 0; w.at++)
        LAC_TRY(take_word(&w, words));
    for (w.at++; w.at < argc; w.at++)
        LAC_TRY(lac_words_add(words, argv[w.at]));
    if (words->n < command->min)
        return LAC_FAIL(LAC_ERR_ARG, "%s wants %s; see '%s --help'", command->name, command->words, command->name);
    if (command->max >= 0 && words->n > command->max)
        return LAC_FAIL(LAC_ERR_ARG, "%s: surplus word '%s'; see '%s --help'", command->name, words->word[command->max], command->name);
    return LAC_OK;
}

static void help_line(FILE *to, char letter, const char *name, const char *argument, const char *help)
{
    char left[80];
    const char short_form[] = { letter ? '-' : ' ', letter ? letter : ' ', letter ? ',' : ' ', '\0' };
    snprintf(left, sizeof left, "%s --%s%s%s", short_form, name, argument ? " " : "", argument ? argument : "");
    fprintf(to, "  %-26s  %s\n", left, help);
}

void lac_options_help(FILE *to, const lac_command *command)
{
    fprintf(to, "usage: %s%s%s [options]\n\n%s\n\n", command->name, command->words ? " " : "", command->words ? command->words : "",
            command->about);
    for (const lac_option *o = options_of(command); o->name != NULL; o++)
        help_line(to, o->letter, o->name, o->argument, o->help);
    help_line(to, 'h', "help", NULL, "this text");
}

lac_status lac_options_begin(const lac_command *command, int argc, char *const *argv, lac_words *words, bool *go)
{
    bool help = false;
    const lac_status s = lac_options_parse(command, argc, argv, words, &help);
    *go = s == LAC_OK && !help;
    if (s == LAC_OK && help)
        lac_options_help(stdout, command);
    return s;
}
