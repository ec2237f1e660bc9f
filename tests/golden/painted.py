"""What the scripts have in common that paint whole pictures with networks of random numbers (catdiff_painted.py, glide_painted.py): pictures and holes, texts, and how it is written."""
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import CLIPTokenizer

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "reference"), str(HERE)]
import towers

TOKENS, TOKENIZER = 16, HERE / "text/clip"
VOCABULARY = json.loads((TOKENIZER / "vocab.json").read_text())
TEXT_ENCODER = dict(vocab_size=len(VOCABULARY), hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=TOKENS,
                    eos_token_id=VOCABULARY["<|endoftext|>"])
ASKED = ("prompt", "negative", "seed", "sample")


def picture(h, w, seed):
    g, (y, x) = np.random.default_rng(seed), np.mgrid[0:h, 0:w]
    wave = [70 * np.sin(x / g.uniform(5, 15) + g.uniform(0, 6)) * np.cos(y / g.uniform(5, 15) + g.uniform(0, 6)) for _ in range(3)]
    return np.clip(128 + np.stack(wave, 2) + g.uniform(-40, 40, (h, w, 3)), 0, 255).astype(np.uint8)


def chw(a):
    return torch.from_numpy(np.ascontiguousarray(a.astype(np.float64).transpose(2, 0, 1)))[None].to(torch.get_default_dtype())


def tokenizer():
    return CLIPTokenizer.from_pretrained(TOKENIZER)


def read_text(model, words, text):
    ids = words(text or "", padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt").input_ids
    return towers.clip_text(dict(input_ids=ids), TEXT_ENCODER, model["text_encoder"])


def on_whole_cells(image, mask):
    """The canvas: the picture mirrored, the mask without a hole."""
    more = (0, -mask.shape[0] % 8), (0, -mask.shape[1] % 8)
    return np.pad(image, (*more, (0, 0)), mode="symmetric"), np.pad(mask, more)


def bytes_of(y, image):
    """Of [-1, 1], HWC, as much of it as the picture has."""
    return np.clip(np.rint((y + 1) * 127.5), 0, 255).astype(np.uint8)[:image.shape[0], :image.shape[1]]


def save_model(model, folder, system, network, config, settings):
    tensors = {f"{role}.{k}": v for role, w in model.items() for k, v in w.items()}
    for name in ("vocab.json", "merges.txt"):
        tensors[f"tokenizer.{name}"] = torch.frombuffer(bytearray((TOKENIZER / name).read_bytes()), dtype=torch.uint8)
    networks = {role: dict(network=network[role], config=config[role]) for role in model}
    metadata = {"lacuna.inpainter": system, "lacuna.networks": networks, "lacuna.config": settings, "lacuna.tokenizer": dict(max_length=TOKENS)}
    save_file(tensors, folder / "model.safetensors", {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()})


def paint_all(folder, stored, cases, defaults, painted, told):
    """painted(model, case, image, mask) of every case, in double, into the folder; told(model, case, image, mask, y) is what is printed of it."""
    model = {r: {k: v.double() for k, v in w.items()} for r, w in stored.items()}
    tensors, written = {}, []
    for i, (name, given) in enumerate(cases.items()):
        c = {**defaults, **given}
        (h, w), (top, left, high, wide) = c.pop("size"), c.pop("hole")
        image, mask = picture(h, w, i), np.zeros((h, w), np.uint8)
        mask[top:top + high, left:left + wide] = 255
        y = painted(model, c, image, mask)
        print(name, told(model, c, image, mask, y), "saturated", float(((y == 0) | (y == 255)).mean().round(2)), "sd", float(y.std().round(1)))
        tensors.update({f"{name}.image": torch.from_numpy(image), f"{name}.mask": torch.from_numpy(mask[..., None].copy()), f"{name}.result": torch.from_numpy(y.copy(order="C"))})
        written.append({"name": name, "system": c.pop("system"), **{k: c.pop(k) for k in ASKED}, "settings": c})
    save_file(tensors, folder / "pictures.safetensors")
    (folder / "cases.json").write_text(json.dumps(written, indent=1) + "\n")
