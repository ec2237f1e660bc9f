"""Golden values and gradients of the ops of autoencoders: tests/golden/latent.safetensors.
Made with torch 2.15 in double (stored as f32); channels last throughout. Run: python tests/golden/latent.py"""
import os

import torch
from safetensors.torch import save_file

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
out = {}


def rand(*shape):
    """Values that f32 holds exactly."""
    return torch.randint(-2000, 2001, shape).double() / 1024


def put(name, x):
    out[name] = x.detach().float().contiguous()


def case(name, f, inputs, ups):
    """f takes the inputs by name and gives outputs by name; gradients by a random upstream gradient of each output in ups."""
    x = {k: v.clone().requires_grad_(bool(ups)) for k, v in inputs.items()}
    y = f(**x)
    total = 0
    for k, v in y.items():
        put(f"{name}.{k}", v)
        if k in ups:
            g = rand(*v.shape)
            put(f"{name}.grad.{k}", g)
            total = total + (v * g).sum()
    if ups:
        total.backward()
    for k, v in x.items():
        put(f"{name}.{k}", v)
        if v.grad is not None:
            put(f"{name}.grad.{k}", v.grad)


def gaussian(moments, noise):
    mean, logvar = moments.chunk(2, -1)
    logvar = logvar.clamp(-30, 20)
    return dict(sample=mean + (0.5 * logvar).exp() * noise, mean=mean, logvar=logvar,
                kl=0.5 * (mean**2 + torch.expm1(logvar) - logvar).sum((1, 2, 3)))


ALL = ("sample", "mean", "logvar", "kl")
moments = rand(2, 3, 3, 6)
moments[0, :, :, 3:] *= 30
moments[1, 0, :, 3:] = torch.tensor([-30.0, -31.0, 20.0])
case("gaussian.clamped", gaussian, dict(moments=moments, noise=rand(2, 3, 3, 3)), ALL)
case("gaussian.near_normal", gaussian, dict(moments=rand(2, 3, 3, 4) / 4096, noise=rand(2, 3, 3, 2)), ("logvar", "kl"))


def quantize(z, codebook, commitment, weight):
    flat = z.detach().reshape(-1, z.shape[-1])
    index = ((flat[:, None] - codebook.detach()[None]) ** 2).sum(-1).argmin(-1).reshape(z.shape[:-1])
    e = codebook[index]
    total = commitment * ((e.detach() - z) ** 2).sum() + weight * ((e - z.detach()) ** 2).sum()
    return dict(quantized=z + (e - z).detach(), index=index.double(), sum=total, count=torch.tensor(float(z.numel())))


legacy = lambda z, codebook: quantize(z, codebook, 1.0, 0.25)
textbook = lambda z, codebook: quantize(z, codebook, 0.25, 1.0)
inputs = dict(z=rand(2, 3, 5, 4), codebook=rand(9, 4))
case("quantize.legacy", legacy, inputs, ("sum",))
case("quantize.textbook", textbook, inputs, ("sum", "quantized"))
case("quantize.through", legacy, inputs, ("quantized",))
codes = rand(5, 3)
case("quantize.equal", legacy, dict(z=rand(40, 3), codebook=codes[[3, 1, 3, 1, 2, 0, 2, 0, 4, 4]]), ())
near = torch.tensor([1.0, -0.5, 0.75]) * (1 + torch.arange(8.0)[:, None] * 2.0**-22)        # steps of the last bits of f32
case("quantize.near", legacy, dict(z=torch.tensor([1.0, -0.5, 0.75]) * torch.linspace(0.5, 2, 60)[:, None].float().double(), codebook=near.flip(0)), ())

save_file(out, os.path.join(os.path.dirname(__file__), "latent.safetensors"))
