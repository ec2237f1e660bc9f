"""Writes tests/golden/probe: inputs and expected outputs of `lacuna probe` for every kind, and calls that must fail.

    python tests/golden/probe.py

Reference: tests/golden/reference, in double. cases.json lists {"kind", "folder", "grad"?, "weights"?, "fails"?}; a folder
holds in.safetensors, config.json unless empty, and expect.safetensors unless the call must fail; weights lie in weights/,
each once. Written with PyTorch 2.15.0, Pillow 13.0.0, NumPy 2.4.6, safetensors 0.8.0.
"""
import hashlib
import json
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save, save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "reference"))
from committed import committed
from failing import failing
from kinds import expected


def save_weights(to, weights):
    data = save(weights)
    name = f"weights/{hashlib.sha256(data).hexdigest()[:12]}.safetensors"
    (to / "weights").mkdir(exist_ok=True)
    (to / name).write_bytes(data)
    return name


def write(to, case):
    """The case's line in cases.json"""
    folder = f"{'fails/' if case.fails else ''}{case.kind.replace('/', '-')}/{case.name}"
    (to / folder).mkdir(parents=True)
    save_file(case.inputs, to / folder / "in.safetensors")
    line = dict(kind=case.kind, folder=folder)
    if case.config:
        (to / folder / "config.json").write_text(json.dumps(case.config) + "\n")
    if case.weights is not None:
        line["weights"] = save_weights(to, case.weights)
    if case.grad:
        line["grad"] = True
    if case.fails:
        line["fails"] = case.fails
    else:
        save_file(expected(case), to / folder / "expect.safetensors")
    return line


def main():
    torch.set_num_threads(1)
    to = HERE / "probe"
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    lines = [write(to, case) for make in (committed, failing) for case in make()]
    (to / "cases.json").write_text("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n")
    size = sum(p.stat().st_size for p in to.rglob("*") if p.is_file())
    print(f"{len(lines)} cases, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
