/* cli/options.h -- the command line of every subcommand: a table of options, the words between them, and --help made from both.
 *
 *     lac_option options[] = { { "out", 'o', "FILE", LAC_OPTION_STRING, &out, "where the picture goes" }, { NULL } };
 *     lac_command command = { .name = "lacuna inpaint", .words = "MODEL", .min = 1, .max = 1, .about = "...", .options = options };
 *
 * Options are --name VALUE, --name=VALUE, -o VALUE or -oVALUE, anywhere among the words; "--" ends them and "-" is a word.
 * Strings point into argv. What an option's variable holds beforehand is its default. */
#pragma once

#include "core/status.h"

#include <stdio.h>

typedef struct lac_words { const char **word; int n; } lac_words;

typedef enum {
    LAC_OPTION_FLAG,            /* bool *, set to true */
    LAC_OPTION_STRING,          /* const char ** */
    LAC_OPTION_INT,             /* int64_t *; "4e5" is a whole number too */
    LAC_OPTION_NUMBER,          /* double *, finite */
    LAC_OPTION_MULTIPLE,        /* lac_words *, zeroed beforehand: may be given again and again; the others once */
} lac_option_kind;

typedef struct lac_option {
    const char *name;           /* without dashes; the table ends with { NULL } */
    char letter;                /* or 0 */
    const char *argument;       /* as --help calls it: "FILE"; NULL for a flag */
    lac_option_kind kind;
    void *to;
    const char *help;           /* one line */
} lac_option;

typedef struct lac_command {
    const char *name, *words;   /* "lacuna eval", "RUN|CONFIG|IMAGES..." */
    int min, max;               /* how many words; max < 0: any number */
    const char *about;          /* what it does: lines of help, ended without newline */
    const lac_option *options;
} lac_command;

/* Reads argv[1 ..]. *words and every lac_words are the caller's to lac_words_free, also on failure. With --help or -h, *help
 * is true and nothing is checked. LAC_ERR_ARG, naming the nearest option for an unknown one. */
lac_status lac_options_parse(const lac_command *command, int argc, char *const *argv, lac_words *words, bool *help);

void lac_options_help(FILE *to, const lac_command *command);

/* How a subcommand begins: the same, and the help printed where it is asked for. *go: there is work to do (never after a failure). */
lac_status lac_options_begin(const lac_command *command, int argc, char *const *argv, lac_words *words, bool *go);

/* Finds `word` among n known ones: *index, or LAC_ERR_ARG "unknown WHAT 'trian' (did you mean 'train'?)". */
lac_status lac_options_choose(const char *what, const char *word, const char *const *known, int n, int *index);

lac_status lac_words_add(lac_words *w, const char *word);
void lac_words_free(lac_words *w);
