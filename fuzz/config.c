/* Any bytes at all as a config's source and as an override's value: what loads can be written as Lua and loads to the same
 * table again. The source runs in this process, so what only the clock can end (patterns) is left out. */
#include "cli/lua_sandbox.h"
#include "cli/lua_text.h"
#include "cli/sweep.h"

#include <stdlib.h>
#include <string.h>

static const lac_lua_limits limits = { .memory = 4u << 20, .instructions = 100000 };

static lac_status run(const char *text, size_t size, json_t **config)
{
    json_t *lines = NULL;
    lac_error_clear();
    const lac_status s = lac_lua_run(&(lac_lua_source){ "x.lua", text, size }, NULL, 0, &limits, config, &lines);
    if (s != LAC_OK && (lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL))
        abort();
    json_decref(lines);
    return s;
}

static void there_and_back(const json_t *config)
{
    char *text = NULL;
    json_t *again = NULL;
    if (lac_lua_print(config, "fuzz", &text) != LAC_OK)
        abort();
    if (run(text, strlen(text), &again) == LAC_OK && !json_equal(again, (json_t *)config))
        abort();
    json_decref(again);
    free(text);
}

static void try_sweep(const json_t *config)
{
    lac_sweep_run *runs = NULL;
    int64_t n = 0;
    if (lac_sweep_expand(config, &runs, &n) == LAC_OK)
        lac_sweep_free(runs, n);
}

static void try_value(const char *text)
{
    json_t *value = NULL;
    char *printed = NULL;
    if (lac_lua_value(text, &value) == LAC_OK && lac_lua_literal(value, &printed) != LAC_OK)
        abort();
    free(printed);
    json_decref(value);
}

static bool wants_the_clock(const char *text)
{
    return strstr(text, "find") || strstr(text, "match") || strstr(text, "gsub");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    json_t *config = NULL;
    char *text = malloc(size + 1);
    memcpy(text, bytes, size);
    text[size] = '\0';
    try_value(text);
    if (!wants_the_clock(text) && run(text, size, &config) == LAC_OK) {
        there_and_back(config);
        try_sweep(config);
    }
    json_decref(config);
    free(text);
    return 0;
}
