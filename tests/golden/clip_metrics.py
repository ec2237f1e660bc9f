"""Folders of finished pictures with what is said of them, and what metrics of CLIP's family are to find in them, whose weights a hash makes.

    python tests/golden/clip_metrics.py tests/golden/clip_metrics

writes images/, reference/, masks/, said.json and expected.json below the folder named. Embeddings are those of reference/clip_cases.py in double (PyTorch 2.15.0), pictures are brought
to size by Pillow 13.0.0, PyTorch and OpenCV 5.0.0 (its own code, not Intel's IPP).
"""
import json
import pathlib
import shutil
import sys

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "reference"))
import clip_cases

cv2.setUseOptimized(False)
cv2.ipp.setUseIPP(False)

IMAGE, PATCH, WIDTH, EMBED, LAYERS, CONTEXT = 32, 8, 64, 768, 2, 16
WORDS = clip_cases.Tokenizer(clip_cases.VOCAB)

# ---- weights: tests/test_eval_clip_metrics.c makes the same


def fill(name, shape, low, high):
    seed = 2166136261
    for c in name.encode():
        seed = (seed ^ c) * 16777619 & 0xFFFFFFFF
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        h = np.uint32(seed) + np.arange(n, dtype=np.uint32) * np.uint32(0x9E3779B9)
        h = (h ^ h >> np.uint32(16)) * np.uint32(0x85EBCA6B)
        h = (h ^ h >> np.uint32(13)) * np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(16)
    u = (h >> np.uint32(8)).astype(np.float64) * 2.0 ** -24
    return torch.tensor((low + (high - low) * u).astype(np.float32).reshape(shape)).double()


def drawn(name, shape):
    key = name.removeprefix("visual.")
    if "ln_" in key and key.endswith("weight"):
        return fill(name, shape, 0.75, 1.25)
    if key.endswith("bias"):
        return fill(name, shape, -0.1, 0.1)
    if "embedding" in key:
        return fill(name, shape, -0.5, 0.5)
    fan = shape[0] if key in ("proj", "text_projection") else np.prod(shape[1:])
    bound = 2 * (3 / fan) ** 0.5
    return fill(name, shape, -bound, bound)


def tower(prefix, w):
    for i in range(LAYERS):
        for key, shape in {"attn.in_proj_weight": (3 * w, w), "attn.in_proj_bias": (3 * w,), "attn.out_proj.weight": (w, w), "attn.out_proj.bias": (w,), "ln_1.weight": (w,),
                           "ln_1.bias": (w,), "ln_2.weight": (w,), "ln_2.bias": (w,), "mlp.c_fc.weight": (4 * w, w), "mlp.c_fc.bias": (4 * w,), "mlp.c_proj.weight": (w, 4 * w),
                           "mlp.c_proj.bias": (w,)}.items():
            yield f"{prefix}transformer.resblocks.{i}.{key}", shape


def shapes():
    yield "visual.conv1.weight", (WIDTH, 3, PATCH, PATCH)
    yield "visual.class_embedding", (WIDTH,)
    yield "visual.positional_embedding", ((IMAGE // PATCH) ** 2 + 1, WIDTH)
    for key in ("visual.ln_pre", "visual.ln_post", "ln_final"):
        yield key + ".weight", (WIDTH,)
        yield key + ".bias", (WIDTH,)
    yield "visual.proj", (WIDTH, EMBED)
    yield "token_embedding.weight", (len(WORDS.ids), WIDTH)
    yield "positional_embedding", (CONTEXT, WIDTH)
    yield "text_projection", (WIDTH, EMBED)
    yield from tower("visual.", WIDTH)
    yield from tower("", WIDTH)


CLIP = {name: drawn(name, shape) for name, shape in shapes()}
CLIP["logit_scale"] = torch.tensor(4.6052, dtype=torch.float64)


def head(version):
    sizes = (768, 1) if version == 1 else (768, 1024, 128, 64, 16, 1)
    names = [""] if version == 1 else [f"layers.{i}." for i in (0, 2, 4, 6, 7)]
    out = {}
    for name, n, m in zip(names, sizes, sizes[1:]):
        out[name + "weight"] = fill(f"aesthetic-v{version}.{name}weight", (m, n), -3 / n ** 0.5, 3 / n ** 0.5)
        out[name + "bias"] = fill(f"aesthetic-v{version}.{name}bias", (m,), -0.1, 0.1)
    return out


# ---- pictures


def smooth(seed, h, w):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:h, :w]
    planes = []
    for _ in range(3):
        a, b, p, q = rng.uniform(0.05, 0.6, 4)
        planes.append(rng.uniform(60, 190) + 70 * np.sin(a * x + 9 * p) + 50 * np.cos(b * y + 7 * q))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def make(root):
    """Each picture's id, what is in its hole (top, left, height, width), and what is said of it."""
    for folder in ("images", "reference", "masks"):
        shutil.rmtree(root / folder, ignore_errors=True)
    said = {
        "all": {"prompt": "a photo of the old house", "label": "house", "before": "an empty field", "after": "a house in the field", "box": [4, 6, 30, 25.5]},
        "box": {"label": "tree", "box": [70, 20, 180, 96], "size": [200, 120]},
        "caption": "remove the red ball &amp; the cat",
        "dark": {"prompt": "", "label": "cat", "box": [0, 0, 9, 8], "size": [200, 60]},
        "long": {"prompt": "the cat and the house and the tree and the ball of the cat and the house and the tree", "after": "the tree"},
        "same": {"before": "a cat", "after": "a dog", "label": "tree"},
        "silent": {},
        "small": {"label": "ball", "prompt": "ball"},
        "tall": {"label": "cat", "prompt": "the cat"},
        "wide": {"label": "red ball", "before": "the cat", "after": "the cat"},
        "nobody's": {"label": "bench"},
    }
    sizes = dict(all=(40, 48), box=(64, 64), caption=(33, 57), dark=(48, 48), long=(24, 24), same=(32, 32), silent=(30, 41), small=(7, 9), tall=(90, 20), wide=(20, 77), hollow=(28, 28))
    holes = dict(all=(5, 8, 13, 21), caption=(0, 0, 33, 20), dark=(11, 3, 2, 30), long=(3, 3, 1, 1), same=(4, 8, 17, 17), small=(2, 2, 4, 3), tall=(30, 2, 50, 15), wide=(2, 40, 14, 33),
                 hollow=(0, 0, 0, 0))
    for k, (name, (h, w)) in enumerate(sizes.items()):
        before = smooth(10 + k, h, w)
        mask = np.zeros((h, w), np.uint8)
        t, l, hh, ww = holes.get(name, (0, 0, h, w))
        mask[t:t + hh, l:l + ww] = 255
        after = before.copy() if name == "same" else np.where(mask[..., None] > 0, smooth(50 + k, h, w), before)
        for folder, picture in (("images", after), ("reference", before), ("masks", mask)):
            if folder != "masks" or name in holes:
                (root / folder).mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(root / folder / f"{name}.png")
    (root / "said.json").write_text(json.dumps(said, indent=1) + "\n")
    return said, sizes, holes


# ---- what is seen

MEAN, STD = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (clip_cases.MEAN, clip_cases.STD))


def normalised(crop):
    return (torch.tensor(np.ascontiguousarray(crop)).permute(2, 0, 1).double() / 255 - MEAN) / STD


def preprocess(picture, hf=False):
    h, w = picture.shape[:2]
    long = int(IMAGE * max(h, w) / min(h, w))
    picture = clip_cases.in_old_order(picture, *((long, IMAGE) if w >= h else (IMAGE, long)))
    half = (lambda spare: spare // 2) if hf else (lambda spare: round(spare / 2.0))
    top, left = half(picture.shape[0] - IMAGE), half(picture.shape[1] - IMAGE)
    return normalised(picture[top:top + IMAGE, left:left + IMAGE])


def ip2p(picture):
    x = torch.tensor(picture).permute(2, 0, 1)[None].double() / 255
    return (F.interpolate(x, (IMAGE, IMAGE), mode="bicubic", align_corners=False)[0] - MEAN) / STD


def square(cut):
    h, w = cut.shape[:2]
    out = np.zeros((max(h, w), max(h, w), 3), np.uint8)
    top, left = (max(h, w) - h) // 2, (max(h, w) - w) // 2
    out[top:top + h, left:left + w] = cut
    return out


def embed_picture(x):
    ids = torch.tensor([WORDS.encode("", CONTEXT)])
    return F.normalize(clip_cases.model(dict(pixel_values=x[None], input_ids=ids), {}, CLIP)["image_embeds"][0], dim=0)


def embed_text(text):
    x = torch.zeros(1, 3, IMAGE, IMAGE, dtype=torch.float64)
    return F.normalize(clip_cases.model(dict(pixel_values=x, input_ids=torch.tensor([WORDS.encode(text, CONTEXT)])), {}, CLIP)["text_embeds"][0], dim=0)


def object_crop(picture, box, size):
    """Inst-Inpaint's eval/clip_accuracy.py, from its description."""
    w, h = size
    m = min(w, h)
    shift = ((w - m) // 2, (h - m) // 2) * 2
    box = [int(min(max(v - s, 0), m) * (256 / m)) for v, s in zip(box, shift)]
    if box[0] >= box[2] or box[1] >= box[3]:
        return np.zeros((256, 256, 3), np.uint8)
    ph, pw = picture.shape[:2]
    c = min(ph, pw)
    top, left = (ph - c) // 2, (pw - c) // 2
    middle = np.asarray(Image.fromarray(picture[top:top + c, left:left + c]).resize((256, 256), Image.BILINEAR))
    return square(middle[box[1]:box[3], box[0]:box[2]])


# ---- values


def values(name, said, hole, image, reference, classes):
    """Of the metrics that have one; what is missing is undefined."""
    words = {"prompt": said} if isinstance(said, str) else said
    prompt, label = words.get("prompt"), words.get("label", words.get("prompt"))
    whole, out = embed_picture(preprocess(image)), {}
    cos = lambda a, b: float(F.normalize(a, dim=0) @ F.normalize(b, dim=0))
    if prompt is not None:
        out["clip-score"] = 100 * cos(whole, embed_text(prompt))
        out["clipscore-w2.5"] = 2.5 * max(cos(whole, embed_text("A photo depicts " + prompt)), 0)
    if words.get("after", prompt) is not None:
        out["clip-sim"] = 100 * cos(whole, embed_text(words.get("after", prompt)))
    t, l, h, w = hole or (0, 0, 0, 0)
    if h and label is not None:
        cut = image[t:t + h, l:l + w]
        text = embed_text(label)
        out["clip-local"] = 100 * cos(embed_picture(normalised(cv2.resize(square(cut), (IMAGE, IMAGE), interpolation=cv2.INTER_CUBIC))), text)
        out["clip-local2"] = 100 * cos(embed_picture(preprocess(cut, hf=True)), text)
        out["clip-cat"] = 100 * cos(embed_picture(preprocess(cut)), text)
    out["clip-i"] = cos(whole, embed_picture(preprocess(reference)))
    out["clip-dir-image"] = cos(embed_picture(ip2p(image)), embed_picture(ip2p(reference)))
    if "before" in words:
        out["clip-dir-text"] = cos(embed_picture(ip2p(image)), embed_text(words["after"]))
    if "before" in words and words["before"] != words["after"] and not np.array_equal(image, reference):
        change = embed_picture(ip2p(image)) - embed_picture(ip2p(reference))
        out["clip-dir"] = cos(change, embed_text(words["after"]) - embed_text(words["before"]))
    box = words.get("box") or ([l, t, l + w, t + h] if h else None)
    if box:
        size = words.get("size") if "box" in words else None
        seen = [embed_picture(preprocess(object_crop(p, box, size or p.shape[1::-1]))) for p in (reference, image)]
        order = [(-(classes @ s)).argsort(stable=True).tolist() for s in seen]
        for n in (1, 3, 5):
            out[f"clip@{n}"] = float(order[0][0] not in order[1][:n])
        if "label" in words:
            own = embed_text("a photo of a " + words["label"])
            out["clip-distance"] = float(seen[0] @ own - seen[1] @ own)
    for version in (1, 2):
        config = dict(version=version)
        out[f"aesthetic-v{version}"] = float(clip_cases.aesthetic(dict(image_embeds=whole[None]), config, head(version))["value"][0])
    return out


def main(root):
    said, sizes, holes = make(root)
    labels = sorted({s["label"] for s in said.values() if isinstance(s, dict) and "label" in s})
    classes = torch.stack([embed_text("a photo of a " + c) for c in labels])
    found = {}
    for name in sorted(sizes):
        image, reference = (np.asarray(Image.open(root / folder / f"{name}.png")) for folder in ("images", "reference"))
        found[name] = values(name, said.get(name, {}), holes.get(name), image, reference, classes)
    (root / "expected.json").write_text(json.dumps(found, indent=1) + "\n")
    for name, of in found.items():
        print(name, {k: round(v, 4) for k, v in of.items()})


main(pathlib.Path(sys.argv[1]))
