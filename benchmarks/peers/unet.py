"""diffusers' UNet2DConditionModel, to be timed beside ours: one process, one variant, a line protocol.

    python benchmarks/peers/unet.py --dtype f32|bf16 [--layout nchw|nhwc] [--compile] FOLDER IN
    python benchmarks/peers/unet.py --write [--channels 4|9] [--size 64] FOLDER IN         SD 1.5's config with drawn weights, and inputs; ends

FOLDER is as diffusers saves it, IN has sample, timestep, encoder_hidden_states and grad.sample. It prints "ready TEXT", then to "forward N" and "both N" (forward with the
gradients of all parameters) the seconds that N of them took, to "norms" the length of the prediction and of all gradients. bf16 is autocast. Threads are OMP_NUM_THREADS.
Written for PyTorch 2.15 and diffusers 0.42.1.
"""
import argparse
import os
import sys
import time

import diffusers
import torch
from safetensors.torch import load_file, save_file


def write(folder, inputs, channels, size):
    torch.manual_seed(1)
    model = diffusers.UNet2DConditionModel(sample_size=64, in_channels=channels, cross_attention_dim=768, attention_head_dim=8)
    with torch.no_grad():
        for name, p in model.named_parameters():            # what starts at zero would hide everything
            if p.ndim == 1 and not name.endswith("bias"):
                p.add_(0.1 * torch.randn_like(p))
    model.save_pretrained(folder)
    save_file({"sample": torch.randn(1, channels, size, size), "timestep": torch.tensor([501.0]), "encoder_hidden_states": torch.randn(1, 77, 768),
               "grad.sample": torch.randn(1, 4, size, size)}, inputs)


class Side:
    def __init__(self, a):
        layout = torch.channels_last if a.layout == "nhwc" else torch.contiguous_format
        self.x = load_file(a.inputs)
        self.model = diffusers.UNet2DConditionModel.from_pretrained(a.folder, use_safetensors=True).to(memory_format=layout).eval()
        self.sample = self.x["sample"].contiguous(memory_format=layout)
        self.call = torch.compile(self.model) if a.compile else self.model
        self.bf16, self.y = a.dtype == "bf16", None

    def predict(self):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            return self.call(self.sample, self.x["timestep"], self.x["encoder_hidden_states"], return_dict=False)[0]

    def forward(self):
        with torch.no_grad():
            self.y = self.predict()

    def both(self):
        self.model.zero_grad(set_to_none=True)
        y = self.predict()
        y.backward(self.x["grad.sample"].to(y.dtype))
        self.y = y.detach()

    def norms(self):
        squares = [p.grad.double().square().sum().item() for p in self.model.parameters() if p.grad is not None]
        return self.y.double().norm().item(), sum(squares) ** 0.5


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("folder")
    words.add_argument("inputs")
    words.add_argument("--dtype", choices=("f32", "bf16"), default="f32")
    words.add_argument("--layout", choices=("nchw", "nhwc"), default="nchw")
    words.add_argument("--compile", action="store_true")
    words.add_argument("--write", action="store_true")
    words.add_argument("--channels", type=int, default=4)
    words.add_argument("--size", type=int, default=64)
    a = words.parse_args()
    if a.write:
        return write(a.folder, a.inputs, a.channels, a.size)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    side = Side(a)
    print("ready", f"PyTorch {torch.__version__}, {a.dtype}, {a.layout}, {'compiled' if a.compile else 'eager'}, {torch.get_num_threads()} threads", flush=True)
    for line in sys.stdin:
        word, n = (line.split() + ["1"])[:2]
        if word == "norms":
            print("%.9g %.9g" % side.norms(), flush=True)
            continue
        start = time.perf_counter()
        for _ in range(int(n)):
            getattr(side, word)()
        print(f"{time.perf_counter() - start:.6f}", flush=True)


if __name__ == "__main__":
    main()
