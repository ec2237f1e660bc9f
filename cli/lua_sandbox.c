#include "cli/lua_sandbox.h"

#include "cli/lua_lines.h"
#include "cli/lua_table.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include <lac_version.h>

#include <ctype.h>
#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOOK_EVERY = 10000, MAX_SOURCE = 1 << 20 };

typedef struct sandbox {
    const lac_lua_limits *limits;
    const char *const *roots;
    int n_roots;
    size_t memory;
    int64_t instructions;
    json_t *lines;
} sandbox;

/* The part that is shortest in Lua itself. extend copies: a table that require has handed out is never changed. */
static const char prelude[] =
    "local next, type, sort, error, lac = next, type, table.sort, error, lac\n"
    "local function before(a, b)\n"
    "  if type(a) ~= type(b) then return type(a) < type(b) end\n"
    "  return (type(a) == 'string' or type(a) == 'number') and a < b\n"
    "end\n"
    "function pairs(t)\n"
    "  local keys, i = {}, 0\n"
    "  for k in next, t do keys[#keys + 1] = k end\n"
    "  sort(keys, before)\n"
    "  return function() i = i + 1; local k = keys[i]; if k ~= nil then return k, t[k] end end\n"
    "end\n"
    "local function merge(base, over, depth)\n"
    "  if type(over) ~= 'table' then return over end\n"
    "  if depth > 32 then error('lac.extend: tables nest deeper than 32', 0) end\n"
    "  local result = {}\n"
    "  if type(base) == 'table' and base[1] == nil and over[1] == nil then\n"
    "    for k, v in next, base do result[k] = merge(nil, v, depth + 1) end\n"
    "  else base = {} end\n"
    "  for k, v in next, over do result[k] = merge(base[k], v, depth + 1) end\n"
    "  return result\n"
    "end\n"
    "function lac.extend(base, overrides)\n"
    "  if type(base) ~= 'table' or type(overrides) ~= 'table' then error('lac.extend wants two tables', 2) end\n"
    "  return merge(base, overrides, 0)\n"
    "end\n"
    "_G.next = nil\n";

static sandbox *sandbox_of(lua_State *l) { return *(sandbox **)lua_getextraspace(l); }

static void *allocate(void *context, void *p, size_t old, size_t wanted)
{
    sandbox *b = context;
    old = p ? old : 0;
    if (wanted == 0) {
        free(p);
        b->memory -= old;
        return NULL;
    }
    if (wanted > old && wanted - old > b->limits->memory - b->memory)
        return NULL;
    if (lac_realloc(&p, wanted) != LAC_OK)
        return NULL;
    b->memory += wanted - old;
    return p;
}

/* From here on every instruction raises the error again, so no pcall of the source's can hold it. */
static void count(lua_State *l, lua_Debug *where)
{
    sandbox *b = sandbox_of(l);
    (void)where;
    b->instructions += HOOK_EVERY;
    if (b->instructions < b->limits->instructions)
        return;
    lua_sethook(l, count, LUA_MASKCOUNT, 1);
    luaL_where(l, 0);
    lua_pushfstring(l, "%smore than %d million instructions: an endless loop?", lua_tostring(l, -1), (int)(b->limits->instructions / 1000000));
    lua_error(l);
}

/* ---- require ---- */

static bool good_module_name(const char *name)
{
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '_' && *at != '-' && (*at != '.' || at == name || at[-1] == '.' || !at[1]))
            return false;
    return name[0] != '\0';
}

/* The file of a module below one root, links resolved; false when there is none. */
static bool find_below(const char *root, const char *name, char *file)
{
    char folder[PATH_MAX], wanted[PATH_MAX];
    if (realpath(root, folder) == NULL)
        return false;
    const size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    const int n = snprintf(wanted, sizeof wanted, "%.*s/%s.lua", (int)length, folder, name);
    if (n < 0 || n >= (int)sizeof wanted)
        return false;
    for (char *at = wanted + length + 1; at < wanted + n - 4; at++)
        *at = *at == '.' ? '/' : *at;
    return realpath(wanted, file) != NULL && strncmp(file, folder, length) == 0 && file[length] == '/';
}

/* A path as messages show it: from the working folder where it lies below that. */
static const char *shown(const char *file)
{
    char here[PATH_MAX];
    if (getcwd(here, sizeof here) == NULL)
        return file;
    const size_t length = strlen(here);
    return strncmp(file, here, length) == 0 && file[length] == '/' ? file + length + 1 : file;
}

/* Pushes the chunk, or pushes an error message and returns false. */
static bool load_chunk(lua_State *l, const lac_lua_source *source)
{
    lua_pushfstring(l, "@%s", source->file);
    const int result = luaL_loadbufferx(l, source->text, source->size, lua_tostring(l, -1), "t");
    lua_remove(l, -2);
    if (result != LUA_OK)
        return false;
    const lac_status s = lac_lua_lines(sandbox_of(l)->lines, source->file, source->text, source->size);
    return s == LAC_OK || (lua_pushstring(l, lac_error_message()), false);
}

static bool load_file(lua_State *l, const char *file)
{
    char *text;
    size_t size;
    if (lac_file_read(file, MAX_SOURCE, &text, &size) != LAC_OK) {
        lua_pushstring(l, lac_error_message());
        return false;
    }
    const bool good = load_chunk(l, &(lac_lua_source){ shown(file), text, size });
    free(text);
    return good;
}

/* require(name): upvalue 1 keeps what each file returned, and true while it runs. */
static int require(lua_State *l)
{
    const sandbox *b = sandbox_of(l);
    const char *name = luaL_checkstring(l, 1);
    char file[PATH_MAX];
    bool found = false;
    if (!good_module_name(name))
        return luaL_error(l, "require: '%s' is no module name (words with dots between)", name);
    for (int i = 0; !found && i < b->n_roots; i++)
        found = find_below(b->roots[i], name, file);
    if (!found)
        return luaL_error(l, "no module '%s' below %s", name, b->n_roots > 0 ? shown(b->roots[0]) : "any folder");
    if (lua_getfield(l, lua_upvalueindex(1), file) == LUA_TBOOLEAN)
        return luaL_error(l, "require: '%s' requires itself", name);
    if (!lua_isnil(l, -1))
        return 1;
    lua_pushboolean(l, true);
    lua_setfield(l, lua_upvalueindex(1), file);
    if (!load_file(l, file))
        return lua_error(l);
    lua_call(l, 0, 1);
    if (!lua_istable(l, -1))
        return luaL_error(l, "module '%s' returns a %s, expected a table", name, luaL_typename(l, -1));
    lua_pushvalue(l, -1);
    lua_setfield(l, lua_upvalueindex(1), file);
    return 1;
}

/* ---- what a config sees ---- */

static int no_such_global(lua_State *l)
{
    return luaL_error(l, "there is no '%s' in a config", lua_tostring(l, 2) ? lua_tostring(l, 2) : "?");
}

static void remove_fields(lua_State *l, const char *table, const char *const *names)
{
    lua_getglobal(l, table);
    for (; *names != NULL; names++) {
        lua_pushnil(l);
        lua_setfield(l, -2, *names);
    }
    lua_pop(l, 1);
}

static void open_libraries(lua_State *l)
{
    static const luaL_Reg library[] = {
        { "_G", luaopen_base }, { "string", luaopen_string }, { "table", luaopen_table }, { "math", luaopen_math }, { "utf8", luaopen_utf8 },
    };
    static const char *const base[] = {
        "collectgarbage", "dofile", "getmetatable", "load", "loadfile", "print", "rawset", "setmetatable", "warn", NULL,
    };
    for (size_t i = 0; i < LAC_COUNT(library); i++) {
        luaL_requiref(l, library[i].name, library[i].func, 1);
        lua_pop(l, 1);
    }
    remove_fields(l, "_G", base);
    remove_fields(l, "string", (const char *const[]){ "dump", NULL });
    remove_fields(l, "math", (const char *const[]){ "random", "randomseed", NULL });
}

static void add_own(lua_State *l)
{
    lua_newtable(l);
    lua_pushcclosure(l, require, 1);
    lua_setglobal(l, "require");
    lua_newtable(l);
    lua_pushstring(l, LAC_VERSION);
    lua_setfield(l, -2, "version");
    lua_setglobal(l, "lac");
    if (luaL_loadbufferx(l, prelude, sizeof prelude - 1, "=lac", "t") != LUA_OK)
        lua_error(l);
    lua_call(l, 0, 0);
    lua_pushglobaltable(l);
    lua_newtable(l);
    lua_pushcfunction(l, no_such_global);
    lua_setfield(l, -2, "__index");
    lua_setmetatable(l, -2);
    lua_pop(l, 1);
}

/* Under lua_pcall: argument 1 is the source, the result what it returns. */
static int run(lua_State *l)
{
    const lac_lua_source *source = lua_touserdata(l, 1);
    open_libraries(l);
    add_own(l);
    if (!load_chunk(l, source))
        return lua_error(l);
    lua_sethook(l, count, LUA_MASKCOUNT, HOOK_EVERY);
    lua_call(l, 0, 1);
    return 1;
}

/* A message on one line, with the file in front if Lua has not put it there. */
static lac_status raised(lua_State *l, const char *file)
{
    char text[1024];
    const char *why = lua_type(l, -1) == LUA_TSTRING ? lua_tostring(l, -1) : "an error that is no text";
    snprintf(text, sizeof text, "%s", why);
    for (char *at = text; *at; at++)
        *at = iscntrl((unsigned char)*at) ? ' ' : *at;
    const char *colon = strstr(text, ".lua:");
    if (colon != NULL || strncmp(text, file, strlen(file)) == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "%s", text);
    return LAC_FAIL(LAC_ERR_CONFIG, "%s: %s", file, text);
}

static lac_status run_in(lua_State *l, const lac_lua_source *source, json_t **config)
{
    lua_pushcfunction(l, run);
    lua_pushlightuserdata(l, (void *)source);
    const int result = lua_pcall(l, 1, 1, 0);
    lua_sethook(l, NULL, 0, 0);
    if (result == LUA_ERRMEM)
        return LAC_FAIL(LAC_ERR_CONFIG, "%s: more than %zu MB of memory: a table, string or recursion without end?", source->file,
                        sandbox_of(l)->limits->memory >> 20);
    if (result != LUA_OK)
        return raised(l, source->file);
    if (!lua_istable(l, -1))
        return LAC_FAIL(LAC_ERR_CONFIG, "%s: a config returns a table, this one returns %s", source->file, luaL_typename(l, -1));
    return lac_context(lac_lua_to_json(l, -1, config), "%s", source->file);
}

lac_status lac_lua_run(const lac_lua_source *source, const char *const *roots, int n_roots, const lac_lua_limits *limits,
                       json_t **config, json_t **lines)
{
    sandbox b = { .limits = limits, .roots = roots, .n_roots = n_roots, .lines = json_object() };
    lua_State *l = lua_newstate(allocate, &b);
    if (l == NULL || b.lines == NULL) {
        json_decref(b.lines);
        return LAC_FAIL(LAC_ERR_MEM, "out of memory for Lua");
    }
    *(sandbox **)lua_getextraspace(l) = &b;
    const lac_status s = run_in(l, source, config);
    lua_close(l);
    if (s == LAC_OK)
        *lines = b.lines;
    else
        json_decref(b.lines);
    return s;
}
