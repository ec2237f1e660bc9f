/* "key.sub=value" on top of what the config file gave. */
#include "cli/lua_host.h"
#include "cli/lua_text.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static const char command_line[] = "command line";

/* What lies at path[0 .. length) was set here; what the file said below it is gone. */
static lac_status mark(json_t *lines, const char *path, size_t length)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(lines, next, key, value)
        if (strncmp(key, path, length) == 0 && key[length] == '.')
            json_object_del(lines, key);
    if (json_object_setn_new(lines, path, length, json_string(command_line)) == 0)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_CONFIG, "a key that is not UTF-8 text");
}

/* The element of a list named by its place, or NULL. */
static json_t *element(json_t *list, const char *name, size_t length, size_t *place)
{
    char *end;
    *place = strtoul(name, &end, 10) - 1;
    return end == name + length ? json_array_get(list, *place) : NULL;
}

static lac_status put(json_t *in, const char *path, const char *name, size_t length, json_t *value)
{
    size_t place;
    if (json_is_object(in) && json_object_setn(in, name, length, value) == 0)
        return LAC_OK;
    if (json_is_array(in) && element(in, name, length, &place) != NULL && json_array_set(in, place, value) == 0)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_CONFIG, "cannot set '%s', %s: there is no table around it", path, command_line);
}

/* The table at the next step of the path, made if there is none. */
static lac_status descend(lac_experiment *e, json_t **in, const char *path, size_t from, size_t length)
{
    size_t place;
    const char *name = path + from;
    json_t *next = json_is_array(*in) ? element(*in, name, length, &place) : json_object_getn(*in, name, length);
    if (next == NULL) {
        next = json_object();
        lac_status s = mark(e->lines, path, from + length);
        if (s == LAC_OK)
            s = put(*in, path, name, length, next);
        json_decref(next);
        LAC_TRY(s);
    }
    *in = next;
    return LAC_OK;
}

static lac_status set(lac_experiment *e, const char *path, json_t *value)
{
    json_t *in = e->config;
    size_t from = 0, length;
    while (length = strcspn(path + from, "."), path[from + length] == '.') {
        LAC_TRY(descend(e, &in, path, from, length));
        from += length + 1;
    }
    LAC_TRY(put(in, path, path + from, length, value));
    return mark(e->lines, path, from + length);
}

lac_status lac_experiment_override(lac_experiment *e, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    char *path = NULL;
    json_t *value = NULL;
    if (equals == NULL || equals == assignment)
        return LAC_FAIL(LAC_ERR_ARG, "'%s' is no override: expected key=value", assignment);
    LAC_TRY(lac_context(lac_lua_value(equals + 1, &value), "'%s', %s", assignment, command_line));
    lac_status s = lac_format(&path, "%.*s", (int)(equals - assignment), assignment);
    if (s == LAC_OK)
        s = set(e, path, value);
    free(path);
    json_decref(value);
    return s;
}
