/* tests/harness/program.h -- the program's commands inside the test program, which knows the recipes of tests beside the program's own. */
#pragma once

#include "train/recipe.h"

/* Two optimizers, and a frozen network beside them (harness/recipe_balance.c); registered by lac_test_recipes, once. */
extern const lac_recipe_def lac_recipe_balance;
lac_status lac_test_recipes(void);

/* argv[0] is a command's name: train, export, ... */
int lac_test_program(int argc, char **argv);
