"""GLIDE's inpainting from picture to picture, on networks of random numbers: tests/golden/glide. Run: python tests/golden/glide_painted.py

diffusers' UNet and transformers' CLIP text tower and tokenizer, in double; the diffusion of GLIDE's released code (skipped timesteps, learned variance, the known part in
each estimate) written anew from Nichol and Dhariwal 2021. Made with torch 2.15.0, diffusers 0.42.1, transformers 5.23.0. What is drawn at random is the program's
(pipeline.py has Philox).
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

import painted
from painted import chw

import pipeline
import towers
import unet

torch.set_default_dtype(torch.float64)
LOW, SAID = 0.05, 0.3
UNET = dict(out_channels=6, layers_per_block=1, norm_num_groups=4, cross_attention_dim=12, attention_head_dim=2)
CONFIG = {
    "unet": dict(UNET, in_channels=7, block_out_channels=[8, 16], down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"]),
    "upsampler": dict(UNET, in_channels=10, block_out_channels=[4, 8, 8], down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
                      up_block_types=["UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"]),
    "text_encoder": painted.TEXT_ENCODER,
}
NETWORK = {"unet": "unet2d-condition", "upsampler": "unet2d-condition", "text_encoder": "clip-text"}
SHAPES = {"unet": unet.condition_shapes, "upsampler": unet.condition_shapes, "text_encoder": lambda c: towers.shapes("clip-text", c)}
DEFAULTS = dict(system="glide", seed=0, sample=0, prompt=None, negative=None, factor=2, steps=6, guidance_scale=5, upsampler_sections=[2, 1, 1], upsampler_first=997, upsampler_noise=0.997)
CASES = {
    "as released, in few steps": dict(size=(32, 48), hole=(6, 12, 18, 24), prompt="a red star on a wall", seed=3),
    "the steps that are published": dict(size=(16, 24), hole=(3, 4, 8, 15), prompt="two birds", steps=100, upsampler_sections=[10, 10, 3, 2, 2], seed=2**40 + 4, sample=9),
    "a fourth, odd sides, and what not to paint": dict(size=(45, 38), hole=(0, 15, 29, 23), prompt="a dog", negative="a photo of a cat", factor=4, guidance_scale=2.5, seed=5),
    "without guidance, an eighth, all noise": dict(size=(32, 48), hole=(8, 8, 15, 17), prompt="a dog", factor=8, guidance_scale=1, upsampler_first=None, upsampler_noise=1, seed=6),
}


def weights(role, g):
    """Of half precision; so large that each part is heard in the picture, and so small that the small picture's rounding, which f32 and double may do apart, is heard by less
    than a grey level."""
    out = {}
    for key, shape in SHAPES[role](CONFIG[role]).items():
        norm = len(shape) == 1 and key.endswith("weight")
        size = 1 if "embedding" in key and role == "text_encoder" else 0.2 if len(shape) == 1 else math.prod(shape[1:]) ** -0.5
        size *= 1 if role == "text_encoder" else 2 if "attn" in key or "linear_2" in key else 1
        out[key] = (size * torch.randn(shape, generator=g) + norm).half()
        if role == "upsampler" and key == "conv_in.weight":
            out[key][:, 7:] *= LOW
        if role == "upsampler" and key == "conv_out.weight":
            out[key] *= SAID
    return out


# ---- diffusion

def levels(kind, steps=1000):
    if kind == "linear":
        return np.cumprod(1 - np.linspace(1e-4, 0.02, steps))
    f = np.cos((np.arange(steps + 1) / steps + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.cumprod(1 - np.minimum(1 - f[1:] / f[:-1], 0.999))


def evenly(first, size, count):
    return [first + round(k * (size - 1) / max(count - 1, 1)) for k in range(count)]


def timesteps(c, stage, steps=1000):
    if stage == "base":
        return evenly(0, steps, c["steps"])
    n, taken, first = len(c["upsampler_sections"]), [], 0
    for i, count in enumerate(c["upsampler_sections"]):
        size = steps // n + (i < steps % n)
        taken += evenly(first, size, count)
        first += size
    return taken[:-1] + [taken[-1] if c["upsampler_first"] is None else c["upsampler_first"]]


def sampled(c, stage, ask, known, hole):
    """ask: of x and t, the prediction of noise and what is said of the variance."""
    draw = lambda purpose, index: chw(pipeline.normals(c["seed"], f"glide/{stage}/{purpose}", hole.numel() * 3, index, c["sample"]).astype(np.float32).reshape(*hole.shape[2:], 3))
    taken = timesteps(c, stage)
    bar = levels("cosine" if stage == "base" else "linear")[taken]
    x, cut = draw("start", 0) * (1 if stage == "base" else c["upsampler_noise"]), 0
    for k, i in enumerate(reversed(range(len(taken)))):
        now, before = bar[i], bar[i - 1] if i else 1.0
        beta = 1 - now / before
        e, v = ask(x, taken[i])
        x0 = hole * (x - math.sqrt(1 - now) * e) / math.sqrt(now) + (1 - hole) * known
        cut += float((x0.abs() > 1).double().mean()) / len(taken)
        x0 = x0.clamp(-1, 1)
        x = (math.sqrt(before) * beta * x0 + math.sqrt(1 - beta) * (1 - before) * x) / (1 - now)
        if i:
            least, most = math.log(beta * (1 - before) / (1 - now)), math.log(beta)
            x = x + ((v + 1) / 2 * (most - least) / 2 + least / 2).exp() * draw("step", k)
    print(stage, len(taken), "estimates cut", round(cut, 2))
    return x


# ---- the parts

def asked(model, role, text, beside, scale):
    def ask(x, t):
        y = unet.condition(dict(sample=torch.cat((x, beside), 1).expand(len(text), -1, -1, -1), timestep=torch.tensor(t), encoder_hidden_states=text), CONFIG[role], model[role])["sample"]
        e = y[:1, :3] + scale * (y[1:, :3] - y[:1, :3]) if len(text) > 1 else y[:, :3]
        return e, y[-1:, 3:]
    return ask


def paint(model, words, c, image, mask):
    whole, hole = painted.on_whole_cells(image, mask)
    whole, hole = chw(whole) / 127.5 - 1, chw(hole[..., None] / 255)
    small, small_hole = F.avg_pool2d(whole, c["factor"]), F.max_pool2d(hole, c["factor"])
    text = torch.cat([painted.read_text(model, words, c[k])["last_hidden_state"] for k in ("negative", "prompt")])[0 if c["guidance_scale"] != 1 else 1:]
    low = sampled(c, "base", asked(model, "unet", text, torch.cat((small * (1 - small_hole), 1 - small_hole), 1), c["guidance_scale"]), small, small_hole)
    low = ((low + 1) * 127.5).round() / 127.5 - 1
    low = F.interpolate(low, whole.shape[2:], mode="bilinear", align_corners=False)
    y = sampled(c, "upsampler", asked(model, "upsampler", text[-1:], torch.cat((whole * (1 - hole), 1 - hole, low), 1), 1), whole, hole)
    return np.where(mask[..., None] > 0, painted.bytes_of(y[0].permute(1, 2, 0).numpy(), image), image)


# ---- what is told of it

def in_single(model, *given):
    torch.set_default_dtype(torch.float32)
    y = paint({r: {k: v.float() for k, v in w.items()} for r, w in model.items()}, *given)
    torch.set_default_dtype(torch.float64)
    return y


def without(model, part):
    """The same networks, what has the word in its name at zero in that one."""
    role, word = part.split("/")
    return {r: {k: torch.zeros_like(v) if r == role and word in k else v for k, v in w.items()} for r, w in model.items()}


def told(model, words, c, image, mask, y):
    """How far PyTorch's own f32 is off, and how many grey levels each part makes in the hole."""
    parts = ("unet/attn2.to_out", "upsampler/attn2.to_out", "unet/conv_out", "upsampler/conv_out", "unet/time_embedding", "upsampler/time_embedding")
    gap = abs(in_single(model, words, c, image, mask).astype(int) - y)
    heard = {p: float(abs(paint(without(model, p), words, c, image, mask).astype(int) - y)[mask > 0].mean().round(2)) for p in parts} if c["steps"] < 10 else {}
    return "f32 off by at most", int(gap.max()), "others", float((gap > 0).mean().round(5)), heard


def main():
    folder, g, words = painted.HERE / "glide", torch.Generator().manual_seed(2110741), painted.tokenizer()
    folder.mkdir(exist_ok=True)
    stored = {role: weights(role, g) for role in CONFIG}
    painted.save_model(stored, folder, "glide", NETWORK, CONFIG, {})
    painted.paint_all(folder, stored, CASES, DEFAULTS, lambda m, *given: paint(m, words, *given), lambda m, *given: told(m, words, *given))


main()
