"""Golden values and gradients of single ops: tests/golden/ops.safetensors.
Made with torch 2.x in double (stored as f32) and numpy; channels last throughout. Run: python tests/golden/ops.py"""
import os

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.embeddings import get_timestep_embedding
from safetensors.numpy import save_file

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
out = {}


def rand(*shape):
    """Values that f32 holds exactly."""
    return torch.randint(-2000, 2001, shape).double() / 1024


def put(name, x):
    out[name] = np.array(x.detach().numpy(), dtype=np.float32, order="C")


def case(name, f, inputs, outputs=("y",), no_grad=(), no_up=()):
    """f takes the inputs by name and returns its outputs in order; gradients by a random upstream gradient each."""
    x = {k: v.clone().requires_grad_(k not in no_grad) for k, v in inputs.items()}
    y = f(**x)
    y = y if isinstance(y, tuple) else (y,)
    total = 0
    for port, v in zip(outputs, y):
        put(f"{name}.{port}", v)
        if port not in no_up:
            g = rand(*v.shape)
            put(f"{name}.grad.{port}", g)
            total = total + (v * g).sum()
    total.backward()
    for k, v in x.items():
        put(f"{name}.{k}", v)
        if k not in no_grad:
            put(f"{name}.grad.{k}", v.grad)


def nchw(f):
    return lambda x: f(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class Zero(torch.autograd.Function):
    """|e|, with derivative 0 at 0 (torch's own, stated here so that the file does not depend on it)."""

    @staticmethod
    def forward(ctx, e):
        ctx.save_for_backward(e)
        return e.abs()

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].sign()


class Clip(torch.autograd.Function):
    """Cut to [-1, 1]; derivative 1 inside and on the bounds."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx, g):
        return g * (ctx.saved_tensors[0].abs() <= 1)


x = rand(2, 40)
x[0, :9] = torch.tensor([0.0, -1.0, 1.0, -0.25, 2.0**-20, -(2.0**-20), 60.0, -60.0, -0.375])
case("elu", lambda x: F.elu(x), {"x": x})
case("relu", lambda x: F.relu(x), {"x": x})
case("leaky", lambda x: F.leaky_relu(x, 0.2), {"x": x})
case("tanh", lambda x: torch.tanh(x), {"x": x})
case("clip", lambda x: Clip.apply(x), {"x": x})

case("gate", lambda x: F.elu(x[..., :5]) * torch.sigmoid(x[..., 5:]), {"x": rand(2, 3, 4, 10)})
case("gate_up", nchw(lambda x: F.interpolate(F.relu(x[:, :6]) * torch.sigmoid(x[:, 6:]), scale_factor=2, mode="nearest")), {"x": rand(1, 3, 4, 12)})

a, b = rand(2, 5, 6, 3), rand(2, 5, 6, 3)
b[:, ::2] = a[:, ::2]
w = (torch.rand(1, 5, 6, 1) > 0.5).double()
case("l1_hole", lambda x, y, w: ((Zero.apply(x - y) * w).sum(), w.expand(2, 5, 6, 1).sum() * 3), {"x": a, "y": b, "w": w},
     outputs=("sum", "count"), no_grad=("w",), no_up=("count",))

z = rand(3, 17)
z[0, :2] = torch.tensor([1.0, -1.0])
case("hinge_real", lambda x: F.relu(1 - x).sum(), {"x": z})
case("hinge_fake", lambda x: F.relu(1 + x).sum(), {"x": z})

image = rand(1, 5, 4, 2)
for mode, numpy_mode in (("reflect", "reflect"), ("symmetric", "symmetric"), ("replicate", "edge")):
    put(f"pad_{mode}.x", image)
    out[f"pad_{mode}.y"] = np.pad(image.numpy().astype(np.float32), ((0, 0), (1, 2), (3, 2), (0, 0)), mode=numpy_mode)

image = rand(2, 7, 9, 3)
for mode in ("nearest", "bilinear", "bicubic", "area"):
    case(mode, nchw(lambda x: F.interpolate(x, size=(5, 14), mode=mode)), {"x": image})
for mode in ("bilinear", "bicubic"):
    case(f"{mode}_corners", nchw(lambda x: F.interpolate(x, size=(5, 14), mode=mode, align_corners=True)), {"x": image})


def spectral_norm(weight, u, full):
    m = weight.reshape(weight.shape[0], -1)
    v = m.t() @ u
    v = v / (v.norm() + 1e-12)
    un = m @ v
    un = un / (un.norm() + 1e-12)
    if not full:
        v, un = v.detach(), un.detach()
    sigma = un @ m @ v
    return weight / sigma, sigma, un


for full in (False, True):
    case("sn_full" if full else "sn_detached", lambda weight, u: spectral_norm(weight, u, full), {"weight": rand(12, 2, 2, 25), "u": rand(12)},
         outputs=("w_sn", "sigma", "u_new"), no_grad=("u",), no_up=("u_new",))



def conv_after(act):
    def f(x, weight, bias, residual):
        nhwc = F.conv2d(x.permute(0, 3, 1, 2), weight.permute(0, 3, 1, 2), bias, padding=1).permute(0, 2, 3, 1)
        return act(nhwc + residual)
    return f


for name, act in (("leaky", lambda x: F.leaky_relu(x, 0.2)), ("relu", F.relu), ("elu", F.elu)):
    case(f"conv_{name}", conv_after(act), {"x": rand(1, 4, 3, 2), "weight": rand(3, 3, 3, 2), "bias": rand(3), "residual": rand(1, 4, 3, 3)})

smooth = rand(2, 40)
smooth[0, :9] = torch.tensor([0.0, -1.5, 1.5, -0.25, 2.0**-20, -(2.0**-20), 60.0, -60.0, -5.75])
case("silu", lambda x: F.silu(x), {"x": smooth})
case("quick_gelu", lambda x: x * torch.sigmoid(1.702 * x), {"x": smooth})
case("gelu", lambda x: F.gelu(x), {"x": smooth})


def group_norm(groups, eps, act):
    def f(x, weight, bias, skip=None):
        both = x if skip is None else torch.cat((x, skip), -1)
        return act(F.group_norm(both.permute(0, 3, 1, 2), groups, weight, bias, eps).permute(0, 2, 3, 1))
    return f


case("gn_silu", group_norm(4, 1e-5, F.silu), {"x": rand(2, 5, 3, 12), "weight": rand(12), "bias": rand(12)})
case("gn_two", group_norm(3, 1e-6, lambda y: y), {"x": 30 + rand(1, 7, 6, 4), "weight": rand(6), "bias": rand(6), "skip": rand(1, 7, 6, 2)})


def attention(heads, **how):
    def split(x):
        return x.reshape(x.shape[0], -1, heads, x.shape[-1] // heads).transpose(1, 2)

    return lambda q, k, v: F.scaled_dot_product_attention(split(q), split(k), split(v), **how).transpose(1, 2).reshape(q.shape)


case("attention", attention(2), {"q": rand(2, 3, 5, 8), "k": rand(2, 7, 8), "v": rand(2, 7, 8)})
case("attention_causal", attention(3, is_causal=True), {"q": rand(1, 9, 15), "k": rand(1, 9, 15), "v": rand(1, 9, 15)})
case("attention_scaled", attention(1, scale=0.25), {"q": rand(3, 1, 5), "k": rand(3, 77, 5), "v": rand(3, 77, 5)})


def modulated(groups):
    """diffusers' ResnetBlock2D: the embedding added in front (default), or as scale and shift behind (scale_shift)."""
    def f(x, weight, bias, shift, scale_shift):
        z = group_norm(groups, 1e-5, lambda y: y)(x + shift[:, None, None], weight, bias)
        scale, offset = scale_shift[:, None, None].chunk(2, -1)
        return F.silu(z * (1 + scale) + offset)
    return f


case("gn_modulated", modulated(4), {"x": rand(2, 5, 3, 12), "weight": rand(12), "bias": rand(12), "shift": rand(2, 12), "scale_shift": rand(2, 24)})


def geglu(x):
    value, gate = x.chunk(2, -1)
    return value * F.gelu(gate)


case("geglu", geglu, {"x": rand(3, 7, 10)})


def layer_norm(x, weight, bias, residual=None):
    both = x if residual is None else x + residual
    y = F.layer_norm(both, both.shape[-1:], weight, bias, 1e-5)
    return y if residual is None else (y, both)


case("ln", layer_norm, {"x": 30 + rand(2, 7, 24), "weight": rand(24), "bias": rand(24)})
case("ln_residual", layer_norm, {"x": rand(2, 7, 21), "residual": rand(2, 7, 21), "weight": rand(21), "bias": rand(21)}, outputs=("y", "sum"))

times = torch.tensor([0, 1, 0.25, 17.5, 500, 999, 1000])
for name, width, flip, shift in (("time_320", 320, True, 0), ("time_shifted", 12, False, 1)):
    put(f"{name}.timestep", times)
    put(f"{name}.y", get_timestep_embedding(times, width, flip_sin_to_cos=flip, downscale_freq_shift=shift))

for name, shape in (("channels", (4,)), ("tokens", (3, 4)), ("samples", (2, 1, 4)), ("pixels", (2, 3, 1))):
    case(f"add_{name}", lambda x, b: x + b, {"x": rand(2, 3, 4), "b": rand(*shape)})


def dice(x, y):
    p, y = torch.sigmoid(x).flatten(1), y.flatten(1)
    return (1 - 2 * (p * y).sum(1) / (p.sum(1) + y.sum(1))).sum()


case("dice", dice, {"x": rand(3, 5, 7, 1), "y": (rand(3, 5, 7, 1) > 0.5).double()}, outputs=("sum",), no_grad=("y",))


class Variances:
    """Nichol and Dhariwal 2021 at some timesteps of their cosine schedule, by the definitions: posteriors of x_t, their divergence, the first one's likelihood."""

    def __init__(self, timestep, steps=1000):
        level = torch.cos((torch.arange(steps + 1) / steps + 0.008) / 1.008 * torch.pi / 2) ** 2
        beta = (1 - level[1:] / level[:-1]).clamp(max=0.999)
        bar = torch.cumprod(1 - beta, 0)
        before = torch.cat([torch.ones(1), bar[:-1]])
        posterior = beta * (1 - before) / (1 - bar)
        posterior[0] = posterior[1]
        at = lambda x: x[timestep][:, None, None, None]
        self.first, self.beta, self.bar, self.before, self.least = at((torch.arange(steps) == 0).double()), at(beta), at(bar), at(before), at(posterior.log())

    def mean(self, x0, xt):
        return (self.before.sqrt() * self.beta * x0 + (1 - self.beta).sqrt() * (1 - self.before) * xt) / (1 - self.bar)

    def row(self):
        return torch.stack([x.flatten() for x in (-self.beta / ((1 - self.bar) * (1 - self.beta)).sqrt(), self.least, self.beta.log() - self.least, self.first)], 1)

    def loss(self, v, output, target, x0, row):
        xt = self.bar.sqrt() * x0 + (1 - self.bar).sqrt() * target
        mean, true = self.mean((xt - (1 - self.bar).sqrt() * output) / self.bar.sqrt(), xt), self.mean(x0, xt)
        log = (1 - v) / 2 * self.least + (1 + v) / 2 * self.beta.log()
        cdf = lambda x: (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3))) / 2
        high, low = cdf((x0 - mean + 1 / 255) * (-log / 2).exp()), cdf((x0 - mean - 1 / 255) * (-log / 2).exp())
        level = torch.where(x0 < -0.999, high, torch.where(x0 > 0.999, 1 - low, high - low)).clamp(min=1e-12)
        divergence = torch.distributions.kl_divergence(torch.distributions.Normal(true, (self.least / 2).exp()), torch.distributions.Normal(mean, (log / 2).exp()))
        return torch.where(self.first > 0, -level.log(), divergence).sum() / np.log(2)


variances = Variances(torch.tensor([0, 1, 2, 500, 999, 0]))
noise = rand(6, 4, 5, 3)
case("vlb", variances.loss, {"v": rand(6, 4, 5, 3), "output": noise + rand(6, 4, 5, 3) / 16, "target": noise, "x0": (rand(6, 4, 5, 3) * 1.2).clamp(-1, 1).float().double(),
                             "row": variances.row()}, outputs=("sum",), no_grad=("output", "target", "x0", "row"))

save_file(out, os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.safetensors"), metadata={"torch": torch.__version__, "numpy": np.__version__})
