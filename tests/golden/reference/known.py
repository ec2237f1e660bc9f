"""The deterministic numbers that the known answers for DeepFill v2 are stated on: exact in float32, no generator state."""
import numpy as np
import torch


def mix(x):
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def r(n, salt):
    """n float32 in [-1, 1)"""
    seed = (0x9E3779B9 * (salt + 1)) & 0xFFFFFFFF
    with np.errstate(over="ignore"):
        bits = mix(np.arange(n, dtype=np.uint32) + np.uint32(seed)) >> np.uint32(8)
    return (bits.astype(np.float64) / 2.0**23 - 1).astype(np.float32)


def nhwc(n, h, w, c, salt):
    """r of that salt laid out [n,h,w,c], as NCHW"""
    return torch.from_numpy(r(n * h * w * c, salt).reshape(n, h, w, c)).permute(0, 3, 1, 2).contiguous()


def hwio(o, i, k, salt, scale):
    """a kernel flattened HWIO, as OIHW"""
    w = (r(k * k * i * o, salt) * np.float32(scale)).reshape(k, k, i, o)
    return torch.from_numpy(w).permute(3, 2, 0, 1).contiguous()


def box(h, w, top, bottom, left, right):
    mask = torch.zeros(1, 1, h, w)
    mask[:, :, top:bottom + 1, left:right + 1] = 1
    return mask


def generator_params(shapes):
    params = {}
    for layer, name in enumerate(k[:-7] for k in shapes if k.endswith(".weight")):
        o, i, k, _ = shapes[f"{name}.weight"]
        params[f"{name}.weight"] = hwio(o, i, k, layer, 1.8 * np.sqrt(3 / (k * k * i)))
        params[f"{name}.bias"] = torch.from_numpy(r(o, 1000 + layer) * np.float32(0.1))
    return params


def discriminator_params(shapes):
    params = {}
    for layer in range(6):
        o, i, k, _ = shapes[f"conv{layer + 1}.weight"]
        params[f"conv{layer + 1}.weight"] = hwio(o, i, k, 2000 + layer, np.sqrt(3 / (k * k * i)))
        params[f"conv{layer + 1}.bias"] = torch.from_numpy(r(o, 2100 + layer) * np.float32(0.1))
        params[f"conv{layer + 1}.u"] = torch.from_numpy(r(o, 2200 + layer))
    return params
