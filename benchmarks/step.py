"""Times our DeepFill v2 training step beside PyTorch's, alternating, and appends rows to benchmarks/results/.

    python benchmarks/step.py f32|bf16 [--device cuda] [--ours build/bench-step] [--rounds 7] [--threads 2] [--variants WORD ...] [--preload LIB ...]

Ours is called as `bench-step f32|bf16 WEIGHTS IN DEVICE` and speaks the protocol of peers/deepfill_step.py, as that does: "ready
TEXT", then "run N" -> seconds, "loss" -> d_loss g_loss of the last step. Both get the same weights and batch (batch 4,
on a GPU 16; 256x256, cnum 48, width 64).

1. Both sides make three steps; their losses must agree: weights, masks, passes and Adam are the same.
2. Each variant of the peer (layout, eager or compiled, each --preload) makes a few steps; the fastest stays. What its compiler takes is
   printed apart. On a GPU the fastest eager one and the fastest compiled one (max-autotune) both stay, and each gets its row; a variant
   that does not run is named and left out.
3. Rounds: peak, floor, ours, peer, floor, ours, peer ... The floor is `bench-floor`'s: the fastest bare call for every convolution and
   product of the step, each made as often as the step makes it; without the program it is left out. `bench-peak` is called before every round and after the last if it is there; it
   prints "NAME VALUE" lines; rounds whose first value is more than 5 % off the median are left out.
On a GPU each side makes as many steps per round as take a second, and there is no floor. Reported: medians of the per-round ratios peer / ours and floor / ours with the least and the greatest, absolute medians beside them.
"""
import argparse
import csv
import datetime
import math
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SELF = pathlib.Path(sys.argv[0]).name
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
        self.steps = 1                                  # of a round
        self.about = self.answer().removeprefix("ready ") + (f", {pathlib.Path(preload).name}" if preload else "")

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{SELF}: {self.process.args[:3]} ended with status {self.process.wait()}")
        return line.strip()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def run(self, n=None):
        n = n or self.steps
        return float(self.ask(f"run {n}")) / n

    def losses(self):
        self.run(1)
        return tuple(map(float, self.ask("loss").split()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def check_agreement(ours, peer, first, later, names):
    for i in range(3):
        for j, (a, b) in enumerate(zip(ours.losses(), peer.losses())):
            gap, allowed = abs(a - b) / abs(b), first if i + j == 0 else later
            print(f"call {i + 1} {names[j]} {a:.7f} {b:.7f} gap {gap:.1e} of {allowed:.0e}")
            if not gap <= allowed:
                raise SystemExit(f"{SELF}: the two sides do not compute the same")


def names(variant):
    return {variant[1], "compiled" if "--compile" in variant else "eager"}


def try_variant(a, files, variant, preload):
    """A warm worker with its seconds, None where it does not run (on a GPU: compilers there have their own troubles)."""
    try:
        peer = Worker([*a.peer, "--dtype", a.dtype, "--device", a.device, *variant, *files], a.threads, preload)
        first = peer.run(1)
        peer.run(2)                                     # captures, second shapes
        peer.seconds = min(peer.run(1) for _ in range(2))
    except (SystemExit, BrokenPipeError) as e:
        if a.device == "cpu":
            raise
        print(f"left out: {' '.join(variant)}: {e}", flush=True)
        return None
    print(f"{peer.about}: {peer.seconds:.4f} s (first step {first:.1f} s)", flush=True)
    return peer


def fastest(a, files, variants):
    """The quickest of these, warm; None if none runs."""
    best = None
    for preload in [None, *a.preload]:
        for variant in variants:
            peer = try_variant(a, files, variant, preload)
            if peer is None:
                continue
            slower, best = (best, peer) if best is None or peer.seconds < best.seconds else (peer, best)
            if slower:
                slower.close()
    return best


def contenders(a, files):
    """On the CPU the fastest of all variants; on a GPU the fastest eager and the fastest compiled one."""
    chosen = [v for v in VARIANTS if set(a.variants) <= names(v)]
    groups = [chosen] if a.device == "cpu" else [[v for v in chosen if kind in names(v)] for kind in ("eager", "compiled")]
    peers = [p for p in (fastest(a, files, g) for g in groups if g) if p]
    if not peers:
        raise SystemExit(f"{SELF}: no variant of the peer runs")
    return peers


def machine_peak(a):
    """{name: value}, empty without the program"""
    if not os.path.exists(a.peak):
        return {}
    lines = subprocess.run([a.peak, "--device", a.device], capture_output=True, text=True, check=True).stdout.splitlines()
    return {words[0]: float(words[1]) for words in map(str.split, lines) if len(words) >= 2}


def alternate(a, floor, ours, peers):
    """[(peak, floor, ours, [peer, ...])], and the peak after the last; without a floor its time is nan"""
    taken = []
    if a.device == "cuda":
        for side in (ours, *peers):
            side.run(3)
            side.steps = max(1, round(1 / side.run(3)))
    for i in range(a.rounds):
        taken.append((machine_peak(a), floor.run() if floor else math.nan, ours.run(), [p.run() for p in peers]))
        before, f, o, ps = taken[-1]
        print(f"round {i + 1}: floor {f:.4f} s, ours {o:.4f} s, peer {' '.join(f'{p:.4f}' for p in ps)} s, "
              f"peer / ours {' '.join(f'{p / o:.3f}' for p in ps)}, floor / ours {f / o:.3f} {before}", flush=True)
    return taken, machine_peak(a)


def steady(rounds):
    first = [next(iter(peak.values()), 1.0) for peak, *_ in rounds]
    middle = statistics.median(first)
    kept = [r for r, p in zip(rounds, first) if abs(p / middle - 1) <= 0.05]
    if not kept:
        raise SystemExit(f"{SELF}: in no round the machine was as fast as in another: busy")
    return kept


def cpu():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def words(peak):
    return " ".join(f"{k}={v:g}" for k, v in peak.items())


def record(a, ours, peer, k, rounds, kept, after):
    """Row of the k-th peer."""
    ratios = [p[k] / o for _, _, o, p in kept]
    fractions = [f / o for _, f, o, _ in kept]
    amx = "amx_bf16" in open("/proc/cpuinfo").read()
    git = ["git", "-C", HERE, "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True).stdout.strip() if shutil.which("git") else ""     # a bundle has none; doctor.txt has it
    row = dict(date=datetime.date.today().isoformat(), commit=commit, cpu=cpu() + (" (AMX)" if amx else ""), threads=a.threads,
               case=a.case, dtype=a.dtype, ours=ours.about, peer=peer.about,
               rounds=f"{len(kept)} of {len(rounds)}", ours_s=f"{statistics.median(o for _, _, o, _ in kept):.4f}",
               peer_s=f"{statistics.median(p[k] for *_, p in kept):.4f}", ratio=f"{statistics.median(ratios):.3f}",
               ratio_min=f"{min(ratios):.3f}", ratio_max=f"{max(ratios):.3f}", floor_s=f"{statistics.median(f for _, f, _, _ in kept):.4f}",
               fraction=f"{statistics.median(fractions):.3f}", fraction_min=f"{min(fractions):.3f}", fraction_max=f"{max(fractions):.3f}", peak_before=words(rounds[0][0]), peak_after=words(after))
    path = pathlib.Path(a.results)
    fresh = not path.exists()
    with path.open("a", newline="") as f:
        table = csv.DictWriter(f, row)
        if fresh:
            table.writeheader()
        table.writerow(row)
    print(f"{peer.about} / ours: median {row['ratio']}, {row['ratio_min']} to {row['ratio_max']}; "
          f"floor / ours: {row['fraction']}, {row['fraction_min']} to {row['fraction_max']}; row added to {path}")


def words_of(about, **defaults):
    """The options that every comparison has."""
    options = argparse.ArgumentParser(description=about)
    options.add_argument("dtype", choices=("f32", "bf16"))
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options.add_argument("--ours", default=str(HERE.parent / "build" / defaults["ours"]))
    options.add_argument("--floor", default=str(HERE.parent / "build/bench-floor"), help="on the CPU")
    options.add_argument("--peak", default=str(HERE.parent / "build/bench-peak"))
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--threads", type=int, default=os.cpu_count())
    options.add_argument("--preload", action="append", default=[], help="an allocator to try for the peer, e.g. libtcmalloc.so")
    options.add_argument("--variants", nargs="+", default=[], choices=("nchw", "nhwc", "eager", "compiled"), help="only those of this kind")
    options.add_argument("--results", default=str(HERE / "results" / defaults["results"]))
    return options


def compare(a, files, agree, names, floor):
    """Agreement, the peer's variants, rounds, a row for each peer. floor: words for bench-floor, None for none."""
    ours = Worker([a.ours, a.dtype, *files, a.device], a.threads)
    judge = Worker([*a.peer, "--dtype", a.dtype, "--device", a.device, *files], a.threads)
    check_agreement(ours, judge, *agree, names)
    judge.close()
    peers = contenders(a, files)
    floor = Worker([a.floor, *floor, a.dtype, "serve"], a.threads) if floor is not None and os.path.exists(a.floor) and a.device == "cpu" else None
    rounds, after = alternate(a, floor, ours, peers)
    for k, peer in enumerate(peers):
        record(a, ours, peer, k, rounds, steady(rounds), after)
    for side in filter(None, (floor, ours, *peers)):
        side.close()


def main():
    options = words_of(__doc__.split("\n")[0], ours="bench-step", results="step.csv")
    options.add_argument("--batch", type=int, help="4; on a GPU 16")
    options.add_argument("--size", type=int, default=256, help="another size is for trying this script only")
    a = options.parse_args()
    a.batch = a.batch or (16 if a.device == "cuda" else 4)
    a.peer, a.case = PEER, f"deepfill-step b{a.batch} {a.size}x{a.size} cnum48 width64"
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/weights.safetensors", f"{folder}/in.safetensors"]
        subprocess.run([*PEER, "--write", "--size", str(a.size), "--n", str(a.batch), *files], check=True)
        compare(a, files, AGREE[a.dtype], ("d_loss", "g_loss"), [] if (a.size, a.batch) == (256, 4) else None)


if __name__ == "__main__":
    main()
