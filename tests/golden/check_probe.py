"""Holds a built `lacuna probe` against the PyTorch reference: the committed corpus, and fresh random cases.

    python tests/golden/check_probe.py build/lacuna [--seed N] [--fresh N] [--kind WORD] [--large] [--keep DIR]

Tolerances are the contract's: relative L2 per tensor 1e-5 forward, 1e-4 for gradients, where an absolute error below 1e-6
of the file's largest gradient norm passes; nearest resizing and 8-bit results exact; bf16 of single ops 1e-2 and 3e-2, of
whole networks 1.5 times the error of PyTorch's autocast (of the worst of several, the inputs nudged by less than bf16 sees, where
one is not enough: a norm of few values magnifies whatever rounding there is); the same bytes with one thread and with two. --large adds cnum 48
at 256x256. Prints every failure, then the worst gap per kind; exit status 1 if anything failed.
"""
import argparse
import dataclasses
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
from collections import defaultdict

import torch
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "reference"))
import drawn
from autoencoder import nearest
from fresh import fresh, large
from catdiff import HOST as CATDIFF
from kinds import CLIP_HOST, MASKS, METRICS, TEXT, Case, expected
from distributions import HOST as DISTRIBUTIONS
from latent import HOST


def norm(x):
    return torch.linalg.vector_norm(x.double()).item()


def distances(found, want):
    """Of all outputs together and of all gradients together."""
    names = [[k for k in want if k.startswith("grad.") == gradients and not k.endswith(".u")] for gradients in (False, True)]
    return [math.hypot(*(norm(found[k] - want[k]) for k in some)) for some in names]


def autocast_distances(case, codes, want=None):
    return distances(expected(case, torch.float32, autocast=True, codes=codes), want or expected(case, codes=codes))


def nudged(case, draw):
    """The same with inputs off by up to a quarter of bf16's last place, so that roundings fall otherwise."""
    noise = torch.Generator().manual_seed(draw)
    off = lambda x: x * (1 + 2**-10 * (2 * torch.rand(x.shape, generator=noise) - 1)) if x.dtype == torch.float32 else x
    return dataclasses.replace(case, inputs={k: v if k.startswith("grad.") or k in ("mask", "timestep") else off(v) for k, v in case.inputs.items()})


class Checker:
    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)
        self.failures, self.count = [], 0
        self.worst = defaultdict(lambda: (0.0, ""))     # (kind, what) -> gap as a share of what is allowed, where

    # ---- running

    def probe(self, case, dtype=None, threads=2):
        """(status, stderr, outputs or None, bytes)"""
        at = self.folder / f"{self.count:05d}"
        at.mkdir(exist_ok=True)
        out = at / "out.safetensors"
        out.unlink(missing_ok=True)
        save_file(case.inputs, at / "in.safetensors")
        (at / "config.json").write_text(json.dumps(case.config, default=str))
        command = [self.program, "probe", case.kind, "--in", at / "in.safetensors", "--out", out, "--config", at / "config.json"]
        if isinstance(case.weights, pathlib.Path):
            command += ["--weights", case.weights]
        elif case.weights is not None:
            save_file(case.weights, at / "weights.safetensors")
            command += ["--weights", at / "weights.safetensors"]
        command += ["--grad"] * case.grad + (["--dtype", dtype] if dtype else [])
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
        self.command = " ".join(map(str, command))
        return done.returncode, done.stderr, load_file(out) if out.exists() else None, out.read_bytes() if out.exists() else b""

    def fail(self, case, why):
        self.failures.append(f"{case.kind} {case.name}: {why}")
        print("FAIL", self.failures[-1], flush=True)

    def note(self, case, what, share, where):
        if not share <= self.worst[case.kind, what][0]:
            self.worst[case.kind, what] = (share, f"{case.name}: {where}")

    # ---- comparing

    def check_fails(self, case):
        self.count += 1
        status, message, out, _ = self.probe(case)
        if status == 0 or status < 0 or out is not None:
            self.fail(case, f"should have been refused; status {status}{', and wrote OUT' if out is not None else ''}")
        elif case.fails not in message or message.count("\n") != 1:
            self.fail(case, f"wants one line with '{case.fails}', got {message!r}")

    def check(self, case, want=None, threads_too=True):
        self.count += 1
        want = want or expected(case)
        status, message, out, data = self.probe(case)
        if status != 0:
            return self.fail(case, f"status {status}: {message.strip()}")
        if not self.same_names(case, out, want):
            return
        largest = max((norm(v) for k, v in want.items() if k.startswith("grad.")), default=0)
        for k, v in want.items():
            self.compare(case, k, out[k], v, largest)
        if threads_too and self.probe(case, threads=1)[3] != data:
            self.fail(case, "other bytes with one thread than with two")

    def same_names(self, case, out, want):
        extra = {k for k in out.keys() - want.keys() if not k.startswith("discriminator.")}
        if want.keys() - out.keys() or extra:
            self.fail(case, f"missing {sorted(want.keys() - out.keys())[:5]}, surplus {sorted(extra)[:5]}")
            return False
        for k, v in want.items():
            if out[k].shape != v.shape or out[k].dtype != v.dtype:
                self.fail(case, f"{k} is {out[k].dtype} {list(out[k].shape)}, not {v.dtype} {list(v.shape)}")
                return False
        return True

    def compare(self, case, k, found, want, largest):
        gradient = k.startswith("grad.")
        exact = not want.is_floating_point() or (case.kind == "resize" and case.config.get("mode") == "nearest" and not gradient)
        if exact:
            if not torch.equal(found, want):
                self.fail(case, f"{k} differs in {(found != want).sum().item()} of {want.numel()} places")
            return self.note(case, "exact", 0, k)
        if not torch.equal(found.isnan(), want.isnan()):
            return self.fail(case, f"{k} is NaN in other places")
        found, want = found.nan_to_num(), want.nan_to_num()
        error, size, allowed = norm(found.double() - want.double()), norm(want), 1e-4 if gradient else 1e-5
        share = error / (allowed * size) if size else math.inf * (error > 0) if error else 0.0
        if gradient and largest:
            share = min(share, error / (1e-6 * largest))
        self.note(case, "gradient" if gradient else "forward", share, k)
        if not share <= 1:
            self.fail(case, f"{k} is off by {error / size if size else error:.2e} relative, {share:.1f} times what is allowed")

    def check_bf16(self, case):
        """Networks: against PyTorch's autocast, over all outputs and over all gradients; the rest: per tensor."""
        self.count += 1
        want = expected(case)
        status, message, out, data = self.probe(case, "bf16")
        if status != 0:
            return self.fail(case, f"bf16: status {status}: {message.strip()}")
        if not self.same_names(case, out, want):
            return
        if self.probe(case, "bf16", threads=1)[3] != data:
            self.fail(case, "bf16: other bytes with one thread than with two")
        if case.weights is not None:
            codes = self.check_codes(case, out) if "indices" in want else None
            want = want if codes is None else expected(case, codes=codes)
            ours, theirs = distances(out, want), autocast_distances(case, codes, want)
            for i, what in enumerate(("outputs", "gradients")):
                if ours[i] > 1.5 * theirs[i]:
                    theirs = [max(pair) for pair in zip(theirs, *(autocast_distances(nudged(case, draw), codes) for draw in range(4)))]
                if math.isfinite(theirs[i]):                # on some tiny maps PyTorch's own bf16 convolution gives NaN
                    self.limit(case, f"bf16 {what}", ours[i], 1.5 * theirs[i])
            return
        for k, v in want.items():
            gradient = k.startswith("grad.")
            self.limit(case, f"bf16 {'gradient' if gradient else 'forward'}", norm(out[k] - v), (3e-2 if gradient else 1e-2) * norm(v), k)

    def check_codes(self, case, out):
        """A VQGAN's, which must be the nearest to its own z. In bf16 some z fall to another code, each side's to others; what follows is compared with the same."""
        if not torch.equal(nearest(out["z"], case.weights["quantize.embedding.weight"].float()), out["indices"]):
            self.fail(case, "bf16: indices are not those of z")
        return out["indices"]

    def limit(self, case, what, found, allowed, where=""):
        share = found / allowed if allowed else float(found > 0) * 2
        self.note(case, what, share, where)
        if not share <= 1:
            self.fail(case, f"{what} {where}: {share:.2f} times what is allowed")

    def table(self):
        print(f"\n{'kind':22s}{'what':16s}{'worst / allowed':>16s}  where")
        for (kind, what), (share, where) in sorted(self.worst.items()):
            print(f"{kind:22s}{what:16s}{share:16.3f}  {where}")
        print(f"{self.count} cases, {len(self.failures)} failures: {'FAIL' if self.failures else 'PASS'}")


def committed_cases():
    root = HERE / "probe"
    for line in json.loads((root / "cases.json").read_text()):
        at = root / line["folder"]
        config = json.loads((at / "config.json").read_text()) if (at / "config.json").exists() else {}
        weights = root / line["weights"] if "weights" in line else None
        if weights is not None and weights.is_file():
            weights = drawn.from_json(weights.read_text()) if weights.suffix == ".json" else load_file(weights)
        case = Case(line["kind"], line["folder"], load_file(at / "in.safetensors"), config, weights, line.get("grad", False),
                    line.get("fails"))
        yield case, None if case.fails else load_file(at / "expect.safetensors")


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("program")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--fresh", type=int, default=6, help="random cases of each kind")
    words.add_argument("--kind", default="", help="only kinds that contain this")
    words.add_argument("--large", action="store_true", help="also cnum 48 at 256x256")
    words.add_argument("--bf16", action="store_true", help="also --dtype bf16")
    words.add_argument("--keep", help="folder for the files (default: a temporary one)")
    a = words.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if a.keep:
            os.makedirs(a.keep, exist_ok=True)
        checker = Checker(os.path.abspath(a.program), a.keep or folder)
        for case, want in committed_cases():
            if a.kind in case.kind:
                checker.check_fails(case) if case.fails else checker.check(case, want)
        for case in fresh(a.seed, a.fresh, a.kind):
            checker.check(case)
            if a.bf16 and case.kind not in METRICS + TEXT + MASKS + CLIP_HOST + (*HOST, *CATDIFF, *DISTRIBUTIONS, "pil-resize", "torch-resize", "schedule", "optim/adam", "optim/adamw"):
                checker.check_bf16(case)
        for case in large(a.seed) if a.large else ():
            if a.kind in case.kind:
                checker.check(case)
                checker.check_bf16(case) if a.bf16 else None
        checker.table()
    sys.exit(bool(checker.failures))


if __name__ == "__main__":
    main()
