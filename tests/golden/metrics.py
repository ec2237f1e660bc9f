"""Writes metrics.json: values of the pixel metrics on two pairs of pictures that the test makes by the same formulas.

Written with Python 3.11, numpy 2.4.6, scipy 1.17.1, scikit-image 0.26.0, torch 2.15.0, torchmetrics 1.9.0.
Run: python tests/golden/metrics.py tests/golden/metrics.json
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure, total_variation


def formula(k, h, w):
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(3), indexing="ij")
    return ((3 * x * x + 5 * y * y + 7 * x * y + 11 * c * x + 13 * y + 17 * c + 31 * k) >> 4) & 255


def noise(seed, h, w):
    i = np.arange(h * w * 3, dtype=np.uint64).reshape(h, w, 3)
    v = (seed + i * 0x9E3779B9) & 0xFFFFFFFF
    v ^= v >> 16
    v = v * 0x85EBCA6B & 0xFFFFFFFF
    v ^= v >> 13
    v = v * 0xC2B2AE35 & 0xFFFFFFFF
    v ^= v >> 16
    return (v >> 24).astype(np.int64)


def ssim_maps(a, b):
    """name -> (map [h, w, 3], margin)"""
    scale = dict(data_range=255, channel_axis=2, full=True)
    valid = structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, **scale)[1]
    box = structural_similarity(a, b, **scale)[1]
    ta, tb = (torch.tensor(v, dtype=torch.float64).permute(2, 0, 1)[None] for v in (a, b))
    reflect = structural_similarity_index_measure(ta, tb, data_range=255.0, return_full_image=True)[1]
    g = torch.exp(-(torch.arange(11, dtype=torch.float64) - 5) ** 2 / 4.5)
    g = g / g.sum()
    k = (g[:, None] * g[None, :]).expand(3, 1, 11, 11)
    blur = lambda v: F.conv2d(v, k, padding=5, groups=3)
    ma, mb = blur(ta), blur(tb)
    saa, sbb, sab = blur(ta * ta) - ma * ma, blur(tb * tb) - mb * mb, blur(ta * tb) - ma * mb
    c1, c2 = 2.55 ** 2, 7.65 ** 2
    zero = (2 * ma * mb + c1) * (2 * sab + c2) / ((ma ** 2 + mb ** 2 + c1) * (saa + sbb + c2))
    chw = lambda v: v[0].permute(1, 2, 0).numpy()
    return {"ssim": (valid, 5), "ssim-zero": (chw(zero), 0), "ssim-reflect": (chw(reflect), 0), "ssim-uniform7": (box, 3)}


def tv(a, inside):
    d = a.astype(np.float64) / 255
    dx = np.abs(d[:, 1:] - d[:, :-1])[inside[:, 1:] & inside[:, :-1]]
    dy = np.abs(d[1:] - d[:-1])[inside[1:] & inside[:-1]]
    return dx.mean() + dy.mean()


def values(a, b, hole):
    a8, b8 = a.astype(np.uint8), b.astype(np.uint8)
    maps = ssim_maps(a8, b8)
    out = {}
    for region, inside in (("", np.ones_like(hole)), ("@hole", hole), ("@known", ~hole)):
        x, y = a[inside] / 255.0, b[inside] / 255.0
        out["l1" + region] = np.abs(x - y).mean()
        out["l1-pm1" + region] = np.abs((2 * x - 1) - (2 * y - 1)).mean()
        out["l1-percent" + region] = 100 * np.abs(x - y).mean()
        out["mse" + region] = mean_squared_error(x, y)
        out["l2-pm1" + region] = (((2 * x - 1) - (2 * y - 1)) ** 2).mean()
        out["l2-percent" + region] = 100 * ((x - y) ** 2).mean()
        out["psnr" + region] = peak_signal_noise_ratio(y, x, data_range=1)
        out["tv" + region] = tv(a, inside)
        for name, (m, margin) in maps.items():
            h, w = hole.shape
            cut = (slice(margin, h - margin), slice(margin, w - margin))
            out[name + region] = m[cut][inside[cut]].mean()
    known = (~hole)[..., None]
    out["brushnet-mse"] = (((a - b) / 255.0 * known) ** 2).sum() / known.sum()
    out["brushnet-psnr"] = 20 * np.log10(1 / np.sqrt(out["brushnet-mse"]))
    ta = torch.tensor(a / 255.0).permute(2, 0, 1)[None]
    n, m = a[:, 1:].size, a[1:].size               # torchmetrics sums; with one sum over each direction it checks both
    total = np.abs(np.diff(a / 255.0, axis=1)).sum() + np.abs(np.diff(a / 255.0, axis=0)).sum()
    assert abs(total_variation(ta).item() - total) < 1e-6 * total and n > 0 and m > 0
    return {k: float(v) for k, v in out.items()}


def main(path):
    a = formula(0, 48, 64)
    b = (3 * a + formula(1, 48, 64) + 2) // 4
    hole = np.zeros((48, 64), bool)
    hole[10:30, 20:50] = True
    c, d = noise(1, 23, 31), noise(2, 23, 31)
    y, x = np.mgrid[:23, :31]
    result = {"formula 48x64": values(a, b, hole), "noise 23x31": values(c, d, (x * x + 2 * y) % 7 < 3)}
    with open(path, "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")


main(sys.argv[1])
