"""The DeepFill v2 training step in PyTorch, to be timed beside ours: one process, one variant, a line protocol.

    python benchmarks/peers/deepfill_step.py --dtype f32|bf16 [--layout nchw|nhwc] [--compile] [--device cuda] WEIGHTS IN
    python benchmarks/peers/deepfill_step.py --write WEIGHTS IN        writes both files and ends

WEIGHTS holds generator.KEY and discriminator.KEY as `lacuna probe deepfillv2-gan` reads them, IN image and mask. When the
networks stand it prints "ready TEXT"; then to each line "run N" it makes N training steps and prints the seconds they
took, to "loss" the d_loss and g_loss of the last step. The threads are OMP_NUM_THREADS. On a GPU the host waits for the device once, after the
N steps; f32 is f32 (no TF32), cuDNN chooses by timing, and compiled is mode="max-autotune", which replays CUDA graphs.

A step, on one batch: D: generator without gradient, discriminator on [real, fake], Adam; G: generator, discriminator on
[real, fake], gradient through fake, Adam. bf16 is autocast. What makes it fast: attention as batched matrix products, one
power iteration per phase outside autocast, no gradient into the discriminator's weights in the G phase nor through its
real half, fused Adam. Written for PyTorch 2.15.
"""
import argparse
import os
import pathlib
import sys
import time

import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/golden/reference"))
import deepfill
import known

ADAM = dict(lr=1e-4, betas=(0.5, 0.999), eps=1e-8, fused=True)


class Step:
    def __init__(self, weights, batch, bf16, channels_last, compiled, device):
        self.device = device
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.image = batch["image"].contiguous(memory_format=self.format)
        self.mask = batch["mask"]
        self.generator = self.leaves(weights, "generator.")
        self.discriminator = self.leaves(weights, "discriminator.")
        self.autocast = lambda: torch.autocast(device, torch.bfloat16, enabled=bf16)
        trained = [p for p in self.discriminator.values() if p.requires_grad]
        self.adam_d, self.adam_g = torch.optim.Adam(trained, **ADAM), torch.optim.Adam(self.generator.values(), **ADAM)
        mode = "max-autotune" if device == "cuda" else "default"
        maybe = (lambda f: torch.compile(f, mode=mode)) if compiled else (lambda f: f)
        self.paint, self.loss_d, self.loss_g = maybe(self.paint), maybe(self.loss_d), maybe(self.loss_g)
        self.last = torch.zeros(2)

    def leaves(self, weights, prefix):
        def leaf(name, w):
            w = w.contiguous(memory_format=self.format) if w.ndim == 4 else w
            return w.clone().requires_grad_(not name.endswith(".u"))
        return {k[len(prefix):]: leaf(k, w) for k, w in weights.items() if k.startswith(prefix)}

    def paint(self):
        with self.autocast():
            return deepfill.generator(self.generator, self.image, self.mask)[2].float()

    def loss_d(self, fake):
        layers, _, us = deepfill.discriminator_weights(self.discriminator)
        with self.autocast():
            both = deepfill.discriminate(layers, torch.cat([self.image, fake]), deepfill.twice(self.mask))
        real, fake = both.float().chunk(2)
        return deepfill.hinge_d(real, fake), us

    def loss_g(self):
        with torch.no_grad():
            layers, _, us = deepfill.discriminator_weights(self.discriminator)
            with self.autocast():
                real = deepfill.discriminate(layers, self.image, self.mask)      # read by nobody, but part of the pass that both sides make
        with self.autocast():
            x1, x2, fake = deepfill.generator(self.generator, self.image, self.mask)
            scores = deepfill.discriminate(layers, fake, self.mask)
        loss = deepfill.hinge_g(scores.float()) + deepfill.l1(x1.float(), self.image) + deepfill.l1(x2.float(), self.image)
        return loss, real, us

    def commit(self, us):
        for i, u in enumerate(us, 1):
            self.discriminator[f"conv{i}.u"].copy_(u)

    def update(self, loss, us, adam):
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        self.commit(us)

    def run(self):
        if self.device == "cuda":
            torch.compiler.cudagraph_mark_step_begin()          # what graphs gave in the step before is no longer read
        with torch.no_grad():
            fake = self.paint()
        d_loss, us = self.loss_d(fake)
        self.update(d_loss, us, self.adam_d)
        g_loss, _, us = self.loss_g()
        self.update(g_loss, us, self.adam_g)
        self.last = torch.stack([d_loss.detach(), g_loss.detach()])

    def wait(self):
        if self.device == "cuda":
            torch.cuda.synchronize()


def write(weights, batch, n, size, cnum, width):
    """Deterministic weights, images with structure, a box of half the side."""
    g = known.generator_params(deepfill.generator_shapes(dict(cnum=cnum)))
    d = known.discriminator_params(deepfill.discriminator_shapes(width))
    save_file({**{f"generator.{k}": v for k, v in g.items()}, **{f"discriminator.{k}": v for k, v in d.items()}}, weights)
    coarse = known.nhwc(n, size // 8, size // 8, 3, 5000)
    image = torch.nn.functional.interpolate(coarse, scale_factor=8, mode="bilinear")
    mask = known.box(size, size, size // 4, 3 * size // 4 - 1, size // 4, 3 * size // 4 - 1)
    save_file(dict(image=image, mask=mask.expand(n, -1, -1, -1).contiguous()), batch)


def serve(step, about):
    print("ready", about, flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["run"]:
            start = time.perf_counter()
            for _ in range(int(words[1])):
                step.run()
            step.wait()
            print(f"{time.perf_counter() - start:.6f}", flush=True)
        elif words == ["loss"]:
            print("%.9g %.9g" % tuple(step.last.tolist()), flush=True)
        else:
            break


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("weights")
    words.add_argument("batch")
    words.add_argument("--dtype", choices=("f32", "bf16"), default="f32")
    words.add_argument("--layout", choices=("nchw", "nhwc"), default="nchw")
    words.add_argument("--compile", action="store_true")
    words.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    words.add_argument("--write", action="store_true")
    for name, value in (("n", 4), ("size", 256), ("cnum", 48), ("width", 64)):
        words.add_argument(f"--{name}", type=int, default=value, help="with --write")
    a = words.parse_args()
    if a.write:
        return write(a.weights, a.batch, a.n, a.size, a.cnum, a.width)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    torch.set_default_device(a.device)                  # indices that the reference makes are made there
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    where = f"{torch.get_num_threads()} threads"
    if a.device == "cuda":
        where = f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    step = Step(load_file(a.weights, a.device), load_file(a.batch, a.device), a.dtype == "bf16", a.layout == "nhwc", a.compile, a.device)
    serve(step, f"pytorch-{torch.__version__} {a.dtype} {a.layout} {'compiled' if a.compile else 'eager'}, {where}")


if __name__ == "__main__":
    main()
