#include "tests/harness/program.h"

#include "autograd/ops/backend_cpu.h"
#include "cli/commands.h"
#include "tests/harness/metrics.h"
#include "tests/harness/sampler.h"

#include <stdio.h>
#include <string.h>

static const struct { const char *name; int (*run)(int argc, char **argv); } commands[] = {
#define LAC_COMMAND(name, about) { #name, lac_cmd_##name },
#include "cli/commands.def"
#undef LAC_COMMAND
};

lac_status lac_test_recipes(void)
{
    const lac_recipe_def *known;
    if (lac_recipe_find(&known, lac_recipe_balance.name) == LAC_OK)
        return LAC_OK;
    lac_error_clear();
    LAC_TRY(lac_test_sampled_register());
    return lac_recipe_register(&lac_recipe_balance);
}

int lac_test_program(int argc, char **argv)
{
    lac_status s = lac_backend_cpu_register();
    if (s == LAC_OK)
        s = lac_test_recipes();
    if (s == LAC_OK)
        s = lac_test_sampler_register();
    if (s == LAC_OK)
        s = lac_metric_register(&lac_test_metrics);
    for (size_t i = 0; s == LAC_OK && i < LAC_COUNT(commands); i++)
        if (strcmp(commands[i].name, argv[0]) == 0)
            return commands[i].run(argc, argv);
    fprintf(stderr, "lacuna-tests: '%s': %s\n", argv[0], s == LAC_OK ? "no such command" : lac_error_message());
    return 2;
}
