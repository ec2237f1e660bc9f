/* cli/lua_text.h -- values as Lua source: what a person types after "key=", and the config.lua that a run leaves behind. */
#pragma once

#include "core/status.h"

#include <jansson.h>

/* Reads one value: a number, true, false, a "quoted" or 'quoted' string, a table in braces ({1, 2}, {every = 5, ["a.b"] = {}}), and
 * whatever else as a bare string. LAC_ERR_CONFIG for braces and quotes that do not close. */
lac_status lac_lua_value(const char *text, json_t **value);

/* One value as Lua reads it back: numbers with the fewest digits that keep them. free(*text). */
lac_status lac_lua_literal(const json_t *value, char **text);

/* A file that returns this table: sorted keys, the header as comment lines before it. Keys whose value is null are left
 * out: Lua tables cannot hold them. free(*text). */
lac_status lac_lua_print(const json_t *table, const char *header, char **text);
