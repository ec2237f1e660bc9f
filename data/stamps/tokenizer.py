"""Writes data/stamps/tokenizer: byte pairs in the layout of CLIP's tokenizer, so few that every word of the labels in manifest.tsv is one token.

    python data/stamps/tokenizer.py

The merges are those of byte pair encoding (Sennrich et al. 2016) on the words of the labels: the most frequent pair first, of equal ones the first in
the order of its symbols. Words that no label has fall into shorter pieces, at worst into bytes.
"""
import collections
import json
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
EXTRA = "a an and at behind beside big bright dark in large left of on photo picture right small the top under with".split()


def byte_symbols():
    """CLIP's printable stand-ins for the 256 bytes, in the order of their ids"""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]


def merges(words):
    left = {tuple(word[:-1]) + (word[-1] + "</w>",): n for word, n in words.items()}
    while True:
        pairs = collections.Counter()
        for symbols, n in left.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += n
        if not pairs:
            return
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        yield best
        left = {merged(symbols, best): n for symbols, n in left.items()}


def merged(symbols, pair):
    out, i = [], 0
    while i < len(symbols):
        both = symbols[i:i + 2] == pair
        out.append("".join(pair) if both else symbols[i])
        i += 2 if both else 1
    return tuple(out)


def main():
    rows = [line.split("\t") for line in (HERE / "manifest.tsv").read_text().splitlines()[1:]]
    words = collections.Counter(EXTRA)
    for row in rows:
        if row[0] == "object":
            words.update(re.findall("[a-z]+", row[8].lower()))
    pairs = list(merges(words))
    tokens = byte_symbols() + [s + "</w>" for s in byte_symbols()] + ["".join(p) for p in pairs] + ["<|startoftext|>", "<|endoftext|>"]
    assert len(set(tokens)) == len(tokens)
    to = HERE / "tokenizer"
    to.mkdir(exist_ok=True)
    (to / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in pairs), encoding="utf-8")
    (to / "vocab.json").write_text("{\n" + ",\n".join(f"{json.dumps(t, ensure_ascii=False)}: {i}" for i, t in enumerate(tokens)) + "\n}\n", encoding="utf-8")
    print(f"{len(words)} words, {len(pairs)} merges, {len(tokens)} tokens")


if __name__ == "__main__":
    main()
