"""Writes opencv.safetensors: pictures resized by OpenCV's cubic, its own code, not Intel's IPP.

    in.HxW              u8 [H, W, 3]
    in.HxW.HxW          u8: to the second size

Made with OpenCV 5.0.0, NumPy 2.4.6, safetensors 0.8.0.
"""
import pathlib

import cv2
import numpy as np
from safetensors.numpy import save_file

cv2.setUseOptimized(False)
cv2.ipp.setUseIPP(False)
rng = np.random.default_rng(12)
out = {}
for h, w in [(1, 1), (2, 3), (17, 17), (40, 40), (31, 60)]:
    picture = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)        # noise: every rounding counts, and overshoot is clamped
    out[f"in.{h}x{w}"] = picture
    for to in [(32, 32), (h, w), (7, 13), (61, 24)]:
        out[f"in.{h}x{w}.{to[0]}x{to[1]}"] = cv2.resize(picture, to[::-1], interpolation=cv2.INTER_CUBIC)
save_file(out, pathlib.Path(__file__).with_suffix(".safetensors"))
