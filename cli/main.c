/* lacuna and trainer: one program, two names. */
#include "cli/commands.h"

#include "autograd/ops/backend_cpu.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

static const struct { const char *name, *about; int (*run)(int argc, char **argv); } commands[] = {
#define LAC_COMMAND(name, about) { #name, about, lac_cmd_##name },
#include "cli/commands.def"
#undef LAC_COMMAND
};

static void help(FILE *to)
{
    fprintf(to, "lacuna COMMAND ...       image inpainting: training, use, evaluation\n\n");
    for (size_t i = 0; i < LAC_COUNT(commands); i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].about);
    fprintf(to, "\nlacuna COMMAND --help says more. `trainer` is `lacuna train`.\n");
}

static int dispatch(int argc, char **argv)
{
    const char *names[LAC_COUNT(commands)];
    int at = 0;
    for (size_t i = 0; i < LAC_COUNT(commands); i++)
        names[i] = commands[i].name;
    if (lac_options_choose("command", argv[1], names, (int)LAC_COUNT(commands), &at) != LAC_OK) {
        fprintf(stderr, "lacuna: %s\n", lac_error_message());
        return 2;
    }
    return commands[at].run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    if (lac_backend_cpu_register() != LAC_OK) {
        fprintf(stderr, "lacuna: %s\n", lac_error_message());
        return 1;
    }
    const bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0);
    if (argc < 2 || asked) {
        help(asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("lacuna %s (%s)\n", lac_code_version(), lac_code_revision());
        return 0;
    }
    return dispatch(argc, argv);
}
