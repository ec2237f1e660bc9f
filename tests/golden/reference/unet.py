"""Reference of the UNets: diffusers' UNet2DConditionModel, and CompVis' openaimodel written anew in PyTorch."""
import contextlib
import functools
import json
import math

import diffusers
import torch
import torch.nn.functional as F
from torch import nn

import diffusion

# ---- diffusers

@functools.lru_cache(maxsize=4)
def published(config):
    with torch.device("meta"):
        return diffusers.UNet2DConditionModel.from_config(json.loads(config)).eval()


def condition_shapes(config):
    return {k: tuple(v.shape) for k, v in published(json.dumps(config)).state_dict().items()}


def condition(x, config, weights):
    model = published(json.dumps(config))
    exact = diffusion.in_double() if x["sample"].dtype == torch.float64 else contextlib.nullcontext()
    with exact:
        y = torch.func.functional_call(model, weights, (x["sample"], x["timestep"], x["encoder_hidden_states"]),
                                       dict(class_labels=x.get("class_labels"), return_dict=False))
    return dict(sample=y[0])


# ---- CompVis

def res_block(cin, cout, time, scale_shift, resample=None):
    parts = dict(in_layers=nn.Sequential(nn.GroupNorm(32, cin), nn.SiLU(), nn.Conv2d(cin, cout, 3, padding=1)),
                 emb_layers=nn.Sequential(nn.SiLU(), nn.Linear(time, cout * (2 if scale_shift else 1))),
                 out_layers=nn.Sequential(nn.GroupNorm(32, cout), nn.SiLU(), nn.Identity(), nn.Conv2d(cout, cout, 3, padding=1)))
    if cin != cout:
        parts["skip_connection"] = nn.Conv2d(cin, cout, 1)
    block = nn.ModuleDict(parts)
    block.kind, block.scale_shift, block.resample = "res", scale_shift, resample
    return block


def run_res(b, x, emb):
    size = {"down": lambda v: F.avg_pool2d(v, 2), "up": lambda v: F.interpolate(v, scale_factor=2, mode="nearest"), None: lambda v: v}[b.resample]
    h = b["in_layers"][2](size(b["in_layers"][:2](x)))
    e = b["emb_layers"](emb)[:, :, None, None]
    if b.scale_shift:
        scale, shift = e.chunk(2, dim=1)
        h = b["out_layers"][1:](b["out_layers"][0](h) * (1 + scale) + shift)
    else:
        h = b["out_layers"](h + e)
    x = size(x)
    return h + (b["skip_connection"](x) if "skip_connection" in b else x)


def attention_block(c, heads):
    block = nn.ModuleDict(dict(norm=nn.GroupNorm(32, c), qkv=nn.Conv1d(c, 3 * c, 1), proj_out=nn.Conv1d(c, c, 1)))
    block.kind, block.heads = "attention", heads
    return block


def run_attention(b, x):
    n, c, h, w = x.shape
    flat = x.reshape(n, c, -1)
    q, k, v = b["qkv"](b["norm"](flat)).reshape(n, b.heads, 3, c // b.heads, h * w).unbind(2)
    p = torch.softmax(q.transpose(-1, -2) @ k / math.sqrt(c // b.heads), -1)
    y = (v @ p.transpose(-1, -2)).reshape(n, c, h * w)
    return (flat + b["proj_out"](y)).reshape(n, c, h, w)


def cross(c, of):
    return nn.ModuleDict(dict(to_q=nn.Linear(c, c, bias=False), to_k=nn.Linear(of, c, bias=False), to_v=nn.Linear(of, c, bias=False),
                              to_out=nn.Sequential(nn.Linear(c, c))))


def run_cross(a, x, of, heads):
    n, t, c = x.shape
    q, k, v = (a[f"to_{name}"](s).reshape(n, s.shape[1], heads, c // heads).transpose(1, 2) for name, s in (("q", x), ("k", of), ("v", of)))
    p = torch.softmax(q @ k.transpose(-1, -2) * (c // heads) ** -0.5, -1)
    return a["to_out"]((p @ v).transpose(1, 2).reshape(n, t, c))


class Projection(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.proj = nn.Linear(c, 8 * c)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


def transformer(c, heads, depth, context, fusion=None):
    feed = lambda: nn.ModuleDict(dict(net=nn.Sequential(Projection(c), nn.Identity(), nn.Linear(4 * c, c))))
    adapter = lambda: dict(norm4=nn.LayerNorm(c), attn3=cross(c, fusion)) if fusion else {}
    layer = lambda: nn.ModuleDict(dict(norm1=nn.LayerNorm(c), attn1=cross(c, c), norm2=nn.LayerNorm(c), attn2=cross(c, context), norm3=nn.LayerNorm(c), ff=feed(), **adapter()))
    block = nn.ModuleDict(dict(norm=nn.GroupNorm(32, c, eps=1e-6), proj_in=nn.Conv2d(c, c, 1), transformer_blocks=nn.ModuleList(layer() for _ in range(depth)),
                               proj_out=nn.Conv2d(c, c, 1)))
    block.kind, block.heads = "transformer", heads
    return block


def run_transformer(b, x, context, fusion=None):
    h = b["proj_in"](b["norm"](x)).flatten(2).transpose(1, 2)
    for layer in b["transformer_blocks"]:
        n = layer["norm1"](h)
        h = h + run_cross(layer["attn1"], n, n, b.heads)
        if fusion is not None:
            h = h + run_cross(layer["attn3"], layer["norm4"](h), fusion, b.heads)
        h = h + run_cross(layer["attn2"], layer["norm2"](h), context, b.heads)
        h = h + layer["ff"]["net"](layer["norm3"](h))
    return x + b["proj_out"](h.transpose(1, 2).reshape(x.shape))


def resampler(c, down):
    block = nn.ModuleDict({"op" if down else "conv": nn.Conv2d(c, c, 3, stride=2 if down else 1, padding=1)})
    block.kind = "down" if down else "up"
    return block


def run(part, x, emb, context, fusion=None, size=None):
    """size: that the way up goes to; twice as large where there is none"""
    if isinstance(part, nn.Conv2d):
        return part(x)
    if part.kind == "up":
        return part["conv"](F.interpolate(x, size or [2 * n for n in x.shape[2:]], mode="nearest"))
    return {"res": lambda: run_res(part, x, emb), "attention": lambda: run_attention(part, x),
            "transformer": lambda: run_transformer(part, x, context, fusion), "down": lambda: part["op"](x)}[part.kind]()


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, layers, mult = config["model_channels"], config["num_res_blocks"], config.get("channel_mult", [1, 2, 4, 8])
        shift, updown, self.width = config.get("use_scale_shift_norm", False), config.get("resblock_updown", False), width
        time, of_head = 4 * width, config.get("num_head_channels", -1)
        heads = lambda c: c // of_head if of_head > 0 else config["num_heads"]
        attention = lambda c: (transformer(c, heads(c), config.get("transformer_depth", 1), config["context_dim"], config.get("fusion_dim"))
                               if config.get("use_spatial_transformer", False) else attention_block(c, heads(c)))
        size = lambda c, down: res_block(c, c, time, shift, "down" if down else "up") if updown else resampler(c, down)
        attends = lambda i: 2 ** i in config["attention_resolutions"]
        self.time_embed = nn.Sequential(nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time))
        blocks, kept, c = [[nn.Conv2d(config["in_channels"], width, 3, padding=1)]], [width], width
        for i, m in enumerate(mult):
            for _ in range(layers):
                blocks.append([res_block(c, m * width, time, shift)] + ([attention(m * width)] if attends(i) else []))
                c = m * width
                kept.append(c)
            if i < len(mult) - 1:
                blocks.append([size(c, True)])
                kept.append(c)
        self.input_blocks = nn.ModuleList(map(nn.ModuleList, blocks))
        self.middle_block = nn.ModuleList([res_block(c, c, time, shift), attention(c), res_block(c, c, time, shift)])
        blocks = []
        for i, m in reversed(list(enumerate(mult))):
            for j in range(layers + 1):
                block = [res_block(c + kept.pop(), m * width, time, shift)] + ([attention(m * width)] if attends(i) else [])
                c = m * width
                blocks.append(block + ([size(c, False)] if i > 0 and j == layers else []))
        self.output_blocks = nn.ModuleList(map(nn.ModuleList, blocks))
        self.out = nn.Sequential(nn.GroupNorm(32, c), nn.SiLU(), nn.Conv2d(c, config["out_channels"], 3, padding=1))

    def forward(self, x, timestep, context=None, fusion=None):
        half = self.width // 2
        phase = timestep.double()[:, None] * torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float64) / half)
        emb = self.time_embed(torch.cat([phase.cos(), phase.sin()], -1).to(x.dtype))
        kept = []
        for block in self.input_blocks:
            for part in block:
                x = run(part, x, emb, context, fusion)
            kept.append(x)
        for part in self.middle_block:
            x = run(part, x, emb, context, fusion)
        for block in self.output_blocks:
            x = torch.cat([x, kept.pop()], 1)
            for part in block:
                x = run(part, x, emb, context, fusion, kept[-1].shape[2:] if kept else None)
        return self.out(x)


@functools.lru_cache(maxsize=4)
def ours(config):
    with torch.device("meta"):
        return UNet(json.loads(config)).eval()


def ldm_shapes(config):
    return {k: tuple(v.shape) for k, v in ours(json.dumps(config)).state_dict().items()}


def ldm(x, config, weights):
    return dict(sample=torch.func.functional_call(ours(json.dumps(config)), weights, (x["sample"], x["timestep"], x.get("encoder_hidden_states"))))


KINDS = {"unet2d-condition": condition, "unet-ldm": ldm}
