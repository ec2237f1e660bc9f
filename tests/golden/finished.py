"""Folders of finished pictures, with every kind of file that Pillow reads and some that nobody can, and what `lacuna eval` is to find in them.

    python tests/golden/finished.py tests/golden/finished

writes images/, reference/, masks/ and expected.json below the folder named. Pictures are decoded by Pillow, values are those of NumPy, scikit-image and
torchmetrics, in double. Run with Pillow 13.0.0, NumPy 2.4.6, scikit-image 0.26.0, torchmetrics 1.9.0, torch 2.15.0.
"""
import io
import json
import os
import shutil
import struct
import sys
import zlib

import numpy as np
import torch
from PIL import Image
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

# ---- files ----


def smooth(seed, h, w, c=3):
    """Waves: small files, and something for every window to see."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:h, :w]
    planes = []
    for _ in range(c):
        a, b, p, q = rng.uniform(0.1, 0.5, 4)
        planes.append(127 + 70 * np.sin(a * x + 9 * p) + 50 * np.cos(b * y + 7 * q))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def near(a, seed):
    """A picture like a."""
    d = np.random.default_rng(seed).integers(-20, 21, a.shape)
    return np.clip(a.astype(int) + d, 0, 255).astype(np.uint8)


def scanlines(samples, bits):
    """samples [h, w, c] as PNG packs them, each row after filter byte 0."""
    h = samples.shape[0]
    if bits == 16:
        rows = samples.astype(">u2").reshape(h, -1).view(np.uint8)
    elif bits == 8:
        rows = samples.astype(np.uint8).reshape(h, -1)
    else:
        flat = samples.reshape(h, -1).astype(np.uint8)
        each = 8 // bits
        flat = np.pad(flat, ((0, 0), (0, -flat.shape[1] % each))).reshape(h, -1, each)
        rows = sum(flat[..., k] << (8 - bits * (k + 1)) for k in range(each)).astype(np.uint8)
    return b"".join(b"\0" + r.tobytes() for r in rows)


def png(samples, colour, bits, palette=None, trans=None, adam7=False):
    h, w = samples.shape[:2]
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)] if adam7 else [(0, 0, 1, 1)]
    data = b"".join(scanlines(part, bits) for part in (samples[y::dy, x::dx] for y, x, dy, dx in passes) if part.size)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colour, 0, 0, int(adam7)))
    if palette is not None:
        out += chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    if trans is not None:
        out += chunk(b"tRNS", trans)
    return out + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def pillow(a, kind, mode=None, **how):
    image = Image.fromarray(a)
    image = image.convert(mode) if mode else image
    to = io.BytesIO()
    image.save(to, kind, **how)
    return to.getvalue()


def awkward(seed):
    """Name and bytes of each kind of picture, all of 20 x 24."""
    a = smooth(seed, 20, 24)
    grey, alpha = a[..., :1], smooth(seed + 1, 20, 24, 1)
    palette = np.random.default_rng(seed).integers(0, 256, (256, 3))
    wide = a.astype(np.uint16) * 257
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "grey1.png", png(grey >> 7, 0, 1)
    yield "grey2.png", png(grey >> 6, 0, 2)
    yield "grey4.png", png(grey >> 4, 0, 4)
    yield "grey8.png", png(grey, 0, 8)
    yield "grey8-transparent.png", png(grey, 0, 8, trans=struct.pack(">H", int(grey[3, 3, 0])))
    yield "grey16.png", png(grey.astype(np.uint16) * 2 - 40 * (grey > 40), 0, 16)
    yield "grey16-transparent.png", png(grey.astype(np.uint16) + 3, 0, 16, trans=struct.pack(">H", 77))
    yield "grey-alpha8.png", png(np.concatenate([grey, alpha], -1), 4, 8)
    yield "grey-alpha16.png", png(np.concatenate([wide[..., :1], alpha.astype(np.uint16) * 200], -1), 4, 16)
    yield "rgb8.png", png(a, 2, 8)
    yield "rgb8-transparent.png", png(a, 2, 8, trans=struct.pack(">HHH", *(int(v) for v in a[4, 4])))
    yield "rgb16.png", png(wide + 31, 2, 16)
    yield "rgba8.png", png(np.concatenate([a, alpha], -1), 6, 8)
    yield "rgba16.png", png(np.concatenate([wide, alpha.astype(np.uint16) * 99], -1), 6, 16)
    for bits in (1, 2, 4, 8):
        yield f"palette{bits}.png", png(grey >> (8 - bits), 3, bits, palette[:1 << bits], trans=bytes([0, 128]))
    yield "interlaced.png", png(a, 2, 8, adam7=True)
    yield "interlaced-palette4.png", png(grey >> 4, 3, 4, palette[:16], adam7=True)
    yield "UPPER.PNG", png(a[::-1], 2, 8)
    yield "name.of.dots.png", png(a[:, ::-1], 2, 8)
    yield "a-b.png", png(255 - a, 2, 8)
    yield "a.png", png(a // 2, 2, 8)
    yield "jpeg-grey.jpg", pillow(a, "JPEG", "L", quality=90)
    yield "jpeg-420.JPG", pillow(a, "JPEG", quality=85, subsampling=2)
    yield "jpeg-422.jpeg", pillow(a, "JPEG", quality=85, subsampling=1)
    yield "jpeg-progressive.jpg", pillow(a, "JPEG", quality=80, progressive=True)
    yield "jpeg-turned.jpg", pillow(a, "JPEG", quality=90, exif=exif.tobytes())
    yield "jpeg-cmyk.jpg", pillow(a, "JPEG", "CMYK", quality=90)
    yield "deep/er/x.png", png(a, 2, 8)


def put(root, name, data):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def decode(data, mode="RGB"):
    image = Image.open(io.BytesIO(data))
    image.load()
    return np.array(image.convert(mode))


def make(root):
    images, reference, masks = (os.path.join(root, f) for f in ("images", "reference", "masks"))
    for folder in (images, reference, masks):
        shutil.rmtree(folder, ignore_errors=True)
    for k, (name, data) in enumerate(awkward(1)):
        put(images, name, data)
        stem = name.rsplit(".", 1)[0]
        put(reference, stem + ".png", png(near(decode(data), k), 2, 8))
        put(masks, name, list(awkward(40 + k))[k][1])           # masks of every kind of file too
    first = smooth(7, 30, 26)
    put(images, "identical.png", png(first, 2, 8))
    put(reference, "identical.png", pillow(first, "PNG"))
    put(images, "sizes.png", png(first, 2, 8))
    put(reference, "sizes.png", png(near(first, 3)[:28], 2, 8))
    put(masks, "sizes.png", png((first[..., :1] > 120) * np.uint8(255), 0, 8))
    put(images, "small.png", png(first[:9, :8], 2, 8))
    put(reference, "small.png", png(near(first[:9, :8], 4), 2, 8))
    put(masks, "small.png", png(np.full((9, 8, 1), 255, np.uint8), 0, 8))         # all hole
    put(images, "dot.png", png(first[:1, :1], 2, 8))
    put(reference, "dot.png", png(255 - first[:1, :1], 2, 8))
    put(masks, "dot.png", png(np.zeros((1, 1, 1), np.uint8), 0, 8))
    put(images, "mask-size.png", png(first, 2, 8))
    put(reference, "mask-size.png", png(near(first, 5), 2, 8))
    put(masks, "mask-size.png", png(first[:12, :13, :1], 0, 8))
    put(images, "corner.png", png(first, 2, 8))
    put(reference, "corner.png", png(near(first, 6), 2, 8))
    corner = np.zeros((30, 26, 1), np.uint8)
    corner[0, 0], corner[1, 1] = 128, 127
    put(masks, "corner.png", png(corner, 0, 8))
    large = smooth(8, 176, 181)
    put(images, "large.jpg", pillow(large, "JPEG", quality=70))
    put(reference, "large.jpg", pillow(np.roll(large, 1, 1), "JPEG", quality=40))
    put(masks, "large.png", png((smooth(9, 176, 181, 1) > 150).astype(np.uint8), 0, 1))
    whole = pillow(large, "JPEG", quality=70)
    put(images, "broken/jpeg.jpg", whole[:len(whole) // 2])
    put(reference, "broken/jpeg.jpg", whole)
    put(images, "broken/cut.png", png(first, 2, 8)[:-400])
    put(reference, "broken/cut.png", png(first, 2, 8))
    put(images, "broken/reference.png", png(first, 2, 8))
    put(reference, "broken/reference.png", b"")
    put(images, "broken/mask.png", png(first, 2, 8))
    put(reference, "broken/mask.png", png(near(first, 9), 2, 8))
    put(masks, "broken/mask.png", b"no picture at all")
    put(images, "only/image.png", png(first[:8], 2, 8))
    put(images, "only/words.png", b"words")
    put(reference, "only/reference.png", png(first[:6], 2, 8))
    put(masks, "only/mask.png", png(first[:6, :, :1], 0, 8))
    put(images, ".hidden.png", b"hidden")
    put(images, ".hidden/x.png", b"hidden")
    put(images, "notes.txt", b"no picture, and none that is meant to be")


# ---- values ----


def listing(folder):
    found = {}
    for at, dirs, names in os.walk(folder):
        dirs[:] = [d for d in dirs if not d.startswith(".")]
        for name in names:
            if not name.startswith(".") and name.lower().rsplit(".", 1)[-1] in ("png", "jpg", "jpeg"):
                path = os.path.relpath(os.path.join(at, name), folder)
                found[path.rsplit(".", 1)[0]] = path
    return found


def read(folder, path, mode):
    try:
        with open(os.path.join(folder, path), "rb") as f:
            return decode(f.read(), mode)
    except (OSError, SyntaxError):
        return None


def gaussian(n=11, sigma=1.5):
    g = np.exp(-(np.arange(n) - n // 2) ** 2 / (2 * sigma * sigma))
    return g / g.sum()


def ssim_map(a, b, variant):
    """The map of each channel and the picture's pixel that its first one is centred on."""
    if variant == "uniform7":
        full = structural_similarity(a, b, channel_axis=-1, data_range=255, full=True)[1]
        return full[3:-3, 3:-3], 3
    pad = {"valid": None, "zero": dict(mode="constant"), "reflect": dict(mode="reflect")}[variant]
    g = gaussian()

    def blur(x):
        x = np.pad(x, ((5, 5), (5, 5), (0, 0)), **pad) if pad else x
        x = sum(g[k] * x[k:x.shape[0] - 10 + k] for k in range(11))
        return sum(g[k] * x[:, k:x.shape[1] - 10 + k] for k in range(11))

    a, b = a.astype(float), b.astype(float)
    ma, mb = blur(a), blur(b)
    saa, sbb, sab = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
    if variant == "reflect":
        saa, sbb = np.maximum(saa, 0), np.maximum(sbb, 0)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return (2 * ma * mb + c1) * (2 * sab + c2) / ((ma * ma + mb * mb + c1) * (saa + sbb + c2)), 0 if pad else 5


def ssim(a, b, inside, variant):
    least = {"valid": 11, "reflect": 11, "uniform7": 7, "zero": 1}[variant]
    if min(a.shape[:2]) < least:
        return None
    m, margin = ssim_map(a, b, variant)
    cut = inside[margin:inside.shape[0] - margin or None, margin:inside.shape[1] - margin or None]
    return float(m[cut].mean()) if cut.any() else None


def tv(a, inside):
    x = a / 255.0
    across, down = inside[:, 1:] & inside[:, :-1], inside[1:] & inside[:-1]
    if not across.any() or not down.any():
        return None
    return float(np.abs(np.diff(x, axis=1))[across].mean() + np.abs(np.diff(x, axis=0))[down].mean())


def ms_ssim(a, b, variant):
    if min(a.shape[:2]) < 176:
        return None
    if variant == "reflect":
        x, y = (torch.tensor(v / 255.0).permute(2, 0, 1)[None] for v in (a, b))
        return multiscale_structural_similarity_index_measure(x, y, data_range=1.0, normalize="relu").item()
    value, a, b = 1.0, a.astype(float), b.astype(float)
    for k, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        whole = ssim_map(a, b, "valid")[0]
        value *= max(whole.mean() if k == 4 else contrast(a, b).mean(), 0) ** weight
        h, w = a.shape[0] // 2 * 2, a.shape[1] // 2 * 2
        a, b = (v[:h, :w].reshape(h // 2, 2, w // 2, 2, 3).mean((1, 3)) for v in (a, b))
    return float(value)


def contrast(a, b):
    g = gaussian()

    def blur(x):
        x = sum(g[k] * x[k:x.shape[0] - 10 + k] for k in range(11))
        return sum(g[k] * x[:, k:x.shape[1] - 10 + k] for k in range(11))

    ma, mb = blur(a), blur(b)
    c2 = (0.03 * 255) ** 2
    return (2 * (blur(a * b) - ma * mb) + c2) / (blur(a * a) - ma * ma + blur(b * b) - mb * mb + c2)


def resized(a, size, how):
    return np.array(Image.fromarray(a).resize((size, size), how)) if a.shape[:2] != (size, size) else a


def value_of(metric, a, b, mask, size):
    """None where it is undefined. a, b: pictures; mask: True in the hole, or None."""
    name, _, region = metric.partition("@")
    if size:
        a, b = (resized(v, size, Image.BICUBIC) for v in (a, b))
        mask = None if mask is None else resized(mask.astype(np.uint8), size, Image.NEAREST) > 0
    if name.startswith("brushnet"):
        a, b = (resized(v, 512, Image.BICUBIC) for v in (a, b))
        if mask is None:
            return None
        known = (resized(mask.astype(np.uint8), 512, Image.NEAREST) == 0)[..., None]
        if not known.any():
            return None
        mse = (((a / 255.0 - b / 255.0) * known) ** 2).sum() / known.sum()
        return float(mse) if name == "brushnet-mse" else 1000.0 if mse < 1e-10 else float(20 * np.log10(1 / np.sqrt(mse)))
    if a.shape != b.shape:
        return None
    if region and (mask is None or mask.shape != a.shape[:2]):
        return None
    inside = np.ones(a.shape[:2], bool) if not region else mask if region == "hole" else ~mask
    if not inside.any():
        return None
    x, y = a[inside] / 255.0, b[inside] / 255.0
    if name == "l1":
        return float(np.abs(x - y).mean())
    if name == "mse":
        return float(((x - y) ** 2).mean())
    if name == "psnr":
        return None if (x == y).all() else float(-10 * np.log10(((x - y) ** 2).mean()))
    if name == "tv":
        return tv(a, inside)
    if name.startswith("ms-ssim"):
        return ms_ssim(a, b, "reflect" if name.endswith("reflect") else "valid")
    return ssim(a, b, inside, name[5:] or "valid")


METRICS = ([m + r for m in ("l1", "mse", "psnr", "tv", "ssim", "ssim-zero", "ssim-reflect", "ssim-uniform7") for r in ("", "@hole", "@known")] +
           ["ssim-valid", "ms-ssim", "ms-ssim-reflect", "brushnet-psnr", "brushnet-mse"])


def expected(root, size):
    folder = {f: os.path.join(root, f) for f in ("images", "reference", "masks")}
    files = {f: listing(folder[f]) for f in folder}
    by_bytes = lambda ids: sorted(ids, key=os.fsencode)
    pictures = {f: {i: read(folder[f], p, "L" if f == "masks" else "RGB") for i, p in files[f].items()} for f in folder}
    pairs = by_bytes(i for i in files["images"] if pictures["images"].get(i) is not None and pictures["reference"].get(i) is not None)
    lines = []
    for i in pairs:
        mask = pictures["masks"].get(i)
        mask = None if mask is None else mask >= 128
        lines.append(dict(id=i, values={m: value_of(m, pictures["images"][i], pictures["reference"][i], mask, size) for m in METRICS}))
    metrics = {}
    for m in METRICS:
        values = [line["values"][m] for line in lines if line["values"][m] is not None]
        metrics[m] = dict(value=float(np.mean(values)) if values else None, n=len(values), undefined=[l["id"] for l in lines if l["values"][m] is None])
    other = {"images": "reference", "reference": "images", "masks": "images"}
    return dict(size=size, metrics=metrics, lines=lines, pairs=len(pairs),
                files={f: dict(found=len(files[f]), broken=[files[f][i] for i in by_bytes(files[f]) if pictures[f][i] is None],
                               unmatched=[files[f][i] for i in by_bytes(files[f]) if i not in files[other[f]]]) for f in folder})


def main(root):
    make(root)
    with open(os.path.join(root, "expected.json"), "w") as f:
        json.dump([expected(root, 0), expected(root, 40)], f, indent=0)
        f.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
