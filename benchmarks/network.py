"""Times the forward pass of a published network beside diffusers', transformers' or pytorch-fid's, alternating, and appends rows to benchmarks/results/network.csv.

    python benchmarks/network.py f32|bf16 vae-encode|vae-decode|clip-text|clip-vision-l14|clip-vision-b32|inception [--size 256] [--device cuda] [--ours build/bench-network] [--rounds 7] [--threads 2] ...

The protocol is that of step.py: agreement first, here of two numbers of the result (bench-network's "loss"); then the fastest variant of the peer (layout,
eager or compiled); then rounds of peak, floor, ours, peer. Weights are random, from a seed, in the published folder that both read. The floor is the sum of the
fastest bare calls of every convolution and product of the pass (`bench-floor CASE DTYPE serve`), of the autoencoder at 256 pixels.
"""
import subprocess
import sys
import tempfile

from step import HERE, compare, words_of

PEER = [sys.executable, str(HERE / "peers/network.py")]
AGREE = {"f32": 1e-4, "bf16": 2e-2}


def main():
    options = words_of(__doc__.split("\n")[0], ours="bench-network", results="network.csv")
    options.add_argument("network", choices=("vae-encode", "vae-decode", "clip-text", "clip-vision-l14", "clip-vision-b32", "inception"))
    options.add_argument("--size", type=int, default=256, help="pixels a side of the autoencoder's pictures")
    a = options.parse_args()
    vae = a.network.startswith("vae")
    a.peer, a.case = PEER, f"{a.network} b{16 if a.network == 'inception' else 1}" + (f" {a.size}x{a.size}" if vae else "")
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/network", f"{folder}/in.safetensors"]
        subprocess.run([*PEER, "--write", a.network, "--size", str(a.size), *files], check=True)
        compare(a, files, (AGREE[a.dtype],) * 2, ("size", "moved"), [a.network] if vae and a.size == 256 else None)


if __name__ == "__main__":
    main()
