/* cli/lua_table.h -- a Lua value as JSON.
 *
 * Strings, booleans, whole numbers and finite reals keep their kind; a table with the keys 1..n is a list, one with names only a
 * table, in the order of its names, {} an empty table. Anything else is LAC_ERR_CONFIG naming its path: holes, mixed keys, functions, NaN, text that is
 * not UTF-8, more than 32 levels (so cycles too), more than 200000 values or 16 MB of text (tables shared many times over). */
#pragma once

#include "core/status.h"

#include <jansson.h>
#include <lua.h>

/* *value is a new reference on success. Raises no Lua error; leaves the stack as it was. */
lac_status lac_lua_to_json(lua_State *l, int index, json_t **value);
