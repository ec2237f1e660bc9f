"""Writes core/text/entities.c and core/text/casing.c: what OpenAI's tokenizer gets from Python's html.unescape and str.lower.

    python tests/golden/text_openai.py

Written with Python 3.11 (the names of the HTML standard; Unicode 14). A code point's part in the rule of the final sigma is asked of str.lower.
"""
import html.entities
import pathlib

from text_category import CODES, ranges

TEXT = pathlib.Path(__file__).resolve().parents[2] / "core" / "text"


def lines(items, n):
    return "\n".join("    " + " ".join(items[i:i + n]) for i in range(0, len(items), n))


def entities():
    items = []
    for name, text in sorted(html.entities.html5.items(), key=lambda x: x[0].encode()):
        codes = [ord(c) for c in text] + [0]
        items.append(f'{{"{name}",0x{codes[0]:X},0x{codes[1]:X}}},')
    return f"""/* Written by tests/golden/text_openai.py from Python's html.entities. */
#include "core/text/entities.h"

#include <stdlib.h>
#include <string.h>

static const lac_entity entities[] = {{
{lines(items, 6)}
}};

static int by_name(const void *name, const void *entity) {{ return strcmp(name, ((const lac_entity *)entity)->name); }}

const lac_entity *lac_entity_find(const char *name) {{ return bsearch(name, entities, sizeof entities / sizeof *entities, sizeof *entities, by_name); }}
"""


def casing():
    final = lambda text: text.lower().endswith("\u03c2")
    cased = [c for c in CODES if final(chr(c) + "\u03a3")]
    known = set(cased)
    passed = [c for c in CODES if c not in known and final("A" + chr(c) + "\u03a3")]
    table = lambda codes: lines([f"{{0x{a:X},0x{b:X}}}," for a, b in ranges(codes)], 8)
    return f"""/* Written by tests/golden/text_openai.py with Python 3.11, regex 2026.11.15 and tokenizers 0.23.3. */
#include "core/text/casing.h"

#include "core/text/ranges.h"

static const lac_code_range cased[] = {{
{table(cased)}
}};

static const lac_code_range passed[] = {{
{table(passed)}
}};

static const lac_code_range letters[] = {{
{table(newer("L"))}
}};

static const lac_code_range numbers[] = {{
{table(newer("N"))}
}};

bool lac_code_cased(uint32_t code) {{ return lac_code_within(cased, sizeof cased / sizeof *cased, code); }}
bool lac_code_passed(uint32_t code) {{ return lac_code_within(passed, sizeof passed / sizeof *passed, code); }}
bool lac_code_newer_letter(uint32_t code) {{ return lac_code_within(letters, sizeof letters / sizeof *letters, code); }}
bool lac_code_newer_number(uint32_t code) {{ return lac_code_within(numbers, sizeof numbers / sizeof *numbers, code); }}
"""


def newer(category):
    """What regex (Unicode 17) has beyond tokenizers, whose sets are in category.c."""
    import regex
    from tokenizers import Regex, normalizers
    pattern = "\\p{" + category + "}"
    known = normalizers.Replace(Regex(pattern), "")
    return [c for c in CODES if regex.match(pattern, chr(c)) and known.normalize_str(chr(c)) != ""]


def main():
    (TEXT / "entities.c").write_text(entities())
    (TEXT / "casing.c").write_text(casing())


if __name__ == "__main__":
    main()
