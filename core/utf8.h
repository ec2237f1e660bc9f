/* core/utf8.h -- is text what it says it is? */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* n bytes of UTF-8 without a zero: no cut-off, overlong or surrogate sequence, nothing above U+10FFFF. */
bool lac_utf8_valid(const char *text, size_t n);
