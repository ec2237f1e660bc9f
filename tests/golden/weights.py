"""Writes weights_peer.safetensors with the safetensors package, and with --check reads back what Lacuna wrote.

    python weights.py             -> weights_peer.safetensors   (safetensors 0.8.0, torch 2.15.0)
    python weights.py --check F   equal tensors? weights_ours.safetensors, written by Lacuna, passed
"""
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent


def tensors():
    ramp = torch.arange(24, dtype=torch.float64)
    return {
        "f32": (ramp / 7 - 1).float().reshape(2, 3, 4),
        "bf16": (ramp / 7 - 1).to(torch.bfloat16).reshape(4, 6),
        "f16": (ramp / 7 - 1).half().reshape(24),
        "f64": ramp / 7 - 1,
        "i64": ramp.long() * (1 << 40),
        "i32": ramp.int() - 12,
        "u8": (ramp * 10).to(torch.uint8)[:5],
        "bool": ramp[:3] > 0,
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "name with \"quote\" and \u00fc": torch.ones(1),
    }


def check(path):
    ours, theirs = load_file(path), tensors()
    theirs["bool"] = theirs["bool"].to(torch.uint8)
    assert ours.keys() == theirs.keys(), ours.keys()
    for name, t in theirs.items():
        assert ours[name].dtype == t.dtype and torch.equal(ours[name], t), name
    with safe_open(path, "pt") as f:
        assert f.metadata() == {"format": "pt", "note": "a\nb"}, f.metadata()
    print("equal")


if len(sys.argv) > 2 and sys.argv[1] == "--check":
    check(sys.argv[2])
else:
    save_file(tensors(), HERE / "weights_peer.safetensors", {"format": "pt", "note": "a\nb"})
