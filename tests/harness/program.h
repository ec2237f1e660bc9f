/* tests/harness/program.h -- the program's commands inside the test program, which knows the recipes, the sampler and the metrics of tests beside the program's own. */
#pragma once

#include "train/recipe.h"

/* Two optimizers, and a frozen network beside them (harness/recipe_balance.c); registered by lac_test_recipes, once. */
extern const lac_recipe_def lac_recipe_balance;
lac_status lac_test_recipes(void);
lac_status lac_test_sampled_register(void);     /* "sampled", harness/recipe_sampled.c; lac_test_recipes calls it */

/* argv[0] is a command's name: train, export, ... */
int lac_test_program(int argc, char **argv);
