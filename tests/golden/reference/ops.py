"""Reference of the single ops, losses, optimizers and schedules that `lacuna probe` offers, in PyTorch."""
import math

import torch
import torch.nn.functional as F

import deepfill


def pair(v):
    return (v, v) if isinstance(v, int) else tuple(v)


def amounts(x, kernel, config, default):
    """[top, bottom, left, right]"""
    padding = config.get("padding", default)
    stride, dilation = pair(config.get("stride", 1)), pair(config.get("dilation", 1))
    if padding == "valid":
        return [0] * 4
    if padding == "same":
        return [p for i in (0, 1) for p in deepfill.same_padding(x.shape[2 + i], kernel[i], stride[i], dilation[i])]
    if isinstance(padding, list) and len(padding) == 4:
        return padding
    (h, w) = pair(padding)
    return [h, h, w, w]


def border_index(n, before, after, mode):
    """Where each element of the padded axis comes from."""
    at = []
    for i in range(-before, n + after):
        if mode == "replicate":
            at.append(min(max(i, 0), n - 1))
        elif mode == "reflect":             # edge not repeated
            at.append(-i if i < 0 else i if i < n else 2 * (n - 1) - i)
        else:                               # symmetric: edge repeated
            at.append(-i - 1 if i < 0 else i if i < n else 2 * n - 1 - i)
    return torch.tensor(at)


def pad(x, amount, mode):
    top, bottom, left, right = amount
    if mode == "zeros":
        return F.pad(x, (left, right, top, bottom))
    rows, columns = border_index(x.shape[2], top, bottom, mode), border_index(x.shape[3], left, right, mode)
    return x[:, :, rows][:, :, :, columns]


def conv2d(x, weight, bias, config, padding=0):
    x = pad(x, amounts(x, weight.shape[2:], config, padding), config.get("pad_mode", "zeros"))
    return F.conv2d(x, weight, bias, pair(config.get("stride", 1)), 0, pair(config.get("dilation", 1)), config.get("groups", 1))


def gated_conv(x, weight, bias, config):
    if config.get("upsample", False):
        x = deepfill.replicate2(x)
    feature, gate = conv2d(x, weight, bias, config, "same").chunk(2, 1)
    act = {"elu": F.elu, "relu": F.relu}[config.get("activation", "elu")]
    return act(feature) * torch.sigmoid(gate)


def resize(x, config):
    size, mode, align = (config["height"], config["width"]), config.get("mode", "bilinear"), config.get("align_corners", False)
    if mode == "nearest":
        rows, columns = (deepfill.nearest_index(n, m, align) for n, m in zip(x.shape[2:], size))
        return x[:, :, rows][:, :, :, columns]
    if mode == "area":
        return F.adaptive_avg_pool2d(x, size)
    return F.interpolate(x, size, mode=mode, align_corners=align)


def torch_resize(x, config):
    return F.interpolate(x, (config["height"], config["width"]), mode=config.get("mode", "bilinear"),
                         align_corners=False, antialias=config.get("antialias", False))


def l1(pred, target, mask, config):
    e, region = (pred - target).abs(), config.get("region", "all")
    if region == "all":
        return e.mean()
    w = (mask if region == "hole" else 1 - mask).expand(pred.shape[0], -1, -1, -1)
    return (e * w).sum() / (pred.shape[1] * w.sum() + 1e-12)


def adam(kind, inputs, config):
    """Both forms, decay before (adamw) or inside the gradient (adam), the exponent t0 + i dt."""
    (b1, b2), lr, eps = config.get("betas", [0.9, 0.999]), config.get("lr", 1e-3), config.get("eps", 1e-8)
    decay = config.get("weight_decay", 0.01 if kind == "adamw" else 0)
    p = inputs["param"]
    m, v = inputs.get("m", torch.zeros_like(p)), inputs.get("v", torch.zeros_like(p))
    for i in range(sum(k.startswith("grad_") for k in inputs)):
        g, t = inputs[f"grad_{i}"], config.get("t0", 1) + i * config.get("dt", 1)
        if kind == "adamw":
            p = p * (1 - lr * decay)
        else:
            g = g + decay * p
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        if config.get("form", "torch") == "tf":
            p = p - lr * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (v.sqrt() + eps)
        else:
            p = p - lr / (1 - b1**t) * m / (v.sqrt() / math.sqrt(1 - b2**t) + eps)
    return dict(param=p, m=m, v=v)


def schedule(steps, config):
    kind, lr, warmup = config.get("kind", "constant"), config.get("lr", 1e-4), config.get("warmup", 0)
    total, final, gamma = config.get("total", 0), config.get("final", 0), config.get("gamma", 0.1)

    def at(s):
        if s < warmup:
            return lr * s / warmup
        if kind == "step":
            return lr * gamma ** (s // config["every"])
        if kind == "multistep":
            return lr * gamma ** sum(m <= s for m in config["milestones"])
        if kind == "constant":
            return lr
        q = min((s - warmup) / (total - warmup), 1)
        return lr + (final - lr) * q if kind == "linear" else final + (lr - final) * (1 + math.cos(math.pi * q)) / 2

    return torch.tensor([at(int(s)) for s in steps], dtype=torch.float64)
