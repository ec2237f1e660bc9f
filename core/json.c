#include "core/json.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

lac_status lac_json_load(json_t **json, const char *path, size_t limit)
{
    json_error_t error;
    char *text;
    size_t size;
    *json = NULL;
    LAC_TRY(lac_file_read(path, limit, &text, &size));
    *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (*json != NULL)
        return LAC_OK;
    return json_error_code(&error) == json_error_out_of_memory ? LAC_FAIL(LAC_ERR_MEM, "out of memory: '%s'", path)
         : LAC_FAIL(LAC_ERR_FORMAT, "'%s', line %d: %s", path, error.line, error.text);
}

const char *lac_json_sort(const json_t *x)
{
    static const char *const names[] = { "an object", "a list", "a string", "an integer", "a number", "true", "false", "null" };
    return x == NULL ? "missing" : names[json_typeof(x)];
}

bool lac_json_whole(const json_t *x, int64_t *value)
{
    if (json_is_integer(x)) {
        *value = json_integer_value(x);
        return true;
    }
    const double real = json_is_real(x) ? json_real_value(x) : NAN;
    if (!(fabs(real) <= 9007199254740992.0) || floor(real) != real)
        return false;
    *value = (int64_t)real;
    return true;
}

lac_status lac_json_string(const json_t *object, const char *key, const char **text)
{
    const json_t *x = json_object_get(object, key);
    *text = json_string_value(x);
    return *text != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %s, expected a string", key, lac_json_sort(x));
}

lac_status lac_json_wholes(const json_t *list, const char *what, int64_t **value, int64_t *n)
{
    *value = NULL;
    *n = (int64_t)json_array_size(list);
    if (!json_is_array(list))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %s, expected a list of integers", what, lac_json_sort(list));
    LAC_TRY(lac_malloc((void **)value, (size_t)*n * sizeof **value));
    for (size_t i = 0; i < (size_t)*n; i++)
        if (!lac_json_whole(json_array_get(list, i), &(*value)[i])) {
            free(*value);
            *value = NULL;
            return LAC_FAIL(LAC_ERR_FORMAT, "%s[%zu] is %s, expected an integer", what, i, lac_json_sort(json_array_get(list, i)));
        }
    return LAC_OK;
}
