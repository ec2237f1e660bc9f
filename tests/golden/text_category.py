"""Writes core/text/category.c: the sets of code points that the published tokenizers have, asked of them one code point after another.

    python tests/golden/text_category.py

Written with tokenizers 0.23.3, whose parts know Unicode 16 (regular expressions), 8 (BERT's categories) and 9 (normal forms).
"""
import pathlib

from tokenizers import Regex, normalizers, pre_tokenizers

CODES = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
OUT = pathlib.Path(__file__).resolve().parents[2] / "core" / "text" / "category.c"


def removed(pattern):
    replace = normalizers.Replace(Regex(pattern), "")
    return [c for c in CODES if replace.normalize_str(chr(c)) == ""]


def bert(**on):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **on}).normalize_str


def punctuation():
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    return [c for c in CODES if len(split(f"a{chr(c)}a")) == 3]


def moves():
    """Behind a mark of a high class or before one of class 1 it changes places."""
    nfd = normalizers.NFD().normalize_str
    changes = lambda text: nfd(text) != text
    return [c for c in CODES if not changes(chr(c)) and (changes(f"a\u0345{chr(c)}") or changes(f"a{chr(c)}\u0334"))]


def sets():
    clean, cjk, strip = bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True)
    yield "letter", removed(r"\p{L}")
    yield "number", removed(r"\p{N}")
    yield "dropped", [c for c in CODES if clean(chr(c)) == ""]
    yield "cjk", [c for c in CODES if cjk(chr(c)) != chr(c)]
    yield "accent", [c for c in CODES if strip("a" + chr(c)) == "a"]
    yield "punctuation", punctuation()
    yield "moves", moves()


def ranges(codes):
    out = []
    for c in codes:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def table(name, codes):
    items = [f"{{0x{a:X},0x{b:X}}}" for a, b in ranges(codes)]
    lines = ["    " + ", ".join(items[i:i + 8]) + "," for i in range(0, len(items), 8)]
    return f"static const lac_code_range {name}[] = {{\n" + "\n".join(lines) + "\n};\n"


HEAD = """/* Written by tests/golden/text_category.py with tokenizers 0.23.3. */
#include "core/text/category.h"

#include "core/text/ranges.h"

"""

TAIL = """
#define TABLE(name) { name, sizeof name / sizeof name[0] }
static const struct { const lac_code_range *at; size_t n; } tables[LAC_CODE_SETS] = {
    [LAC_CODE_LETTER] = TABLE(letter), [LAC_CODE_NUMBER] = TABLE(number), [LAC_CODE_DROPPED] = TABLE(dropped), [LAC_CODE_CJK] = TABLE(cjk),
    [LAC_CODE_ACCENT] = TABLE(accent), [LAC_CODE_PUNCTUATION] = TABLE(punctuation), [LAC_CODE_MOVES] = TABLE(moves),
};

bool lac_code_is(lac_code_set set, uint32_t code) { return lac_code_within(tables[set].at, tables[set].n, code); }

bool lac_code_is_space(uint32_t code)
{
    return (code >= 0x9 && code <= 0xD) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A)
        || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}
"""


def main():
    OUT.write_text(HEAD + "\n".join(table(name, codes) for name, codes in sets()) + TAIL)
    print(OUT, len(OUT.read_text().splitlines()), "lines")


if __name__ == "__main__":
    main()
