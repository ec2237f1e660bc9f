"""Times the UNet of Stable Diffusion 1.5, batch 1, 64x64 latents, beside diffusers on PyTorch, alternating, and appends a row to benchmarks/results/.

    python benchmarks/unet.py f32|bf16 forward|both FOLDER IN [--ours build/bench-unet] [--rounds 5] [--variant nchw|nhwc] [--compile]

FOLDER and IN as `benchmarks/peers/unet.py --write` makes them. Both sides compute once and must agree in the lengths of the prediction and of the gradients; then rounds of peak,
ours, peer, as benchmarks/step.py has them. One variant of the peer a call: two of them and ours do not fit into 24 GB.
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


def check(ours, peer, a):
    for side in (ours, peer):
        side.first = seconds(side, a.what)
    for name, x, y in zip(("prediction", "gradients"), *(map(float, side.ask("norms").split()) for side in (ours, peer))):
        print(f"{name}: {x:.7g} {y:.7g}")
        if not abs(x - y) <= AGREE[a.dtype] * abs(y):
            raise SystemExit("unet.py: the two sides do not compute the same")
    for side in (ours, peer):
        seconds(side, a.what)


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
    options.add_argument("--variant", choices=("nchw", "nhwc"), default="nchw")
    options.add_argument("--compile", action="store_true")
    options.add_argument("--results", default=str(HERE / "results/unet.csv"))
    a = options.parse_args()
    ours = Worker([a.ours, a.dtype, f"{a.folder}/config.json", f"{a.folder}/diffusion_pytorch_model.safetensors", a.inputs], a.threads)
    peer = Worker([sys.executable, str(HERE / "peers/unet.py"), "--dtype", a.dtype, "--layout", a.variant, *["--compile"] * a.compile, a.folder, a.inputs], a.threads)
    check(ours, peer, a)
    rounds = []
    for i in range(a.rounds):
        rounds.append((machine_peak(a), seconds(ours, a.what), seconds(peer, a.what)))
        print(f"round {i + 1}: ours {rounds[-1][1]:.3f} s, peer {rounds[-1][2]:.3f} s, peer / ours {rounds[-1][2] / rounds[-1][1]:.3f} {rounds[-1][0]}", flush=True)
    kept = steady(rounds)
    ratios = [p / o for _, o, p in kept]
    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    row = dict(date=datetime.date.today().isoformat(), commit=commit, cpu=cpu(), threads=a.threads, case=f"unet sd-1.5 b1 64x64 {a.what}", dtype=a.dtype, peer=peer.about,
               rounds=f"{len(kept)} of {len(rounds)}", ours_s=f"{statistics.median(o for _, o, _ in kept):.3f}", peer_s=f"{statistics.median(p for *_, p in kept):.3f}",
               ratio=f"{statistics.median(ratios):.3f}", ratio_min=f"{min(ratios):.3f}", ratio_max=f"{max(ratios):.3f}", peak=words(kept[0][0]))
    fresh = not pathlib.Path(a.results).exists()
    with open(a.results, "a", newline="") as f:
        table = csv.DictWriter(f, row)
        if fresh:
            table.writeheader()
        table.writerow(row)
    print(f"peer / ours: median {row['ratio']}, {row['ratio_min']} to {row['ratio_max']}; row added to {a.results}")
    for side in (ours, peer):
        side.close()


if __name__ == "__main__":
    main()
