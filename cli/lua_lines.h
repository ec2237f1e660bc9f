/* cli/lua_lines.h -- the line at which a config's source sets each key, for messages.
 *
 * A scan of the text, not of what ran: table constructors and `config.key = value` are followed, computed keys are not. */
#pragma once

#include "core/status.h"

#include <jansson.h>

/* Adds "optim.generator.lr" -> "FILE:12" for each key set in the text; paths already in `lines` stay as they are. */
lac_status lac_lua_lines(json_t *lines, const char *file, const char *text, size_t size);
