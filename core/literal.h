/* core/literal.h -- one Python literal in a text, as repr() writes it: read as data, never evaluated. */
#pragma once

#include "core/status.h"

#include <jansson.h>

enum { LAC_LITERAL_DEPTH = 16 };

/* Dicts with strings as keys, lists, strings of either quote, whole numbers, floats, True, False and None, in blanks; nothing may stand behind it. *value
 * is a new reference. LAC_ERR_FORMAT, with the column (from 1): anything else Python has (names, calls, tuples, sums, prefixed or joined strings, comments),
 * a key twice, a number that is not finite or beyond 64 bits, text that is no UTF-8 or holds a zero byte, more than LAC_LITERAL_DEPTH levels. */
lac_status lac_literal_parse(json_t **value, const char *text, size_t size);
