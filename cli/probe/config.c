/* --config: JSON, checked against the KIND's keys. */
#include "cli/probe/run.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 16 << 20 };

/* JSON says more than a Lua table: 2.0 is no int, {} no list, null nothing unless the key says so. */
static lac_status check_json(const lac_key *key, const json_t *value)
{
    const bool whole = (key->type & (LAC_KEY_INT | LAC_KEY_NUM)) == LAC_KEY_INT, null = json_is_null(value) && !(key->type & LAC_KEY_NULL);
    if (null || (json_is_real(value) && whole) || (json_is_object(value) && (key->type & (LAC_KEY_LIST | LAC_KEY_TABLE)) == LAC_KEY_LIST))
        return LAC_FAIL(LAC_ERR_CONFIG, "'%s' is %s: %s", key->name, null ? "null" : json_is_real(value) ? "no whole number" : "a table", key->help);
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
        if (json_is_real(json_array_get(value, i)) && key->of == LAC_KEY_INT)
            return LAC_FAIL(LAC_ERR_CONFIG, "'%s' holds what is no whole number: %s", key->name, key->help);
    return LAC_OK;
}

static lac_status check_types(const lac_key *keys, const json_t *given)
{
    for (const lac_key *k = keys; k->name != NULL; k++)
        if (json_object_get(given, k->name) != NULL)
            LAC_TRY(check_json(k, json_object_get(given, k->name)));
    return LAC_OK;
}

/* Python writes Infinity, -Infinity and NaN as they are, which is no JSON: they become strings. `to` has room for three times the text. */
static size_t quote_numbers(char *to, const char *text, size_t size)
{
    static const char *const word[] = { "-Infinity", "Infinity", "NaN" };
    size_t n = 0;
    bool quoted = false;
    for (size_t i = 0; i < size;) {
        size_t length = 0;
        for (size_t k = 0; !quoted && length == 0 && k < LAC_COUNT(word); k++)
            if (size - i >= strlen(word[k]) && memcmp(text + i, word[k], strlen(word[k])) == 0)
                length = strlen(word[k]);
        if (length > 0) {
            to[n++] = '"';
            memcpy(to + n, text + i, length);
            n += length;
            to[n++] = '"';
            i += length;
            continue;
        }
        if (quoted && text[i] == '\\' && i + 1 < size)
            to[n++] = text[i++];
        else if (text[i] == '"')
            quoted = !quoted;
        to[n++] = text[i++];
    }
    return n;
}

static lac_status parse(json_t **given, const char *path, const char *text, size_t size)
{
    json_error_t error;
    char *json;
    LAC_TRY(lac_malloc((void **)&json, 3 * size));
    *given = json_loadb(json, quote_numbers(json, text, size), JSON_REJECT_DUPLICATES, &error);
    free(json);
    if (*given == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not JSON: %s, line %d", path, error.text, error.line);
    return json_is_object(*given) ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "'%s' is not a JSON object", path);
}

static lac_status read_given(json_t **given, const char *path)
{
    char *text;
    size_t size;
    if (path == NULL)
        return (*given = json_object()) != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    LAC_TRY(lac_file_read(path, CONFIG_LIMIT, &text, &size));
    const lac_status s = parse(given, path, text, size);
    free(text);
    return s;
}

lac_status lac_probe_read_config(lac_probe *p, const char *path)
{
    static const lac_key none[] = { { NULL } };
    json_t *given = NULL;
    lac_status s = read_given(&given, path);
    if (p->kind->other != NULL && json_object_get(given, p->kind->told_by) != NULL)
        p->kind = p->kind->other;
    const lac_key *keys = p->kind->keys ? p->kind->keys : none;
    if (s == LAC_OK) {
        lac_config_drop_comments(given, keys);
        s = lac_context(check_types(keys, given), "config of %s", p->kind->name);
    }
    if (s == LAC_OK)
        s = lac_context(lac_config_resolve(&p->config, keys, given, NULL, NULL), "config of %s", p->kind->name);
    json_decref(given);
    return s;
}

lac_status lac_probe_path(const lac_probe *p, const char *key, char **path)
{
    const char *given = lac_config_has(p->config, key) ? lac_config_str(p->config, key) : NULL;
    const char *slash = p->config_path != NULL ? strrchr(p->config_path, '/') : NULL;
    *path = NULL;
    if (given == NULL)
        return LAC_OK;
    if (given[0] == '/' || slash == NULL)
        return lac_strdup(path, given);
    return lac_format(path, "%.*s/%s", (int)(slash - p->config_path), p->config_path, given);
}
