"""The denoiser at its published size: python tests/golden/full_width.py build/lacuna [4|9] [--grad]

UNet2DConditionModel of Stable Diffusion 1.5 (diffusers' defaults and cross_attention_dim 768: 860 million parameters), weights drawn, 4 or 9 channels in;
forward on a 64x64 latent, with --grad also all gradients, on 16x16. Prints the relative L2 error of the program against PyTorch in f32, forward and the
worst gradient, and in bf16 both programs' errors (PyTorch: autocast). Takes 12 GB of memory and of disk below $TMPDIR for minutes.
Run with torch 2.15.0, diffusers 0.42.1; no test runs it.
"""
import gc
import json
import subprocess
import sys
import tempfile

import torch
from diffusers import UNet2DConditionModel
from safetensors import safe_open
from safetensors.torch import save_file


def error(a, b):
    return float((a.double() - b.double()).norm() / b.double().norm())


def expectation(unet, x, grad):
    """The output, and all gradients by "grad.KEY"; what PyTorch's own bf16 is off by."""
    call = lambda: unet(x["sample"], x["timestep"], x["encoder_hidden_states"]).sample
    with torch.set_grad_enabled(grad):
        wanted = call()
        if grad:
            wanted.backward(x["grad.sample"])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        theirs = error(call().float(), wanted.detach())
    return {"sample": wanted.detach(), **{f"grad.{n}": p.grad for n, p in unet.named_parameters() if grad}}, theirs


def worst_gradient(found, wanted):
    keys = [k for k in wanted.keys() if k != "sample"]
    floor, errors = 1e-6 * max(float(wanted.get_tensor(k).norm()) for k in keys), {}
    for k in keys:
        a, b = found.get_tensor(k), wanted.get_tensor(k)
        if float((a - b).norm()) > floor:
            errors[k] = error(a, b)
    worst = max(errors, key=errors.get)
    return {"gradients": len(keys), "worst gradient": [worst, errors[worst]]}


def main(program, channels, grad):
    torch.manual_seed(0)
    side = 16 if grad else 64
    with tempfile.TemporaryDirectory() as folder:
        unet = UNet2DConditionModel(in_channels=channels, out_channels=4, cross_attention_dim=768, sample_size=64)
        unet.save_pretrained(f"{folder}/unet", max_shard_size="20GB")
        x = {"sample": torch.randn(1, channels, side, side), "timestep": torch.tensor([481.0]), "encoder_hidden_states": torch.randn(1, 77, 768)}
        if grad:
            x["grad.sample"] = torch.randn(1, 4, side, side)
        save_file(x, f"{folder}/in.safetensors")
        report = {"channels": channels, "parameters": sum(p.numel() for p in unet.parameters())}
        wanted, report["bf16 of PyTorch"] = expectation(unet, x, grad)
        save_file(wanted, f"{folder}/wanted.safetensors")
        del unet, wanted                            # both programs at once would not fit into 24 GB
        gc.collect()
        for dtype in ("f32",) if grad else ("f32", "bf16"):
            subprocess.run([program, "probe", "unet2d-condition", "--in", f"{folder}/in.safetensors", "--out", f"{folder}/out.safetensors", "--config",
                            f"{folder}/unet/config.json", "--weights", f"{folder}/unet", "--dtype", dtype, *(["--grad"] if grad else [])], check=True)
            with safe_open(f"{folder}/out.safetensors", "pt") as found, safe_open(f"{folder}/wanted.safetensors", "pt") as wanted:
                report[dtype] = error(found.get_tensor("sample"), wanted.get_tensor("sample"))
                report |= worst_gradient(found, wanted) if grad else {}
        print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), "--grad" in sys.argv)
