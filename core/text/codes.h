/* core/text/codes.h -- a text as code points, and what tokenizers do with it first: normal forms, lower case.
 *
 * A growing array that starts as { 0 }; end it with lac_codes_free. Every function takes time and memory in proportion to the length,
 * also where a text is nothing but combining marks in the worst order. */
#pragma once

#include "core/status.h"

typedef struct lac_codes { uint32_t *at; int64_t n, capacity; } lac_codes;

void lac_codes_free(lac_codes *c);
lac_status lac_codes_add(lac_codes *c, uint32_t code);

/* What is there is replaced. LAC_ERR_FORMAT with the place of the first byte that is not UTF-8 (overlong forms, surrogates and what lies
 * beyond U+10FFFF are not). */
lac_status lac_codes_read(lac_codes *c, const char *utf8, size_t size);

lac_status lac_codes_decompose(lac_codes *c);       /* NFD */
lac_status lac_codes_compose(lac_codes *c);         /* NFC */

/* As Unicode 15 has it: the code point itself where it is no capital; U+0130 stays. */
uint32_t lac_code_lower(uint32_t code);
/* As Unicode 17 has it. Code point by code point: no rule looks at neighbours (a final sigma is a sigma). U+0130 becomes i and U+0307. */
lac_status lac_codes_lower(lac_codes *c);

/* UTF-8 of a code point, 1 to 4 bytes; how many. */
int lac_code_write(uint32_t code, char to[4]);
