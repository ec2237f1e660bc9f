/* cli/lua_sandbox.h -- runs a config's source in a Lua that can reach nothing: no io, os, load, debug, package, metatables,
 * random numbers or bytecode. What it has: the harmless part of the base library, string, table, math, utf8,
 * require "base.deepfill" (a file base/deepfill.lua below one of the roots), lac.extend(base, overrides), lac.version.
 * pairs goes by sorted keys, so that a source always gives the same table. Reading a global that does not exist is an error.
 *
 * Memory and instructions are limited here. Time is not: a count hook does not fire within string.find, so lua_host.h runs all
 * this in a process of its own. */
#pragma once

#include "core/status.h"

#include <jansson.h>

typedef struct lac_lua_limits {
    size_t memory;              /* bytes */
    int64_t instructions;
    double seconds;             /* of wall-clock time, kept by lua_host.h */
} lac_lua_limits;

typedef struct lac_lua_source { const char *file, *text; size_t size; } lac_lua_source;   /* file: as messages call it */

/* *config is the returned table, *lines maps dotted paths to "FILE:LINE"; new references on success. LAC_ERR_CONFIG with one line
 * "FILE:LINE: ..." for whatever the source does wrong. */
lac_status lac_lua_run(const lac_lua_source *source, const char *const *roots, int n_roots, const lac_lua_limits *limits,
                       json_t **config, json_t **lines);
