"""Times attention beside PyTorch's scaled_dot_product_attention, alternating: python benchmarks/attention.py [--ours build/bench-attention] [--rounds 7] [--threads 2]

Per size, dtype and way (forward; forward and backward): both warm up, then take turns; printed are the medians of both and of the rounds' ratios
PyTorch / ours, with the least and the greatest."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys

SIZES = [(4096, 4096, 8, 40), (1024, 1024, 8, 80), (256, 256, 8, 160), (258, 258, 16, 64), (4096, 77, 8, 40)]
PEER = str(pathlib.Path(__file__).resolve().parent / "peers/attention.py")


def start(command, threads):
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")} | {"OMP_NUM_THREADS": str(threads)}
    p = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return p, p.stdout.readline().strip().removeprefix("ready ")


def ask(p, size, way, n):
    p.stdin.write(" ".join(map(str, size)) + f" {way} {n}\n")
    p.stdin.flush()
    return float(p.stdout.readline()) / n


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--ours", default="build/bench-attention")
    a.add_argument("--rounds", type=int, default=7)
    a.add_argument("--threads", type=int, default=2)
    a = a.parse_args()
    for dtype in ("f32", "bf16"):
        (ours, _), (peer, name) = start([a.ours, dtype], a.threads), start([sys.executable, PEER, dtype], a.threads)
        print(f"{dtype}, {a.threads} threads, {name}: ours ms, theirs ms, theirs / ours")
        for size in SIZES:
            for way in ("forward", "both"):
                n = max(1, int(0.1 / max(ask(p, size, way, 1) for p in (ours, peer))))
                rounds = [(ask(ours, size, way, n), ask(peer, size, way, n)) for _ in range(a.rounds)]
                ratio = [t / o for o, t in rounds]
                print(f"{'%d to %d, %d of %d' % size:24} {way:8} {1e3 * statistics.median(o for o, _ in rounds):9.3f} {1e3 * statistics.median(t for _, t in rounds):9.3f} "
                      f"{statistics.median(ratio):6.2f} ({min(ratio):.2f} to {max(ratio):.2f})", flush=True)


if __name__ == "__main__":
    main()
