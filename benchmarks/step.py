"""Times our DeepFill v2 training step beside PyTorch's, alternating, and appends rows to benchmarks/results/.

    python benchmarks/step.py f32|bf16 [--ours build/bench-step] [--rounds 7] [--threads 2] [--variants WORD ...] [--preload LIB ...]

Ours is called as `bench-step f32|bf16 WEIGHTS IN` and speaks the protocol of peers/deepfill_step.py, as that does: "ready
TEXT", then "run N" -> seconds, "loss" -> d_loss g_loss of the last step. Both get the same weights and batch (batch 4,
256x256, cnum 48, width 64).

1. Both sides make three steps; their losses must agree: weights, masks, passes and Adam are the same.
2. Each variant of the peer (layout, eager or compiled, each --preload) makes a few steps; the fastest stays. What its compiler takes is
   printed apart.
3. Rounds: peak, floor, ours, peer, floor, ours, peer ... The floor is `bench-floor`'s: the fastest bare call for every convolution and
   product of the step, each made as often as the step makes it; without the program it is left out. `bench-peak` is called before every round and after the last if it is there; it
   prints "NAME VALUE" lines; rounds whose first value is more than 5 % off the median are left out.
Reported: medians of the per-round ratios peer / ours and floor / ours with the least and the greatest, absolute medians beside them.
"""
import argparse
import csv
import datetime
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PEER = [sys.executable, str(HERE / "peers/deepfill_step.py")]
VARIANTS = [[*layout, *mode] for mode in ([], ["--compile"]) for layout in (["--layout", "nchw"], ["--layout", "nhwc"])]
# First d_loss, then what one and more Adam steps have touched: where a gradient is nearly 0 Adam turns its rounding into a
# step of full size, so even two layouts of the peer part there: 4e-5 after one step in f32.
AGREE = {"f32": (1e-5, 1e-3), "bf16": (1e-2, 2e-2)}


class Worker:
    """One side, in its own process."""

    def __init__(self, command, threads, preload=None):
        env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
        env["OMP_NUM_THREADS"] = str(threads)
        if preload:
            env["LD_PRELOAD"] = preload
        self.process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.about = self.answer().removeprefix("ready ") + (f", {pathlib.Path(preload).name}" if preload else "")

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"step.py: {self.process.args[:3]} ended with status {self.process.wait()}")
        return line.strip()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def run(self, n=1):
        return float(self.ask(f"run {n}")) / n

    def losses(self):
        self.run()
        return tuple(map(float, self.ask("loss").split()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def check_agreement(ours, peer, dtype):
    first, later = AGREE[dtype]
    for i in range(3):
        for j, (a, b) in enumerate(zip(ours.losses(), peer.losses())):
            gap, allowed = abs(a - b) / abs(b), first if i + j == 0 else later
            print(f"step {i + 1} {'dg'[j]}_loss {a:.7f} {b:.7f} gap {gap:.1e} of {allowed:.0e}")
            if not gap <= allowed:
                raise SystemExit("step.py: the two sides do not compute the same step")


def names(variant):
    return {variant[1], "compiled" if "--compile" in variant else "eager"}


def fastest(a, files):
    """The quickest variant, warm."""
    best = None
    for preload in [None, *a.preload]:
        for variant in (v for v in VARIANTS if set(a.variants) <= names(v)):
            peer = Worker([*PEER, "--dtype", a.dtype, *variant, *files], a.threads, preload)
            compile_time = peer.run()
            peer.run()
            peer.seconds = min(peer.run() for _ in range(2))
            print(f"{peer.about}: {peer.seconds:.3f} s (first step {compile_time:.1f} s)", flush=True)
            slower, best = (best, peer) if best is None or peer.seconds < best.seconds else (peer, best)
            if slower:
                slower.close()
    return best


def machine_peak(program):
    """{name: value}, empty without the program"""
    if not os.path.exists(program):
        return {}
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    return {words[0]: float(words[1]) for words in map(str.split, lines) if len(words) >= 2}


def alternate(floor, ours, peer, rounds, peak):
    """[(peak, floor, ours, peer)], and the peak after the last; without a floor its time is nan"""
    taken = []
    for i in range(rounds):
        taken.append((machine_peak(peak), floor.run() if floor else math.nan, ours.run(), peer.run()))
        before, f, o, p = taken[-1]
        print(f"round {i + 1}: floor {f:.3f} s, ours {o:.3f} s, peer {p:.3f} s, peer / ours {p / o:.3f}, floor / ours {f / o:.3f} {before}", flush=True)
    return taken, machine_peak(peak)


def steady(rounds):
    first = [next(iter(peak.values()), 1.0) for peak, *_ in rounds]
    middle = statistics.median(first)
    return [r for r, p in zip(rounds, first) if abs(p / middle - 1) <= 0.05]


def cpu():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def words(peak):
    return " ".join(f"{k}={v:g}" for k, v in peak.items())


def record(a, ours, peer, rounds, kept, after):
    ratios = [p / o for _, _, o, p in kept]
    fractions = [f / o for _, f, o, _ in kept]
    amx = "amx_bf16" in open("/proc/cpuinfo").read()
    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    row = dict(date=datetime.date.today().isoformat(), commit=commit, cpu=cpu() + (" (AMX)" if amx else ""), threads=a.threads,
               case="deepfill-step b4 256x256 cnum48 width64", dtype=a.dtype, ours=ours.about, peer=peer.about,
               rounds=f"{len(kept)} of {len(rounds)}", ours_s=f"{statistics.median(o for _, _, o, _ in kept):.4f}",
               peer_s=f"{statistics.median(p for *_, p in kept):.4f}", ratio=f"{statistics.median(ratios):.3f}",
               ratio_min=f"{min(ratios):.3f}", ratio_max=f"{max(ratios):.3f}", floor_s=f"{statistics.median(f for _, f, _, _ in kept):.4f}",
               fraction=f"{statistics.median(fractions):.3f}", fraction_min=f"{min(fractions):.3f}", fraction_max=f"{max(fractions):.3f}", peak_before=words(rounds[0][0]), peak_after=words(after))
    path = pathlib.Path(a.results)
    fresh = not path.exists()
    with path.open("a", newline="") as f:
        table = csv.DictWriter(f, row)
        if fresh:
            table.writeheader()
        table.writerow(row)
    print(f"peer / ours: median {row['ratio']}, {row['ratio_min']} to {row['ratio_max']}; "
          f"floor / ours: {row['fraction']}, {row['fraction_min']} to {row['fraction_max']}; row added to {path}")


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("dtype", choices=("f32", "bf16"))
    options.add_argument("--ours", default=str(HERE.parent / "build/bench-step"))
    options.add_argument("--floor", default=str(HERE.parent / "build/bench-floor"))
    options.add_argument("--peak", default=str(HERE.parent / "build/bench-peak"))
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--threads", type=int, default=os.cpu_count())
    options.add_argument("--preload", action="append", default=[], help="an allocator to try for the peer, e.g. libtcmalloc.so")
    options.add_argument("--variants", nargs="+", default=[], choices=("nchw", "nhwc", "eager", "compiled"), help="only those of this kind")
    options.add_argument("--results", default=str(HERE / "results/step.csv"))
    options.add_argument("--size", type=int, default=256, help="another size is for trying this script only")
    a = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/weights.safetensors", f"{folder}/in.safetensors"]
        subprocess.run([*PEER, "--write", "--size", str(a.size), *files], check=True)
        ours = Worker([a.ours, a.dtype, *files], a.threads)
        judge = Worker([*PEER, "--dtype", a.dtype, *files], a.threads)
        check_agreement(ours, judge, a.dtype)
        judge.close()
        peer = fastest(a, files)
        floor = Worker([a.floor, a.dtype, "serve"], a.threads) if os.path.exists(a.floor) and a.size == 256 else None
        rounds, after = alternate(floor, ours, peer, a.rounds, a.peak)
        record(a, ours, peer, rounds, steady(rounds), after)
        for side in filter(None, (floor, ours, peer)):
            side.close()


if __name__ == "__main__":
    main()
