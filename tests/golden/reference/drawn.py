"""Weights too large to be committed, as a few numbers each: {"key": {"shape", "seed", "scale", "from"}}.

Element i is scale * (from + h % (128 - from)), h a hash of i and the seed: whole numbers below 128, so that bf16 holds them exactly.
tests/test_probe_golden.c makes the same file from the same numbers."""
import json
import math

import numpy as np
import torch


def numbers(recipe):
    n = math.prod(recipe["shape"])
    with np.errstate(over="ignore"):
        h = np.arange(n, dtype=np.uint32) + np.uint32(recipe["seed"]) * np.uint32(0x9E3779B9)
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
        h ^= h >> np.uint32(16)
    low = recipe["from"]
    return torch.from_numpy(recipe["scale"] * (low + (h % np.uint32(128 - low)).astype(np.float32))).reshape(recipe["shape"])


def tensor(recipe):
    t = numbers(recipe)
    t.drawn = recipe
    return t


def weight(shape, seed):
    """Keeps the size of what goes through a rectified layer."""
    fan = math.prod(shape[1:])
    return tensor(dict(shape=list(shape), seed=seed, scale=2.0 ** round(math.log2((2 / fan) ** 0.5 / 73)), **{"from": -127}))


def positive(shape, seed):
    return tensor(dict(shape=list(shape), seed=seed, scale=2.0 ** -9, **{"from": 0}))


def is_drawn(weights):
    return isinstance(weights, dict) and any(hasattr(t, "drawn") for t in weights.values())


def to_json(weights):
    return json.dumps({k: getattr(t, "drawn", None) or dict(shape=list(t.shape), values=[None if math.isnan(v) else v for v in t.double().flatten().tolist()]) for k, t in weights.items()})


def from_json(text):
    """As probe gets them: whatever is not drawn is f32."""
    return {k: tensor(r) if "seed" in r else torch.tensor([math.nan if v is None else v for v in r["values"]]).reshape(r["shape"]) for k, r in json.loads(text).items()}
