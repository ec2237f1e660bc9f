/* core/json.h -- files of JSON, and words for what is wrong in them. Every LAC_ERR_FORMAT says what was found and expected; callers add record and
 * file. */
#pragma once

#include "core/status.h"

#include <jansson.h>

/* A file of at most `limit` bytes; a key that an object has twice is refused. *json is a new reference. "'PATH', line N: ..." */
lac_status lac_json_load(json_t **json, const char *path, size_t limit);

/* "a list", "an integer", ...; NULL: "missing". */
const char *lac_json_sort(const json_t *x);

/* Python has 1 == 1.0, and lists are written by Python: a real without a fraction, up to 2^53, is a whole number too. */
bool lac_json_whole(const json_t *x, int64_t *value);

/* Of an object; the text is borrowed. LAC_ERR_FORMAT: it is missing or no string. */
lac_status lac_json_string(const json_t *object, const char *key, const char **text);

/* A list of whole numbers, fresh: free(*value). `what` calls it in messages: "counts". */
lac_status lac_json_wholes(const json_t *list, const char *what, int64_t **value, int64_t *n);
