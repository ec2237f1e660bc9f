/* cli/preset.h -- a config that is several: presets = { mini = { ... }, ... } are tables, one of which is laid over the rest, as lac.extend does it, where
 * preset = "mini" names it, in the file or on the command line; preset = "mini,row1" lays two, one after the other. Keys given on the command line lie over them. */
#pragma once

#include "cli/lua_host.h"
#include "cli/options.h"

/* Of a table as given: `presets` and `preset` are gone then. name: in place of its own `preset`; NULL: that, or none. lines: its keys' places, which follow; may be NULL.
 * LAC_ERR_CONFIG names a preset that is not there, with the nearest. */
lac_status lac_preset_apply(json_t *config, json_t *lines, const char *name);

/* The preset that words (of KEY=VALUE, from number `first` on) or the config itself name, then the words. */
lac_status lac_preset_override(lac_experiment *e, const lac_words *words, int first);
