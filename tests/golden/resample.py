"""Writes resample.safetensors: images resized by Pillow, planes resized by PyTorch and by torch-fidelity's TF1 form.

    in.C, in.F                  u8 [H, W, C] for C = 1, 3, 4; f32 [H, W]
    FILTER.C.HxW.first          u8: Pillow < 13, horizontal pass first (both passes called one by one)
    FILTER.C.HxW.13             u8: Pillow 13's own order
    FILTER.F.HxW.13             f32 [H, W], mode "F"
    x                           f32 [planes, H, W]
    MODE.HxW                    f32 [planes, H, W]

Made with Pillow 13.0.0, PyTorch 2.15.0 (CPU), torch-fidelity 0.4.0, NumPy 2.4.6, safetensors 0.8.0.
"""
import pathlib
import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x as tf1

rng = np.random.default_rng(11)
out = {}
h, w = 17, 21
noisy = rng.integers(0, 256, (h, w, 4)).astype(np.uint8)        # noise: every rounding counts, and overshoot is clamped
noisy[3:9, 4:11] = (255, 0, 255, 0)
noisy[9:14, 8:20, 3] = 255
modes = {1: "L", 3: "RGB", 4: "RGBA"}
filters = {k.lower(): getattr(Image.Resampling, k) for k in ("NEAREST", "BOX", "BILINEAR", "HAMMING", "BICUBIC", "LANCZOS")}


def horizontal_first(image, width, height, f):
    if f == Image.Resampling.NEAREST or image.size == (width, height):
        return image.resize((width, height), f)
    if image.mode == "RGBA":
        return horizontal_first(image.convert("RGBa"), width, height, f).convert("RGBA")
    return image.resize((width, image.height), f).resize((width, height), f)


for c, mode in modes.items():
    a = np.ascontiguousarray(noisy[..., :c])
    out[f"in.{c}"] = a
    image = Image.fromarray(a[..., 0] if c == 1 else a, mode)
    for name, f in filters.items():
        for th, tw in (6, 23), (8, 9), (20, 24), (17, 5), (1, 21), (17, 21):
            if (c == 1 and name != "bicubic" and th != 8) or (c == 3 and th == 20) or (c == 4 and th == 8):
                continue
            out[f"{name}.{c}.{th}x{tw}.first"] = np.array(horizontal_first(image, tw, th, f)).reshape(th, tw, c)
            if th < h:
                out[f"{name}.{c}.{th}x{tw}.13"] = np.array(image.resize((tw, th), f)).reshape(th, tw, c)

plane = rng.normal(0, 100, (h, w)).astype(np.float32)
out["in.F"] = plane
for name, f in filters.items():
    for th, tw in (6, 23), (8, 9), (20, 24), (17, 5):
        out[f"{name}.F.{th}x{tw}.13"] = np.array(Image.fromarray(plane, "F").resize((tw, th), f))

x = torch.from_numpy(rng.normal(0, 1, (2, 7, 9)).astype(np.float32))
out["x"] = x.numpy()
for size in (4, 5), (12, 15), (7, 20), (3, 9), (1, 1):
    for mode in "bilinear", "bicubic":
        for antialias in False, True:
            y = torch.nn.functional.interpolate(x[None], size=size, mode=mode, antialias=antialias, align_corners=False)[0]
            out[f"{mode}{'_aa' if antialias else ''}.{size[0]}x{size[1]}"] = np.ascontiguousarray(y.numpy())
    out[f"tf1.{size[0]}x{size[1]}"] = np.ascontiguousarray(tf1(x[None], size=size, align_corners=False)[0].numpy())

path = pathlib.Path(__file__).with_name("resample.safetensors")
save_file(out, path, {"made_by": "resample.py, Pillow 13.0.0, PyTorch 2.15.0"})
path.chmod(0o644)
