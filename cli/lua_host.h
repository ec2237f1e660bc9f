/* cli/lua_host.h -- an experiment: the table that a config file returns, where each of its keys was set, and the
 * overrides of the command line on top.
 *
 * The file runs in the sandbox of lua_sandbox.h, in a process of its own that ends with ours and is killed when its time is
 * up. `require` looks in the file's folder, in those above it up to one named configs-lua, then in the given roots. */
#pragma once

#include "cli/lua_sandbox.h"
#include "core/config.h"

typedef struct lac_experiment {
    json_t *config;             /* as given: lac_config_resolve checks it */
    json_t *lines;              /* dotted path -> "x.lua:12" or "command line" */
} lac_experiment;

extern const lac_lua_limits lac_lua_default_limits;     /* 64 MB, 100 million instructions, 5 s */

/* LAC_ERR_CONFIG with one line "x.lua:12: ..." for what the config does wrong, LAC_ERR_IO when it cannot be read. */
lac_status lac_experiment_load(lac_experiment *e, const char *path, const char *const *roots, int n_roots, const lac_lua_limits *limits);
/* As the commands load a config: `require` looks among the program's own configs-lua too, and the default limits hold. */
lac_status lac_experiment_open(lac_experiment *e, const char *path);
void lac_experiment_free(lac_experiment *e);            /* safe on a zeroed struct */

/* "optim.generator.lr=1e-4". The value is a number, true, false, a "quoted" or bare string, or a table in braces:
 * {1, 2}, {every = 5}. Tables on the way are made; an element of a list is named by its place: stages.1.steps=5. */
lac_status lac_experiment_override(lac_experiment *e, const char *assignment);

/* For lac_config_resolve, with the experiment as context: the line of the key, or of the nearest table around it. */
void lac_experiment_where(void *experiment, const char *dotted_path, char *where, size_t size);
