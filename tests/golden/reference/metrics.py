"""Reference of the pixel metrics and of Pillow's resampling: NumPy in double, Pillow itself, PyTorch's convolution."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

FILTERS = dict(nearest=Image.NEAREST, box=Image.BOX, bilinear=Image.BILINEAR, hamming=Image.HAMMING, bicubic=Image.BICUBIC,
               lanczos=Image.LANCZOS)


def pil_resize(image, config):
    """Pillow >= 13 chooses the order of its passes; two calls, one axis each, fix it to horizontal first."""
    pixels = image.numpy()
    mode = {(torch.float32, 1): "F", (torch.uint8, 1): "L", (torch.uint8, 3): "RGB", (torch.uint8, 4): "RGBA"}[
        (image.dtype, pixels.shape[2])]
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels, mode)
    size, kind = (config["width"], config["height"]), FILTERS[config.get("filter", "bicubic")]
    if config.get("passes", "horizontal-first") == "pillow-13":
        picture = picture.resize(size, kind)
    else:
        if mode == "RGBA":
            picture = picture.convert("RGBa")
        picture = picture.resize((size[0], picture.height), kind).resize(size, kind)
        if mode == "RGBA":
            picture = picture.convert("RGBA")
    return torch.from_numpy(np.array(picture).reshape(size[1], size[0], pixels.shape[2]))


def selected(shape, mask, region):
    """[N,H,W] bool"""
    if region == "whole":
        return np.ones(shape[:3], bool)
    hole = mask.numpy() != 0
    return hole if region == "hole" else ~hole


def ratio(total, count):
    return total / count if count > 0 else math.nan


def per_image(values):
    return torch.tensor(values, dtype=torch.float64)


def pixel_error(kind, inputs, config):
    """mse, l1, psnr"""
    a, b = (inputs[k].numpy().astype(np.float64) for k in ("image", "reference"))
    brushnet = config.get("variant") == "brushnet"
    region = selected(a.shape, inputs.get("mask"), "known" if brushnet else config.get("region", "whole"))
    scale = 255 / config.get("range", 1)
    out = []
    for d, inside in zip((a - b) / scale, region):
        e = (np.abs(d) if kind == "l1" else d * d)[inside].sum()
        e = ratio(e, inside.sum() * (1 if brushnet else 3))
        if kind == "psnr" and not math.isnan(e):
            if brushnet:
                e = 1000.0 if e < 1e-10 else 20 * math.log10(1 / math.sqrt(e))
            else:
                e = 10 * math.log10(1 / e) if e > 0 else math.nan
        out.append(e)
    return per_image(out)


def total_variation(inputs, config):
    x = inputs["image"].numpy().astype(np.float64) * config.get("range", 1) / 255
    region, out = selected(x.shape, inputs.get("mask"), config.get("region", "whole")), []
    for picture, inside in zip(x, region):
        value = 0.0
        for axis in (0, 1):
            size = picture.shape[axis]
            both = inside.take(range(1, size), axis) & inside.take(range(size - 1), axis)
            value += ratio(np.abs(np.diff(picture, axis=axis))[both].sum(), both.sum() * 3)
        out.append(value)
    return per_image(out)


def window(variant):
    if variant == "uniform7":
        return torch.full((7,), 1 / 7, dtype=torch.float64)
    g = torch.exp(-((torch.arange(11, dtype=torch.float64) - 5) ** 2) / (2 * 1.5**2))
    return g / g.sum()


def ssim_maps(a, b, variant):
    """The map of pictures [N, C, H, W] and its second factor, contrast and structure."""
    g = window(variant)
    border = len(g) // 2

    def blur(x):
        if variant == "zero":
            x = F.pad(x, (border,) * 4)
        elif variant == "reflect":
            x = F.pad(x, (border,) * 4, mode="reflect")
        n, c, h, w = x.shape
        return F.conv2d(x.reshape(n * c, 1, h, w), (g[:, None] * g[None])[None, None]).reshape(n, c, h - 2 * border, w - 2 * border)

    mu_a, mu_b = blur(a), blur(b)
    bias = 49 / 48 if variant == "uniform7" else 1
    var_a, var_b, cov = (bias * (blur(x) - m) for x, m in ((a * a, mu_a**2), (b * b, mu_b**2), (a * b, mu_a * mu_b)))
    if variant == "reflect":
        var_a, var_b = var_a.clamp(min=0), var_b.clamp(min=0)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    second = (2 * cov + c2) / (var_a + var_b + c2)
    return (2 * mu_a * mu_b + c1) / (mu_a**2 + mu_b**2 + c1) * second, second


def pictures(inputs):
    return (inputs[k].double().permute(0, 3, 1, 2) for k in ("image", "reference"))


def ssim(inputs, config):
    variant = config.get("variant", "valid")
    values, _ = ssim_maps(*pictures(inputs), variant)
    border = len(window(variant)) // 2
    inside = torch.from_numpy(selected(inputs["image"].shape, inputs.get("mask"), config.get("region", "whole")))
    if variant in ("valid", "uniform7"):
        inside = inside[:, border:-border, border:-border]
    return per_image([ratio(v[:, i].sum().item(), 3 * i.sum().item()) for v, i in zip(values, inside)])


def ms_ssim(inputs, config):
    variant, value = config.get("variant", "valid"), 1.0
    a, b = pictures(inputs)
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        values, second = ssim_maps(a, b, variant)
        if scale < 4:
            values = second[..., 5:-5, 5:-5] if variant == "reflect" else second
        value = value * values.mean((1, 2, 3)).clamp(min=0) ** weight
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return per_image([v.item() for v in value])
