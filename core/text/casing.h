/* core/text/casing.h -- a text in lower case as Python's str.lower has it (3.11; Unicode 14): code point by code point, but for the sigma at the end of a word. */
#pragma once

#include "core/text/codes.h"

bool lac_code_cased(uint32_t code);             /* is a letter of some case */
bool lac_code_passed(uint32_t code);            /* is passed over when the letter before or behind is looked for */

/* Letters and numbers of Unicode 17 that core/text/category.h, of 16, does not know. */
bool lac_code_newer_letter(uint32_t code);
bool lac_code_newer_number(uint32_t code);

lac_status lac_codes_lower_text(lac_codes *c);
