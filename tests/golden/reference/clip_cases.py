"""CLIP as OpenAI published it: preprocessing, tokenizer, model, scores, and the heads on top; expected values and cases.

The tokenizer is written here anew from its description (regex for the Unicode classes); the model is made of plain PyTorch calls.
"""
import gzip
import html
import pathlib

import numpy
import torch
import torch.nn.functional as F

import drawn
import strings
from kinds import Case

VOCAB = pathlib.Path(__file__).resolve().parents[1] / "text" / "openai" / "bpe_simple_vocab_16e6.txt.gz"
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
HOST = ("clip-preprocess", "clip-tokenize", "clip-score", "clip-directional")
TAPE = ("clip", "clip-loss", "aesthetic-head", "image-reward-head")
LAYERS = (0, 2, 4, 6, 7)
WIDTHS = (768, 1024, 128, 64, 16, 1)


# ---- preprocessing

def preprocess(case):
    from PIL import Image
    image, size, recipe = case.inputs["image"].numpy(), case.config.get("size", 224), case.config.get("recipe", "clip")
    h, w = image.shape[:2]
    out = {}
    if recipe in ("clip", "hf"):
        short, long = min(h, w), max(h, w)
        new = int(size * long / short)
        shape = (new, size) if w >= h else (size, new)          # Pillow's: width first
        picture = in_old_order(image, *shape)
        half = lambda spare: int(round(spare / 2.0)) if recipe == "clip" else spare // 2
        top, left = half(picture.shape[0] - size), half(picture.shape[1] - size)
        crop = numpy.ascontiguousarray(picture[top:top + size, left:left + size])
        out["crop"] = torch.tensor(crop)
        x = torch.tensor(crop).permute(2, 0, 1).double() / 255
    else:
        x = torch.tensor(image).permute(2, 0, 1)[None].double() / 255
        if recipe == "ip2p":
            x = F.interpolate(x, (size, size), mode="bicubic", align_corners=False)[0]
        else:
            scale = size / max(h, w)
            shape = [max(round(side * scale), 1) for side in (h, w)]
            if max(h, w) != size:
                x = F.interpolate(x, shape, mode="bicubic", align_corners=False, antialias=True)
            top, left = (size - shape[0]) // 2, (size - shape[1]) // 2
            x = F.pad(x, (left, size - shape[1] - left, top, size - shape[0] - top))[0]
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (MEAN, STD))
    return dict(out, pixel_values=((x - mean) / std).float())


def in_old_order(image, w, h):
    """Pillow's bicubic, horizontally first as before version 13."""
    from PIL import Image
    picture = Image.fromarray(image)
    return numpy.asarray(picture.resize((w, picture.height), Image.BICUBIC).resize((w, h), Image.BICUBIC))


# ---- tokenizer

class Tokenizer:
    def __init__(self, path):
        import regex
        lines = gzip.open(path).read().decode().split("\n")
        merges = [tuple(line.split(" ")) for line in lines[1:49152 - 256 - 2 + 1] if line]
        stay, table = strings.byte_symbols()
        symbols = stay + [table[b] for b in range(256) if table[b] not in stay]
        words = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
        self.table, self.ids, self.rank = table, {w: i for i, w in enumerate(words)}, {m: i for i, m in enumerate(merges)}
        self.space = regex.compile(r"\s+")
        self.piece = regex.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)

    def clean(self, text):
        text = html.unescape(html.unescape(text)).strip()
        return self.space.sub(" ", text).strip().lower()

    def word(self, piece):
        if piece in ("<|startoftext|>", "<|endoftext|>"):
            return [self.ids[piece]]
        symbols = [self.table[b] for b in piece.encode()]
        symbols[-1] += "</w>"
        while len(symbols) > 1:
            best = min(zip(symbols, symbols[1:]), key=lambda pair: self.rank.get(pair, 1 << 30))
            if best not in self.rank:
                break
            i = 0
            while i + 1 < len(symbols):
                if (symbols[i], symbols[i + 1]) == best:
                    symbols[i:i + 2] = ["".join(best)]
                i += 1
        return [self.ids[s] for s in symbols]

    def encode(self, text, length=77):
        ids = [self.ids["<|startoftext|>"]] + [i for piece in self.piece.findall(self.clean(text)) for i in self.word(piece)] + [self.ids["<|endoftext|>"]]
        if len(ids) > length:
            ids = ids[:length - 1] + ids[-1:]
        return ids + [0] * (length - len(ids))


TOKENIZERS = {}


def tokenize(case):
    path = pathlib.Path(case.config["vocab"])
    if path not in TOKENIZERS:
        TOKENIZERS[path] = Tokenizer(path)
    ids = [TOKENIZERS[path].encode(text) for text in case.config["texts"]]
    return dict(input_ids=torch.tensor(ids, dtype=torch.int64).reshape(-1, 77))


def vocabulary_file():
    """bpe_simple_vocab_16e6.txt.gz in small: the merges of strings.py."""
    text = "#version: 0.2\n" + "\n".join(" ".join(m) for m in strings.trained_merges(400)) + "\n"
    VOCAB.parent.mkdir(exist_ok=True)
    VOCAB.write_bytes(gzip.compress(text.encode(), mtime=0))


# ---- model

def block(x, w, key, heads, mask):
    n, t, c = x.shape
    h = F.layer_norm(x, (c,), w[key + "ln_1.weight"], w[key + "ln_1.bias"], 1e-5)
    q, k, v = (y.view(n, t, heads, c // heads).transpose(1, 2) for y in F.linear(h, w[key + "attn.in_proj_weight"], w[key + "attn.in_proj_bias"]).split(c, -1))
    a = q @ k.transpose(-1, -2) * (c // heads) ** -0.5
    a = (a if mask is None else a + mask.to(a.dtype)).softmax(-1) @ v
    x = x + F.linear(a.transpose(1, 2).reshape(n, t, c), w[key + "attn.out_proj.weight"], w[key + "attn.out_proj.bias"])
    h = F.linear(F.layer_norm(x, (c,), w[key + "ln_2.weight"], w[key + "ln_2.bias"], 1e-5), w[key + "mlp.c_fc.weight"], w[key + "mlp.c_fc.bias"])
    return x + F.linear(h * torch.sigmoid(1.702 * h), w[key + "mlp.c_proj.weight"], w[key + "mlp.c_proj.bias"])


def blocks(x, w, prefix, mask=None):
    for i in range(sum(1 for k in w if k.startswith(prefix) and k.endswith("ln_1.weight"))):
        x = block(x, w, f"{prefix}{i}.", max(x.shape[-1] // 64, 1), mask)
    return x


def model(x, config, w):
    patch = w["visual.conv1.weight"]
    v = F.conv2d(x["pixel_values"], patch, stride=patch.shape[-1]).flatten(2).transpose(1, 2)
    v = torch.cat([w["visual.class_embedding"].to(v.dtype).expand(len(v), 1, -1), v], 1) + w["visual.positional_embedding"]
    norm = lambda y, key: F.layer_norm(y, (y.shape[-1],), w[key + ".weight"], w[key + ".bias"], 1e-5)
    v = blocks(norm(v, "visual.ln_pre"), w, "visual.transformer.resblocks.")
    image = norm(v[:, 0], "visual.ln_post") @ w["visual.proj"]
    ids = x["input_ids"]
    t = F.embedding(ids, w["token_embedding.weight"]) + w["positional_embedding"]
    mask = torch.full((ids.shape[1],) * 2, float("-inf")).triu(1)
    t = norm(blocks(t, w, "transformer.resblocks.", mask), "ln_final")
    text = t[torch.arange(len(t)), ids.argmax(-1)] @ w["text_projection"]
    return dict(image_embeds=image, text_embeds=text, logits_per_image=w["logit_scale"].exp() * F.normalize(image.float() if image.dtype == torch.bfloat16 else image, dim=-1, eps=0)
                @ F.normalize(text.float() if text.dtype == torch.bfloat16 else text, dim=-1, eps=0).T)


def loss(x, config, w):
    image, text = (F.normalize(x[k], dim=-1) for k in ("image_embeds", "text_embeds"))
    logits = x["logit_scale"].exp() * image @ text.T
    target = torch.arange(len(logits))
    return dict(loss=(F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2)


def layers(x, w, prefix=""):
    for i in LAYERS:
        x = F.linear(x, w[f"{prefix}layers.{i}.weight"], w[f"{prefix}layers.{i}.bias"])
    return x[:, 0]


def aesthetic(x, config, w):
    e = F.normalize(x["image_embeds"], dim=-1)
    return dict(value=F.linear(e, w["weight"], w["bias"])[:, 0] if config.get("version", 1) == 1 else layers(e, w))


def reward(x, config, w):
    return dict(value=(layers(x["hidden"], w, "mlp.") - 0.16717362830052426) / 1.0333394966054072)


def outputs(kind, x, config, w):
    return {"clip": model, "clip-loss": loss, "aesthetic-head": aesthetic, "image-reward-head": reward}[kind](x, config, w)


# ---- scores

def cosine(a, b):
    return F.cosine_similarity(a, b, dim=-1, eps=0)


def score(case):
    value = cosine(*(case.inputs[k].double() for k in ("image_embeds", "text_embeds")))
    recipe = case.config.get("recipe", "clip100")
    value = value if recipe == "cos" else 100 * value if recipe == "clip100" else 2.5 * value.clamp(min=0)
    mean = value.mean()
    return dict(value=value, mean=mean.clamp(min=0) if recipe == "clip100" else mean)


def directional(case):
    a, b, c, d = (F.normalize(case.inputs[k].double(), dim=-1) for k in ("image_in", "image_out", "text_in", "text_out"))
    return dict(direction=cosine(b - a, d - c), image_text_in=cosine(a, c), image_text_out=cosine(b, d), image_image=cosine(a, b))


def expected(case):
    made = {"clip-preprocess": preprocess, "clip-tokenize": tokenize, "clip-score": score, "clip-directional": directional}[case.kind](case)
    return {k: v.contiguous() for k, v in made.items()}


# ---- cases, of a Maker

def picture(m, name, h, w, **config):
    image = ((m.smooth(1, 3, h, w)[0] + 1) * 127.5).to(torch.uint8).permute(1, 2, 0).contiguous()
    return Case("clip-preprocess", name, dict(image=image), config)


def texts(name, some, vocab=VOCAB, **more):
    return Case("clip-tokenize", name, {}, dict(texts=some, vocab=vocab), **more)


def weights(m, embed=32, image=16, patch=8, vision=(64, 2), text=(64, 2), ids=300, context=77):
    w = {"logit_scale": torch.tensor(2.7), "visual.conv1.weight": m.normal(vision[0], 3, patch, patch, scale=(3 * patch * patch) ** -0.5),
         "visual.class_embedding": m.normal(vision[0], scale=0.3), "visual.positional_embedding": m.normal((image // patch) ** 2 + 1, vision[0], scale=0.3),
         "visual.proj": m.normal(vision[0], embed, scale=vision[0] ** -0.5), "token_embedding.weight": m.normal(ids, text[0], scale=0.5),
         "positional_embedding": m.normal(context, text[0], scale=0.3), "text_projection": m.normal(text[0], embed, scale=text[0] ** -0.5)}
    for prefix, (c, n), norms in (("visual.", vision, ("visual.ln_pre", "visual.ln_post")), ("", text, ("ln_final",))):
        for i in range(n):
            key = f"{prefix}transformer.resblocks.{i}."
            for name, o, k in (("attn.in_proj_", 3 * c, c), ("attn.out_proj.", c, c), ("mlp.c_fc.", 4 * c, c), ("mlp.c_proj.", c, 4 * c)):
                w[f"{key}{name}weight"], w[f"{key}{name}bias"] = m.normal(o, k, scale=k ** -0.5), m.normal(o, scale=0.1)
            norms += (key + "ln_1", key + "ln_2")
        for name in norms:
            w[name + ".weight"], w[name + ".bias"] = m.uniform(c, low=0.7, high=1.3), m.normal(c, scale=0.1)
    return w


def half(w):
    return {k: v.half() for k, v in w.items()}


def ids_of(m, n, length, top):
    ids = torch.zeros(n, length, dtype=torch.int64)
    for row in ids:
        k = m.int(1, length - 2)
        row[0], row[1:k], row[k] = top - 2, torch.randint(1, top - 2, (k - 1,), generator=m.g), top - 1
    return ids


def clip(m, name, n, k, w, **more):
    size = round((len(w["visual.positional_embedding"]) - 1) ** 0.5) * w["visual.conv1.weight"].shape[-1]
    inputs = dict(pixel_values=m.normal(n, 3, size, size), input_ids=ids_of(m, k, len(w["positional_embedding"]), len(w["token_embedding.weight"])))
    return m.finish("clip", name, inputs, {}, w, **more)


def contrast(m, name, n, d, **more):
    image = m.normal(n, d)
    return m.finish("clip-loss", name, dict(image_embeds=image, text_embeds=image + m.normal(n, d, scale=3), logit_scale=torch.tensor(m.choose(0.0, 1.0, 1.5))), **more)


def rated(m, name, recipe, n=4, d=24):
    image = m.normal(n, d)
    return Case("clip-score", name, dict(image_embeds=image, text_embeds=m.choose(-1, 1) * image + m.normal(n, d)), {} if recipe is None else dict(recipe=recipe))


def changes(m, name, n=3, d=16, dtype=torch.float32):
    return Case("clip-directional", name, {k: m.normal(n, d).to(dtype) for k in ("image_in", "image_out", "text_in", "text_out")})


def head_weights(m, prefix=""):
    w = {}
    for i, k, o in zip(LAYERS, WIDTHS, WIDTHS[1:]):
        w[f"{prefix}layers.{i}.weight"], w[f"{prefix}layers.{i}.bias"] = m.normal(o, k, scale=k ** -0.5), m.normal(o, scale=0.1)
    return w


def aesthetic_case(m, name, version, n=3, **more):
    w = dict(weight=m.normal(1, 768), bias=m.normal(1)) if version == 1 else head_weights(m)
    return m.finish("aesthetic-head", name, dict(image_embeds=m.normal(n, 768)), dict(version=version), w, **more)


def reward_case(m, name, n=3, w=None, **more):
    return m.finish("image-reward-head", name, dict(hidden=m.normal(n, 768)), {}, w or head_weights(m, "mlp."), **more)


def drawn_head(prefix=""):
    """Too large to be committed as numbers."""
    w = {}
    for i, k, o in zip(LAYERS, WIDTHS, WIDTHS[1:]):
        w[f"{prefix}layers.{i}.weight"] = drawn.weight((o, k), i)
        w[f"{prefix}layers.{i}.bias"] = drawn.tensor(dict(shape=[o], seed=20 + i, scale=2.0 ** -10, **{"from": -127}))
    return w


ODD = ["don't  STOP&amp;go", "&amp;lt;b&amp;gt; &lt &notit; &#x41;&#66 &#0;&#x80;&#150;&#xD800;&#1114112;&#11;&#xFDD0; &zz; &;&# &#x; &ampamp; &NotEqualTilde; &bne;",
       "ΑΣ ΣΑΣ. Σ aΣ'b AΣ: ΌΣΟΣ\u0301 ΑΣ\u0345Α", "'ſ it'ſ <|ſtartoftext|>", "a <|endoftext|> b <|STARTOFTEXT|>!<|endoftext|>", "\x1c\x1d x\x1cy \x1f", "\u00a0 a \u3000b\u2028",
       "the cat and " * 40, "", "   ", "İstanbul ǅ ẞ", "&amp;amp;amp;", "&" * 40 + "lt;", "&quot&AMP;&Aacute&Aacutex"]


def fresh(m, kind, name):
    if kind == "clip-preprocess":
        return picture(m, name, m.int(2, 70), m.int(2, 70), recipe=m.choose("clip", "hf", "ip2p", "hps"), size=m.choose(7, 16, 32, 41))
    if kind == "clip-tokenize":
        return texts(name, [t.replace("\0", " ") for t in strings.random_strings(m, 60)])
    if kind == "clip":
        return clip(m, name, m.choose(1, 2, 3), m.choose(1, 2, 5), weights(m, m.choose(16, 32), m.choose(16, 24), m.choose(4, 8), (m.choose(32, 64, 128), m.int(1, 3)), (m.choose(64, 192), m.int(1, 2))))
    if kind == "clip-loss":
        return contrast(m, name, m.choose(1, 2, 5, 9), m.choose(8, 64))
    if kind == "clip-score":
        return rated(m, name, m.choose("clip100", "clipscore-w2.5", "cos"), m.int(1, 6), m.choose(8, 512))
    if kind == "clip-directional":
        return changes(m, name, m.int(1, 5), m.choose(8, 768))
    return aesthetic_case(m, name, m.int(1, 2), m.int(1, 4)) if kind == "aesthetic-head" else reward_case(m, name, m.int(1, 4))


FRESH = {kind: lambda m, name, kind=kind: fresh(m, kind, name) for kind in HOST + TAPE}


def committed(m):
    for recipe in ("clip", "hf", "ip2p", "hps"):
        yield picture(m, recipe, 30, 47, recipe=recipe, size=16)
        yield picture(m, f"{recipe}-tall", 39, 16, recipe=recipe, size=16)
        yield picture(m, f"{recipe}-up", 9, 13, recipe=recipe, size=20)
    yield picture(m, "half-a-pixel", 16, 31, size=16)
    vocabulary_file()
    yield texts("plain", [t.replace("\0", " ") for t in strings.STRINGS])
    yield texts("odd", ODD)
    yield texts("none", [])
    small = half(weights(m, vision=(32, 1), text=(32, 1), ids=20, context=9))
    yield clip(m, "plain", 2, 3, small)
    yield clip(m, "one", 1, 1, small, grad=False)
    yield clip(m, "no-text", 2, 0, small, grad=False)
    for n in (1, 2, 5):
        yield contrast(m, f"of-{n}", n, 12)
    for recipe in (None, "clipscore-w2.5", "cos"):
        yield rated(m, recipe or "plain", recipe)
    yield Case("clip-score", "below-0", dict(image_embeds=torch.eye(3), text_embeds=-torch.eye(3)))
    yield changes(m, "plain")
    yield changes(m, "f64", dtype=torch.float64)
    yield aesthetic_case(m, "v1", 1)
    yield reward_case(m, "plain", 2, drawn_head("mlp."), grad=False)
    yield m.finish("aesthetic-head", "v2", dict(image_embeds=m.normal(2, 768)), dict(version=2), drawn_head(), grad=False)


def failing(m):
    yield Case("clip-preprocess", "channels", dict(image=m.bytes(5, 5, 4)), {}, fails="image")
    yield Case("clip-preprocess", "empty", dict(image=m.bytes(0, 5, 3)), {}, fails="image")
    yield Case("clip-preprocess", "recipe", dict(image=m.bytes(5, 5, 3)), dict(recipe="open_clip"), fails="recipe")
    yield texts("no-file", ["a"], VOCAB.parent / "none.gz", fails="none.gz")
    yield texts("no-gzip", ["a"], VOCAB.parents[1] / "clip" / "merges.txt", fails="gzip")
    yield texts("number", ["a", 3], fails="texts")
    yield Case("clip-tokenize", "no-vocab", {}, dict(texts=["a"]), fails="vocab")
    w = half(weights(m, vision=(32, 1), text=(32, 1), ids=20, context=9))
    base = clip(m, "", 1, 1, w, grad=False)
    wrong = lambda name, fails, inputs=None, drop=(), more=None: Case("clip", name, {**base.inputs, **(inputs or {})},
                                                                     {}, {**{k: v for k, v in w.items() if k not in drop}, **(more or {})}, fails=fails)
    yield wrong("size", "pixel_values", dict(pixel_values=m.normal(1, 3, 17, 16)))
    yield wrong("length", "input_ids", dict(input_ids=torch.ones(1, 8, dtype=torch.int64)))
    yield wrong("id", "input_ids", dict(input_ids=torch.full((1, 9), 20)))
    yield wrong("missing", "ln_final.bias", drop=("ln_final.bias",))
    yield wrong("no-vision", "visual.conv1.weight", drop=("visual.conv1.weight",))
    yield wrong("surplus", "visual.extra", more={"visual.extra": torch.ones(2)})
    yield wrong("nan", "ln_final.bias", more={"ln_final.bias": torch.full((32,), float("nan"))})
    loss = contrast(m, "", 2, 4, grad=False)
    yield Case("clip-loss", "shapes", dict(loss.inputs, text_embeds=m.normal(3, 4)), {}, fails="text_embeds")
    yield Case("clip-score", "shapes", dict(image_embeds=m.normal(2, 4), text_embeds=m.normal(2, 5)), {}, fails="text_embeds")
    yield Case("clip-directional", "shapes", dict(changes(m, "").inputs, text_out=m.normal(2, 16)), {}, fails="text_out")
    good = aesthetic_case(m, "", 1, grad=False)
    yield Case("aesthetic-head", "width", dict(image_embeds=m.normal(2, 512)), {}, good.weights, fails="image_embeds")
    yield Case("aesthetic-head", "version", good.inputs, dict(version=3), good.weights, fails="version")
    yield Case("aesthetic-head", "v1-as-v2", good.inputs, dict(version=2), good.weights, fails="layers.0.weight")
    yield Case("image-reward-head", "no-mlp", dict(hidden=m.normal(1, 768)), {}, good.weights, fails="mlp.layers.0.weight")
