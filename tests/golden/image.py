"""Writes image.safetensors: small PNG and JPEG files and the bytes Pillow decodes them to.

    NAME.file   u8 [n]          the file
    NAME.C      u8 [H, W, C]    open(file).convert("L" | "RGB" | "RGBA") for C = 1, 3, 4

Made with Pillow 13.0.0 (libjpeg-turbo 3.2.0), NumPy 2.4.6, safetensors 0.8.0. PNG kinds that Pillow does not write
(interlaced, 2-bit, 16-bit colour) are put together here. For 16-bit grey the expected value is the high byte.
"""
import io, pathlib, struct, zlib
import numpy as np
from PIL import Image
from safetensors.numpy import save_file

out = {}
rng = np.random.default_rng(7)


def picture(h, w, c):
    y, x, k = np.mgrid[0:h, 0:w, 0:c]
    smooth = 127 + 90 * np.sin(x / 5 + k) * np.cos(y / 7 - k) + rng.normal(0, 12, (h, w, c))
    return smooth.clip(0, 255).astype(np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_rows(a, depth):
    """[H, W, C] integers into PNG rows of filter 0, `depth` bits a sample."""
    rows = b""
    for row in a.reshape(a.shape[0], -1):
        if depth == 16:
            line = row.astype(">u2").tobytes()
        else:
            bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8).reshape(-1)
            line = np.packbits(bits).tobytes()
        rows += b"\0" + line
    return rows


def png(a, colour, depth, interlaced=False, extra=b""):
    h, w = a.shape[:2]
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [a[y::dy, x::dx] for y, x, dy, dx in passes] if interlaced else [a]
    data = b"".join(pack_rows(p, depth) for p in parts if p.size)
    head = struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def put(name, file, modes=(1, 3, 4), grey16=None):
    out[name + ".file"] = np.frombuffer(file, np.uint8)
    for c in modes:
        a = np.array(Image.open(io.BytesIO(file)).convert({1: "L", 3: "RGB", 4: "RGBA"}[c]))
        if grey16 is not None:
            a = np.dstack([grey16] * min(c, 3) + [np.full_like(grey16, 255)] * (c == 4))
        out[f"{name}.{c}"] = np.ascontiguousarray(a.reshape(a.shape[0], a.shape[1], c))


h, w = 13, 11
for depth in (1, 2, 4, 8):
    put(f"png.grey{depth}", png(rng.integers(0, 1 << depth, (h, w, 1)), 0, depth))
wide = rng.integers(0, 1 << 16, (h, w, 4))
put("png.grey16", png(wide[..., :1], 0, 16), grey16=(wide[..., 0] >> 8).astype(np.uint8))
put("png.grey8_interlaced", png(picture(h, w, 1), 0, 8, True))
put("png.grey8_key", png(picture(h, w, 1) & 0xF0, 0, 8, extra=chunk(b"tRNS", struct.pack(">H", 0x80))))
put("png.grey_alpha8", png(picture(h, w, 2), 4, 8))
put("png.grey_alpha16", png(wide[..., :2], 4, 16))
put("png.rgb8", png(picture(h, w, 3), 2, 8))
put("png.rgb16", png(wide[..., :3], 2, 16))
put("png.rgb8_interlaced", png(picture(h, w, 3), 2, 8, True))
put("png.rgb16_interlaced", png(wide[..., :3], 2, 16, True))
flat = picture(h, w, 3) & 0xC0
put("png.rgb8_key", png(flat, 2, 8, extra=chunk(b"tRNS", struct.pack(">HHH", *map(int, flat[5, 5])))))
put("png.rgb8_gamma", png(picture(h, w, 3), 2, 8, extra=chunk(b"gAMA", struct.pack(">I", 100000))))
put("png.rgba8", png(picture(h, w, 4), 6, 8))
put("png.rgba16", png(wide, 6, 16))
put("png.rgba8_interlaced", png(picture(h, w, 4), 6, 8, True))
for depth in (1, 2, 4, 8):
    n = 1 << depth
    colours = chunk(b"PLTE", rng.integers(0, 256, 3 * n).astype(np.uint8).tobytes())
    alphas = chunk(b"tRNS", rng.integers(0, 256, n - 1).astype(np.uint8).tobytes())
    index = rng.integers(0, n, (h, w, 1))
    put(f"png.palette{depth}", png(index, 3, depth, depth == 4, colours))
    put(f"png.palette{depth}_alpha", png(index, 3, depth, False, colours + alphas))
filtered = io.BytesIO()                     # Pillow chooses among the five row filters
Image.fromarray(picture(24, 21, 3)).save(filtered, "PNG")
put("png.filtered", filtered.getvalue(), (3,))


def jpeg(name, image, modes=(3,), **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    put("jpeg." + name, file.getvalue(), modes)


photo = picture(23, 29, 3)
photo[7:16, 8:20] = (250, 20, 30)         # hard coloured edges: chroma upsampling shows there
rgb = Image.fromarray(photo)
jpeg("grey", rgb.convert("L"), (1, 3, 4), quality=85)
for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
    jpeg(name, rgb, (1, 3, 4) if sampling == 2 else (3,), quality=80, subsampling=sampling)
jpeg("progressive", rgb, quality=75, progressive=True)
jpeg("restart", rgb, quality=75, restart_marker_rows=1)
jpeg("rgb", rgb, quality=75, keep_rgb=True)
jpeg("cmyk", Image.fromarray(picture(21, 26, 4), "CMYK"), (1, 3, 4), quality=85)
turned = Image.Exif()
turned[0x0112] = 6
jpeg("orientation", rgb, exif=turned, quality=60)
out["source.photo"] = photo                 # what a JPEG encoder of ours is compared on
whole = io.BytesIO()
rgb.save(whole, "JPEG", quality=85)
out["source.quality85"] = np.frombuffer(whole.getvalue(), np.uint8)

path = pathlib.Path(__file__).with_name("image.safetensors")
save_file(out, path, {"made_by": "image.py, Pillow 13.0.0"})
path.chmod(0o644)
