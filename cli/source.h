/* cli/source.h -- how one comes by a packed set or weights that do not come along: configs-lua/sources.lua. */
#pragma once

#include "core/status.h"

/* name: as a config says it. *how is fresh: a command, or where it is published; NULL: the list does not have it. */
lac_status lac_source_of(const char *name, char **how);
