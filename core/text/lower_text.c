#include "core/text/casing.h"

enum { SIGMA = 0x3A3, FINAL_SIGMA = 0x3C2, DOTTED_I = 0x130, DOT = 0x307 };

/* Letter sigma at `at` ends a word: a letter of some case before it, none behind. */
static bool is_final(const lac_codes *c, int64_t at)
{
    int64_t before = at - 1, behind = at + 1;
    while (before >= 0 && lac_code_passed(c->at[before]))
        before--;
    if (before < 0 || !lac_code_cased(c->at[before]))
        return false;
    while (behind < c->n && lac_code_passed(c->at[behind]))
        behind++;
    return behind == c->n || !lac_code_cased(c->at[behind]);
}

static lac_status add_lower(lac_codes *to, const lac_codes *c, int64_t at)
{
    const uint32_t code = c->at[at];
    if (code != DOTTED_I)
        return lac_codes_add(to, code == SIGMA && is_final(c, at) ? FINAL_SIGMA : lac_code_lower(code));
    LAC_TRY(lac_codes_add(to, 'i'));
    return lac_codes_add(to, DOT);
}

lac_status lac_codes_lower_text(lac_codes *c)
{
    lac_codes to = { 0 };
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < c->n; i++)
        s = add_lower(&to, c, i);
    lac_codes_free(s == LAC_OK ? c : &to);
    if (s == LAC_OK)
        *c = to;
    return s;
}
