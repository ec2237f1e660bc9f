#include "cli/lua_table.h"

#include "core/memory.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_VALUES = 200000, MAX_TEXT = 16 << 20, MAX_PATH = 512 };

typedef struct walk {
    lua_State *l;
    int depth;
    int64_t values, text;
    char path[MAX_PATH];
} walk;

static lac_status convert(walk *w, json_t **value);

static lac_status no_memory(void) { return LAC_FAIL(LAC_ERR_MEM, "out of memory for a config"); }

static const char *path_of(const walk *w) { return w->path[0] ? w->path : "the config"; }

static size_t enter(walk *w, const char *name)
{
    const size_t end = strlen(w->path);
    snprintf(w->path + end, sizeof w->path - end, "%s%s", end ? "." : "", name);
    return end;
}

/* Counts the keys and looks at them: *list when they are 1..n and there is at least one. */
static lac_status look_at_keys(walk *w, bool *list)
{
    lua_Unsigned integers = 0, others = 0;
    lua_Integer highest = 0;
    for (lua_pushnil(w->l); lua_next(w->l, -2); lua_pop(w->l, 1)) {
        if (lua_isinteger(w->l, -2) && lua_tointeger(w->l, -2) >= 1) {
            integers++;
            highest = LAC_MAX(highest, lua_tointeger(w->l, -2));
        } else if (lua_type(w->l, -2) == LUA_TSTRING) {
            others++;
        } else {
            const char *kind = luaL_typename(w->l, -2);
            lua_pop(w->l, 2);
            return LAC_FAIL(LAC_ERR_CONFIG, "'%s' has a key that is neither a name nor a place in a list: a %s", path_of(w), kind);
        }
    }
    *list = integers > 0;
    if (integers > 0 && others > 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'%s' mixes a list with named keys", path_of(w));
    if ((lua_Unsigned)highest != integers)
        return LAC_FAIL(LAC_ERR_CONFIG, "'%s' is a list with holes: %llu values, the last at %lld", path_of(w),
                        (unsigned long long)integers, (long long)highest);
    return LAC_OK;
}

static lac_status convert_list(walk *w, json_t *list)
{
    const lua_Integer n = (lua_Integer)lua_rawlen(w->l, -1);
    for (lua_Integer i = 1; i <= n; i++) {
        char name[24];
        json_t *one = NULL;
        snprintf(name, sizeof name, "%lld", (long long)i);
        const size_t end = enter(w, name);
        lua_rawgeti(w->l, -1, i);
        const lac_status s = convert(w, &one);
        lua_pop(w->l, 1);
        LAC_TRY(s);
        if (json_array_append_new(list, one) != 0)
            return no_memory();
        w->path[end] = '\0';
    }
    return LAC_OK;
}

static lac_status convert_pair(walk *w, json_t *table)
{
    size_t length;
    json_t *one = NULL;
    const char *key = lua_tolstring(w->l, -2, &length);
    const size_t end = enter(w, key);
    w->text += (int64_t)length;
    LAC_TRY(convert(w, &one));
    if (strlen(key) != length || json_object_set_new(table, key, one) != 0) {
        json_decref(strlen(key) != length ? one : NULL);
        return LAC_FAIL(LAC_ERR_CONFIG, "a key below '%s' is not UTF-8 text", path_of(w));
    }
    w->path[end] = '\0';
    return LAC_OK;
}

static lac_status convert_pairs(walk *w, json_t *table)
{
    for (lua_pushnil(w->l); lua_next(w->l, -2); lua_pop(w->l, 1)) {
        const lac_status s = convert_pair(w, table);
        if (s != LAC_OK) {
            lua_pop(w->l, 2);
            return s;
        }
    }
    return LAC_OK;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Lua's own order changes from call to call; and what is told of a config follows it. */
static lac_status put_in_order(json_t **table)
{
    const char *key, **keys = NULL;
    json_t *one, *to = json_object();
    size_t n = 0;
    lac_status s = to != NULL ? lac_calloc((void **)&keys, json_object_size(*table), sizeof *keys) : no_memory();
    if (s == LAC_OK)
        json_object_foreach (*table, key, one)
            keys[n++] = key;
    if (n > 0)
        qsort(keys, n, sizeof *keys, by_text);
    for (size_t i = 0; s == LAC_OK && i < n; i++)
        s = json_object_set(to, keys[i], json_object_get(*table, keys[i])) == 0 ? LAC_OK : no_memory();
    free(keys);
    json_decref(s == LAC_OK ? *table : to);
    if (s == LAC_OK)
        *table = to;
    return s;
}

static lac_status convert_table(walk *w, json_t **value)
{
    bool list = false;
    if (w->depth == MAX_DEPTH || !lua_checkstack(w->l, 8))
        return LAC_FAIL(LAC_ERR_CONFIG, "'%.64s...' nests deeper than %d tables (or contains itself)", path_of(w), MAX_DEPTH);
    LAC_TRY(look_at_keys(w, &list));
    json_t *table = list ? json_array() : json_object();
    if (table == NULL)
        return no_memory();
    w->depth++;
    lac_status s = list ? convert_list(w, table) : convert_pairs(w, table);
    w->depth--;
    if (s == LAC_OK && !list)
        s = put_in_order(&table);
    if (s == LAC_OK)
        *value = table;
    else
        json_decref(table);
    return s;
}

static lac_status convert_string(walk *w, json_t **value)
{
    size_t length;
    const char *text = lua_tolstring(w->l, -1, &length);
    w->text += (int64_t)length;
    *value = strlen(text) == length && w->text <= MAX_TEXT ? json_stringn(text, length) : NULL;
    if (*value == NULL && w->text <= MAX_TEXT)
        return LAC_FAIL(LAC_ERR_CONFIG, "'%s' is not UTF-8 text", path_of(w));
    return LAC_OK;
}

static lac_status convert_number(walk *w, json_t **value)
{
    const double number = lua_tonumber(w->l, -1);
    if (!isfinite(number))
        return LAC_FAIL(LAC_ERR_CONFIG, "'%s' is not a finite number", path_of(w));
    *value = lua_isinteger(w->l, -1) ? json_integer(lua_tointeger(w->l, -1)) : json_real(number);
    return *value ? LAC_OK : no_memory();
}

/* The value on top of the stack, which stays there. */
static lac_status convert(walk *w, json_t **value)
{
    lac_status s = LAC_OK;
    *value = NULL;
    switch (lua_type(w->l, -1)) {
    case LUA_TTABLE: s = convert_table(w, value); break;
    case LUA_TSTRING: s = convert_string(w, value); break;
    case LUA_TNUMBER: s = convert_number(w, value); break;
    case LUA_TBOOLEAN: *value = json_boolean(lua_toboolean(w->l, -1)); break;
    default: return LAC_FAIL(LAC_ERR_CONFIG, "'%s' is a %s, which no config can hold", path_of(w), luaL_typename(w->l, -1));
    }
    if (s == LAC_OK && (++w->values > MAX_VALUES || w->text > MAX_TEXT)) {
        json_decref(*value);
        return LAC_FAIL(LAC_ERR_CONFIG, "a config of more than %d values or %d MB of text", MAX_VALUES, MAX_TEXT >> 20);
    }
    return s;
}

lac_status lac_lua_to_json(lua_State *l, int index, json_t **value)
{
    walk w = { .l = l };
    if (!lua_checkstack(l, 4))
        return no_memory();
    lua_pushvalue(l, index);
    const lac_status s = convert(&w, value);
    lua_pop(l, 1);
    return s;
}
