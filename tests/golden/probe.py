"""Writes tests/golden/probe: inputs and expected outputs of `lacuna probe` for every kind, and calls that must fail.

    python tests/golden/probe.py                  all of it
    python tests/golden/probe.py --kind WORD      the cases of one kind; the others' files and lines stay as they are

Reference: tests/golden/reference, in double. cases.json lists {"kind", "folder", "grad"?, "weights"?, "fails"?}; a folder
holds in.safetensors, config.json unless empty, and expect.safetensors unless the call must fail; weights lie in weights/,
each once, those of large networks as the numbers they are made of (reference/drawn.py). Written with PyTorch 2.15.0, Pillow 13.0.0, NumPy 2.4.6, safetensors 0.8.0; README.md beside this file says how to get them.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save, save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "reference"))
import drawn
from committed import committed
from failing import failing
from kinds import expected


def save_weights(to, weights):
    if isinstance(weights, pathlib.Path):           # a folder that lies beside the cases
        return f"../{weights.relative_to(HERE)}"
    data = drawn.to_json(weights).encode() if drawn.is_drawn(weights) else save(weights)
    name = f"weights/{hashlib.sha256(data).hexdigest()[:12]}.{'json' if drawn.is_drawn(weights) else 'safetensors'}"
    (to / "weights").mkdir(exist_ok=True)
    (to / name).write_bytes(data)
    return name


def folder_of(case):
    return f"{'fails/' if case.fails else ''}{case.kind.replace('/', '-')}/{case.name}"


def write(to, case):
    """The case's line in cases.json"""
    folder = folder_of(case)
    (to / folder).mkdir(parents=True)
    save_file(case.inputs, to / folder / "in.safetensors")
    line = dict(kind=case.kind, folder=folder)
    if case.config:
        (to / folder / "config.json").write_text(json.dumps(case.config, default=lambda path: os.path.relpath(path, to / folder)) + "\n")
    if case.weights is not None:
        line["weights"] = save_weights(to, case.weights)
    if case.grad:
        line["grad"] = True
    if case.fails:
        line["fails"] = case.fails
    else:
        save_file(expected(case), to / folder / "expect.safetensors")
    return line


def clear(to, kind):
    """Removes what is to be written anew; the lines that stay, by folder"""
    if kind is None:
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir()
        return {}
    lines = json.loads((to / "cases.json").read_text())
    for line in lines:
        if line["kind"] == kind:
            shutil.rmtree(to / line["folder"])
    return {line["folder"]: line for line in lines if line["kind"] != kind}


def drop_unused_weights(to, lines):
    used = {line["weights"] for line in lines if "weights" in line}
    for path in (to / "weights").glob("*"):
        if f"weights/{path.name}" not in used:
            path.unlink()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", help="write the cases of this kind alone")
    kind = parser.parse_args().kind
    torch.set_num_threads(1)
    to = HERE / "probe"
    cases = [case for make in (committed, failing) for case in make()]
    if kind is not None and kind not in {case.kind for case in cases}:
        parser.error(f"no case is of kind '{kind}'")
    stay = clear(to, kind)
    lines = [stay[folder_of(case)] if folder_of(case) in stay else write(to, case) for case in cases if kind in (None, case.kind) or folder_of(case) in stay]
    drop_unused_weights(to, lines)
    (to / "cases.json").write_text("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n")
    size = sum(p.stat().st_size for p in to.rglob("*") if p.is_file())
    print(f"{len(lines)} cases, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
