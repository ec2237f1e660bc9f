"""Times the UNet of Stable Diffusion 1.5, batch 1, 64x64 latents, beside diffusers on PyTorch, alternating, and appends a row to benchmarks/results/.

    python benchmarks/unet.py f32|bf16 forward|both FOLDER IN [--ours build/bench-unet] [--rounds 5] [--variant nchw|nhwc|none] [--compile] [--floor [build/bench-floor]] [--hold] [--apart]

FOLDER and IN as `benchmarks/peers/unet.py --write` makes them. Both sides compute once and must agree in the lengths of the prediction and of the gradients; then rounds of peak,
floor, ours, peer, as benchmarks/step.py has them. One variant of the peer a call: two of them and ours do not fit into 24 GB; for "both" neither do ours, a peer and the floor, which
is then timed with --variant none. --floor adds `bench-floor unet`: the fastest bare call for every convolution and product, each made as often as the pass makes it. --hold waits for a
line on stdin before the rounds, when everything is compiled. --apart has one side in memory at a time, started afresh, warmed twice and timed twice in every round ("both" of ours and a
peer take 30 GB together); --hold then waits before each timing.
"""
import argparse
import csv
import datetime
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from step import Worker, cpu, machine_peak, steady, words

AGREE = {"f32": 1e-4, "bf16": 3e-2}


def seconds(side, what):
    return float(side.ask(f"{what} 1"))


def agree(x, y, a):
    for name, x, y in zip(("prediction", "gradients"), map(float, x), map(float, y)):
        print(f"{name}: {x:.7g} {y:.7g}")
        if not abs(x - y) <= AGREE[a.dtype] * abs(y):
            raise SystemExit("unet.py: the two sides do not compute the same")


def check(ours, peer, a):
    sides = [ours, peer] if peer else [ours]
    for _ in range(2):
        for side in sides:
            seconds(side, a.what)
    if peer:
        agree(ours.ask("norms").split(), peer.ask("norms").split(), a)


def hold(a):
    if a.hold:
        print("holding", flush=True)
        sys.stdin.readline()


def one_round(i, ours, peer, floor, a):
    """(peak, seconds of ours, of the peer, of the floor); None for what is left out."""
    peak, f = machine_peak(a), floor and floor.run(1)
    o, p = seconds(ours, a.what), peer and seconds(peer, a.what)
    return said(i, (peak, o, p, f))


def said(i, taken):
    peak, o, p, f = taken
    words = "".join(f", {name} {s:.3f} s, {name} / ours {s / o:.3f}" for name, s in (("peer", p), ("floor", f)) if s)
    print(f"round {i}: ours {o:.3f} s{words} {peak}", flush=True)
    return taken


def alone(start, a):
    """(the machine's peak, a side's seconds, the lengths of what it computed, what it says of itself)"""
    side = start()
    for _ in range(2):
        seconds(side, a.what)
    norms = side.ask("norms").split()
    hold(a)
    peak = machine_peak(a)
    taken = min(seconds(side, a.what) for _ in range(2))
    side.close()
    return peak, taken, norms, side.about


def rounds_apart(starts, a):
    """Rounds whose two peaks are apart by more than 5 % are left out."""
    taken = []
    for i in range(a.rounds):
        (peak, o, x, _), (other, p, y, about) = (alone(start, a) for start in starts)
        agree(x, y, a)
        first, second = (next(iter(k.values()), 1.0) for k in (peak, other))
        if abs(first / second - 1) <= 0.05:
            taken.append(said(i + 1, (peak, o, p, None)))
        else:
            print(f"round {i + 1} left out: {o:.3f} s at {first}, {p:.3f} s at {second}", flush=True)
    if not taken:
        raise SystemExit("unet.py: in no round the machine was as fast for one side as for the other: busy")
    return taken, about


def ratios(name, column, at, rounds):
    """Columns: the median of a side's seconds, and of its ratios to ours with the least and the greatest; empty without that side."""
    if rounds[0][at] is None:
        return {f"{name}_s": "", column: "", f"{column}_min": "", f"{column}_max": ""}
    r = [x[at] / x[1] for x in rounds]
    return {f"{name}_s": f"{statistics.median(x[at] for x in rounds):.3f}", column: f"{statistics.median(r):.3f}", f"{column}_min": f"{min(r):.3f}", f"{column}_max": f"{max(r):.3f}"}


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("dtype", choices=("f32", "bf16"))
    options.add_argument("what", choices=("forward", "both"))
    options.add_argument("folder")
    options.add_argument("inputs")
    options.add_argument("--ours", default=str(HERE.parent / "build/bench-unet"))
    options.add_argument("--peak", default=str(HERE.parent / "build/bench-peak"))
    options.add_argument("--device", default="cpu", help=argparse.SUPPRESS)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--threads", type=int, default=os.cpu_count())
    options.add_argument("--variant", choices=("nchw", "nhwc", "none"), default="nchw")
    options.add_argument("--compile", action="store_true")
    options.add_argument("--floor", nargs="?", const=str(HERE.parent / "build/bench-floor"))
    options.add_argument("--hold", action="store_true")
    options.add_argument("--apart", action="store_true")
    options.add_argument("--results", default=str(HERE / "results/unet.csv"))
    a = options.parse_args()
    starts = [lambda: Worker([a.ours, a.dtype, f"{a.folder}/config.json", f"{a.folder}/diffusion_pytorch_model.safetensors", a.inputs], a.threads),
              lambda: Worker([sys.executable, str(HERE / "peers/unet.py"), "--dtype", a.dtype, "--layout", a.variant, *["--compile"] * a.compile, a.folder, a.inputs], a.threads)]
    ours = peer = floor = None
    if a.apart:
        rounds, about = rounds_apart(starts, a)
    else:
        ours, peer = starts[0](), starts[1]() if a.variant != "none" else None
        about = peer.about if peer else ""
        check(ours, peer, a)
        if a.floor:
            floor = Worker([a.floor, "unet", a.dtype, "serve", *["forward"] * (a.what == "forward")], a.threads)
        hold(a)
        rounds = [one_round(i + 1, ours, peer, floor, a) for i in range(a.rounds)]
    kept = steady(rounds)
    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    row = dict(date=datetime.date.today().isoformat(), commit=commit, cpu=cpu(), threads=a.threads, case=f"unet sd-1.5 b1 64x64 {a.what}", dtype=a.dtype, peer=about,
               rounds=f"{len(kept)} of {len(rounds)}", ours_s=f"{statistics.median(o for _, o, *_ in kept):.3f}", **ratios("peer", "ratio", 2, kept), **ratios("floor", "floor_ratio", 3, kept),
               peak=words(kept[0][0]))
    fresh = not pathlib.Path(a.results).exists()
    with open(a.results, "a", newline="") as f:
        table = csv.DictWriter(f, row)
        if fresh:
            table.writeheader()
        table.writerow(row)
    print(f"peer / ours: {row['ratio']}, {row['ratio_min']} to {row['ratio_max']}; floor / ours: {row['floor_ratio']}; row added to {a.results}")
    for side in filter(None, (ours, peer, floor)):
        side.close()


if __name__ == "__main__":
    main()
