/* lacuna and trainer: one program, two names. */
#include "cli/commands.h"

#include "autograd/ops/backend_cpu.h"
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

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

/* libgomp's threads spin for long before they sleep. Beside other work on the same cores that made a step 20 times slower (5.5 s
 * for 0.24 s, two cores, load 6); with short spins 1.2 s, and 0.26 s on a quiet machine. It reads its environment as it is
 * loaded, so the program starts itself once more. Whoever has set either variable is left alone. */
static void spin_less(char **argv)
{
    if (getenv("GOMP_SPINCOUNT") != NULL || getenv("OMP_WAIT_POLICY") != NULL || setenv("GOMP_SPINCOUNT", "20000", 1) != 0)
        return;
    execv("/proc/self/exe", argv);          /* should it fail, we go on as we are */
}

int main(int argc, char **argv)
{
    spin_less(argv);
    const char *slash = strrchr(argv[0], '/'), *self = slash ? slash + 1 : argv[0];
    prctl(PR_SET_NAME, self);               /* for ps and pgrep: starting again left "exe" there */
    if (lac_backend_cpu_register() != LAC_OK) {
        fprintf(stderr, "lacuna: %s\n", lac_error_message());
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("lacuna %s (%s)\n", lac_code_version(), lac_code_revision());
        return 0;
    }
    if (strcmp(self, "trainer") == 0)
        return lac_cmd_train(argc, argv);
    const bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0);
    if (argc < 2 || asked) {
        help(asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    return dispatch(argc, argv);
}
