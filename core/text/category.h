/* core/text/category.h -- sets of code points, as the published tokenizers see them.
 *
 * Their libraries know different versions of Unicode: CLIP's letters and numbers are those of 16, BERT's categories those of 8, the marks
 * that normal forms move those of 9. Ids must not change with the utf8proc that a machine has, so the sets are tables here
 * (category.c, written by tests/golden/text_category.py). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    LAC_CODE_LETTER,            /* \p{L} of clip-bpe */
    LAC_CODE_NUMBER,            /* \p{N} of clip-bpe */
    LAC_CODE_DROPPED,           /* by wordpiece's cleaning: U+0000, U+FFFD, Cc, Cf, Co but for tab, line feed, return; what is unassigned stays */
    LAC_CODE_CJK,               /* wordpiece puts spaces around it */
    LAC_CODE_ACCENT,            /* Mn of wordpiece */
    LAC_CODE_PUNCTUATION,       /* of wordpiece: P* and the signs of ASCII */
    LAC_CODE_MOVES,             /* has a canonical combining class */
    LAC_CODE_SETS
} lac_code_set;

bool lac_code_is(lac_code_set set, uint32_t code);

/* White_Space: U+0009-000D, 20, 85, A0, 1680, 2000-200A, 2028, 2029, 202F, 205F, 3000; the same in every version since 6.3. */
bool lac_code_is_space(uint32_t code);
