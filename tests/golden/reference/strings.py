"""The tokenizers: small files in the published formats, strings of every kind, and the ids of transformers' fast tokenizers."""
import collections
import json
import pathlib

import torch

from kinds import Case

FILES = pathlib.Path(__file__).resolve().parents[1] / "text"        # written by tests/golden/text.py
KINDS = {"clip-bpe": FILES / "clip", "wordpiece": FILES / "bert"}
FAST = {"clip-bpe": FILES / "clip-fast", "wordpiece": FILES / "bert-fast"}      # the same in one tokenizer.json, as transformers saves it

CAPTIONS = """a photo of a cat. a photo of a dog on the beach, with the sea behind it. the painter removed the old fence and the red car.
remove the airplane at the center. remove the white cat at the left of the brown dog. remove the striped t-shirt on the man.
fill the hole with grass and flowers; keep the sky. a café in the old town at night, naïve and colourful, 1920s style.
a watercolour of a sailing ship in a vast ocean. it's what they've got, isn't it? don't! we'll see, i'm sure you'd like that.
stamps, brushes, masks: 256 by 256 pixels, 77 tokens, 4 channels. ein großes grünes haus am fluß. une étoile à côté de la forêt.
東京の猫 и кошка на траве. der hund und die katze und das pferd. the prompt is longer than the picture, and the text goes on and on."""

SPECIAL = ["<|startoftext|>", "<|endoftext|>"]
WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"

STRINGS = [
    "", " ", "a photo of a cat", "A Photo of a CAT!", "Café 東京 🙂", "it's 2024, don't!", "Fire hydrant", "remove 猫 now",
    "Remove the café's naïve ÜMLAUT sign", "remove the stop-sign, please!", "cafe\u0301 A\u030angstro\u0308m", "q\u0307\u0323 q\u0323\u0307",
    "İstanbul ISTANBUL ıŞğ ΣΊΣΥΦΟΣ ẞ Straße ǅ", "Ⅳ ½ ٣٤ ① 1234 3D 2x", "ﬁne ﬂower ſ K Å \u212b", "한국어 각 각 가나다", "'s 'S x's!'s ''s 'll've 'd",
    "don’t they’ve", "we'd've x'm 're", "!!!'s...?!", "<|startoftext|>a<|endoftext|>", "<|EndOfText|>", "x <|STARTOFTEXT|> y<|Endoftext|>!!",
    "!<|ENDOFTEXT|>", "<|endoftext", "<|endoftext|><|endoftext|>e\u0301<|startoftext|>\u0301", "\0 a\0b \x01\x1f\x7f", "zero\u200bwidth\u200djoiner \ufeffbom\u00ad",
    WHITE.join("abcdefghijklmnop"), WHITE, "👩\u200d👩\u200d👧 🇩🇪 ❤\ufe0f 👍🏽", "ไทย हिन्दी العربية עברית", "\ufa0e\u2f00 \U0002f800 \U0002b900x",
    "x\u1acey \U00011938 \U00011935\U00011930 a\u0898\u0323", "\u1df6a\u1df6 a\u166db\u2e5dc", "Ᲊ Ɤ Ꟛ \U00010d50 \U00016ea0", "\ufffd\ufffe \ue000 \U000e0001 \U0010ffff",
    "supercalifragilisticexpialidocious", "a" * 100, "b" * 101, "ab" * 300, "the cat and " * 40, "t h e " * 60, "é" * 90, "🙂" * 80, "[cls] a [sep] [unk] ##s",
    "~`@#$%^&*()-_=+[]{}\\|;:\",<.>/?", "naïve\u0301\u0301\u0300 o\u0302\u0323\u0301", "a_b a-b a/b", "İİİ", "....", "' ' '", "9" * 90,
]


def byte_symbols():
    """Bytes as printable characters, in the order of the published vocabulary."""
    stay = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [b for b in range(256) if b not in stay]
    return [chr(b) for b in stay], {b: chr(b) for b in stay} | {b: chr(256 + i) for i, b in enumerate(moved)}


def trained_merges(n):
    """Byte pairs of the captions, the most frequent first, ties in order of the symbols."""
    table = byte_symbols()[1]
    words = collections.Counter(CAPTIONS.lower().replace("\n", " ").split(" "))
    split = {w: [table[b] for b in w.encode()] for w in words}
    for s in split.values():
        s[-1] += "</w>"
    merges = []
    for _ in range(n):
        pairs = collections.Counter()
        for w, s in split.items():
            for pair in zip(s, s[1:]):
                pairs[pair] += words[w]
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        for s in split.values():
            i = 0
            while i + 1 < len(s):
                if (s[i], s[i + 1]) == best:
                    s[i:i + 2] = ["".join(best)]
                i += 1
    return merges


def clip_files(n_merges=400):
    stay, table = byte_symbols()
    symbols = stay + [table[b] for b in range(256) if table[b] not in stay]
    merges = trained_merges(n_merges)
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges] + SPECIAL
    vocab = json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False)
    return {"vocab.json": vocab, "merges.txt": "#version: 0.2\n" + "\n".join(" ".join(m) for m in merges) + "\n"}


def bert_files():
    """Words of the captions, beginnings and ends of words, single letters and signs."""
    words = collections.Counter("".join(c if c.isalnum() else " " for c in CAPTIONS.lower()).split())
    letters = sorted(set("".join(words))) + [chr(c) for c in range(33, 127) if not chr(c).isalnum()]
    ends = collections.Counter(w[-k:] for w in words for k in (2, 3) if len(w) > k)
    starts = collections.Counter(w[:k] for w in words for k in (2, 3, 4) if len(w) > k)
    common = lambda counts, n: [w for w, _ in sorted(counts.items(), key=lambda x: (-x[1], x[0]))[:n]]
    tokens = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters + common(words, 80) + common(starts, 60)
    tokens += ["##" + t for t in letters + common(ends, 60)] + ["Café", "A", "CAT", "Ü"]
    return {"vocab.txt": "".join(t + "\n" for t in dict.fromkeys(tokens))}


def tokenizer(kind, config, folder):
    from transformers import BertTokenizer, CLIPTokenizer          # 5.23.0; who writes other kinds needs none
    if folder == FAST[kind]:
        return {"clip-bpe": CLIPTokenizer, "wordpiece": BertTokenizer}[kind].from_pretrained(folder)
    if kind == "wordpiece":
        vocab = {t: i for i, t in enumerate((KINDS[kind] / "vocab.txt").read_text().split("\n")) if t}
        return BertTokenizer(vocab=vocab, do_lower_case=config.get("do_lower_case", True))
    merges = [tuple(line.split(" ")) for line in (KINDS[kind] / "merges.txt").read_text().split("\n")[1:] if line]
    pad = config.get("pad_token", "<|endoftext|>")
    return CLIPTokenizer(vocab=json.loads((KINDS[kind] / "vocab.json").read_text()), merges=merges, pad_token=pad)


def expected(case):
    text, at = bytes(case.inputs["text"].tolist()), case.inputs["offsets"].tolist()
    strings = [text[i:j].decode() for i, j in zip(at, at[1:])]
    length = case.config.get("max_length", 77)
    if not strings:
        return dict(input_ids=torch.zeros(0, length, dtype=torch.int64))
    ids = tokenizer(case.kind, case.config, case.weights)(strings, padding="max_length", truncation=True, max_length=length)["input_ids"]
    return dict(input_ids=torch.tensor(ids))


def write_fast(kind):
    """Its tokenizer.json alone."""
    tokenizer(kind, {}, KINDS[kind]).save_pretrained(FAST[kind])
    (FAST[kind] / "tokenizer_config.json").unlink()


def case(kind, name, strings, config=None, weights=KINDS, fails=None, **inputs):
    parts = [s if isinstance(s, bytes) else s.encode() for s in strings]
    ends = [sum(map(len, parts[:i])) for i in range(len(parts) + 1)]
    made = dict(text=torch.tensor(list(b"".join(parts)), dtype=torch.uint8), offsets=torch.tensor(ends))
    made.update(inputs)
    return Case(kind, name, {k: v for k, v in made.items() if v is not None}, config or {},
                weights.get(kind), fails=fails)


def random_strings(m, n):
    """Of a Maker: pieces of STRINGS and code points from everywhere."""
    def code():
        c = m.choose(m.int(0, 0x7F), m.int(0, 0x2FFF), m.int(0, 0xFFFF), m.int(0, 0x10FFFF))
        return chr(c) if not 0xD800 <= c < 0xE000 else "e\u0301"
    piece = lambda: m.choose(lambda: m.choose(*STRINGS)[:m.int(1, 40)], lambda: "".join(code() for _ in range(m.int(1, 8))))()
    return [m.choose(" ", "").join(piece() for _ in range(m.int(0, 12))) for _ in range(n)]


def fresh(m, kind, name):
    config = dict(max_length=m.choose(2, 7, 77, 300))
    if kind == "clip-bpe" and m.int(0, 1):
        config["pad_token"] = m.choose("!", "a", "the</w>")
    if kind == "wordpiece":
        config["do_lower_case"] = bool(m.int(0, 3))
    plain = config.get("do_lower_case", True) and "pad_token" not in config
    return case(kind, name, random_strings(m, 60), config, weights=FAST if plain and m.int(0, 1) else KINDS)


def committed(m):
    for kind in KINDS:
        yield case(kind, "plain", STRINGS)
        yield case(kind, "all-of-it", [s for s in STRINGS if len(s) > 25], dict(max_length=320))
        yield case(kind, "short", STRINGS[:20], dict(max_length=2))
        yield case(kind, "no-strings", [])
        yield case(kind, "i32-offsets", ["a", "", "b"], dict(max_length=5), offsets=torch.tensor([0, 1, 1, 2], dtype=torch.int32))
        yield case(kind, "fast", STRINGS, weights=FAST)
    yield case("clip-bpe", "pad-with-a-sign", STRINGS, dict(pad_token="!"))
    yield case("wordpiece", "keep-case", STRINGS, dict(do_lower_case=False))


def failing(m):
    for kind in KINDS:
        wrong = lambda name, fails, **more: case(kind, name, **{"strings": ["one", "two"], "fails": fails, **more})
        yield wrong("no-weights", "weights", weights={})
        yield wrong("offsets-begin", "offsets", offsets=torch.tensor([1, 3, 6]))
        yield wrong("offsets-end", "offsets", offsets=torch.tensor([0, 3, 5]))
        yield wrong("offsets-fall", "offsets", offsets=torch.tensor([0, 5, 3, 6]))
        yield wrong("offsets-negative", "offsets", offsets=torch.tensor([0, -1, 6]))
        yield wrong("offsets-beyond", "offsets", offsets=torch.tensor([0, 9, 6]))
        yield wrong("offsets-none", "offsets", offsets=torch.zeros(0, dtype=torch.int64))
        yield wrong("offsets-missing", "offsets", offsets=None)
        yield wrong("offsets-float", "offsets", offsets=torch.tensor([0.0, 6.0]))
        yield wrong("offsets-rank", "offsets", offsets=torch.tensor([[0, 6]]))
        yield wrong("text-missing", "text", text=None)
        yield wrong("text-dtype", "text", text=torch.zeros(6))
        yield wrong("utf8-cut", "UTF-8", strings=["猫"], offsets=torch.tensor([0, 2, 3]))
        yield wrong("utf8-overlong", "UTF-8", strings=[b"a\xc0\xafb"])
        yield wrong("utf8-surrogate", "UTF-8", strings=[b"\xed\xa0\x80"])
        yield wrong("utf8-too-large", "UTF-8", strings=[b"ok", b"\xf4\x90\x80\x80"])
        yield wrong("length-too-small", "max_length", config=dict(max_length=1))
        yield wrong("unknown-key", "max_length", config=dict(max_lenght=77))
        yield wrong("surplus-input", "ids", ids=torch.zeros(1, dtype=torch.int64))
    yield case("clip-bpe", "pad-unknown", ["a"], dict(pad_token="[PAD]"), fails="pad_token")
    yield case("clip-bpe", "pad-empty", ["a"], dict(pad_token=""), fails="pad_token")
    yield case("wordpiece", "case-number", ["a"], dict(do_lower_case=1), fails="do_lower_case")
    yield case("wordpiece", "fast-of-other-case", ["a"], dict(do_lower_case=False), weights=FAST, fails="do_lower_case")
    yield case("clip-bpe", "fast-of-other-kind", ["a"], weights={"clip-bpe": FAST["wordpiece"]}, fails="model.type")
    yield case("wordpiece", "fast-of-other-kind", ["a"], weights={"wordpiece": FAST["clip-bpe"]}, fails="model.type")
