"""Wrote layouts/: a small file set of each layout that `lacuna pack` reads of benchmarks and shards, and layouts/expected.json, what Pillow and NumPy
find in them: names, splits, prompts, SHA-256 of the pictures' RGB bytes and of the masks as bytes 0 and 1; and the mean l1 in per cent of grey in the
holes, at the protocols' 512 x 512. Pillow 13.0.0, NumPy 2.4.6."""
import csv, hashlib, io, json, os, shutil, tarfile

import numpy as np
from PIL import Image

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layouts")
shutil.rmtree(root, ignore_errors=True)
draw = np.random.default_rng(5)
expected = {}


def path(*parts):
    p = os.path.join(root, *parts)
    os.makedirs(os.path.dirname(p), exist_ok=True)
    return p


def picture(height, width):
    """Blocks of colour, so that files stay small."""
    small = draw.integers(0, 256, ((height + 31) // 32, (width + 31) // 32, 3), dtype=np.uint8)
    return Image.fromarray(small.repeat(32, 0).repeat(32, 1)[:height, :width])


def blob(height, width):
    """An ellipse away from the border."""
    y, x = np.mgrid[0:height, 0:width]
    cy, cx = draw.uniform(.35, .65) * height, draw.uniform(.35, .65) * width
    return (((y - cy) / (height * draw.uniform(.1, .3))) ** 2 + ((x - cx) / (width * draw.uniform(.1, .3))) ** 2 < 1).astype(np.uint8)


def pairs(mask, order):
    """Runs of ones, (start, length) with start from 1; order "C" row by row, "F" column by column."""
    flat = np.concatenate([[0], mask.flatten(order), [0]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(flat))
    return [int(v) for a, b in zip(edges[::2], edges[1::2]) for v in (a + 1, b - a)]


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array, dtype=np.uint8).tobytes()).hexdigest()


def record(name, split, image, captions=(), masks=()):
    return {"name": name, "split": split, "pixels": sha(np.asarray(image.convert("RGB"))), "captions": list(captions), "masks": [sha(m) for m in masks]}


def grey_in(hole, image):
    """100 |x - 128| / 255, over the hole."""
    return float(100 / 255 * np.abs(np.asarray(image.convert("RGB"), dtype=np.float64) - 128)[hole != 0].mean())


def mean_l1(name, value):
    expected.setdefault("l1", {}).setdefault(name, []).append(value)


def saved(image, *parts):
    image.save(path(*parts), quality=90)
    return Image.open(path(*parts))


def brushbench():
    mapping = {}
    for i, caption in enumerate(["a red fox, \"asleep\"", "två hus på en kulle", "a bowl of fruit"]):
        key, inside = f"{i:09d}", blob(512, 512)
        outside = 1 - blob(512, 512)                    # not the rest of the other
        image = saved(picture(512, 512), "brushbench", "images", key + ".jpg")
        mapping[key] = {"image": f"images/{key}.jpg", "caption": caption, "inpainting_mask": pairs(inside, "C"), "outpainting_mask": pairs(outside, "C"), "artist": None}
        expected.setdefault("inside", []).append(record(key, "test", image, [caption], [inside]))
        expected.setdefault("outside", []).append(record(key, "test", image, [caption], [outside]))
        mean_l1("brushbench-inside", grey_in(inside, image))
        mean_l1("brushbench-outside", grey_in(outside, image))
    with open(path("brushbench", "mapping_file.json"), "w") as f:
        json.dump(mapping, f)


def editbench():
    for half, white in ("natural", True), ("generated", False):
        with open(path("editbench", f"annotations_{half}.csv"), "w", newline="", encoding="utf-8") as f:
            out = csv.writer(f)
            out.writerow(["aos", "prompt_full", "prompt_mask-simple", "prompt_mask-rich"])
            for i in range(2):
                aos, full, simple = f"{half[0]}{i}", f'a "cat", {half}\nand {i} more', f"a cat {i}"
                out.writerow([aos, full, simple, ""])
                mask = blob(96, 96)
                image = saved(picture(96, 96), "editbench", f"references_{half}", aos + ".png")
                stored = saved(Image.fromarray((mask if white else 1 - mask) * 255), "editbench", f"masks_{half}", aos + ".png")
                small = np.asarray(stored.resize((40, 40), Image.NEAREST)) >= 128
                expected.setdefault("editbench", []).append(record(f"{half}/{aos}", "test", image, [full], [mask]))
                expected.setdefault("editbench-40", []).append(record(f"{half}/{aos}", "test", image.resize((40, 40), Image.BICUBIC), [simple], [small == white]))
                large = np.asarray(stored.resize((512, 512), Image.NEAREST)) >= 128
                mean_l1("editbench", grey_in(large == white, image.resize((512, 512), Image.BICUBIC)))


def member(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def brushdata():
    for shard in range(2):
        with tarfile.open(path("brushdata", f"{shard:05d}.tar"), "w", format=tarfile.GNU_FORMAT if shard else tarfile.PAX_FORMAT) as tar:
            for i in range(2):
                key, masks = f"{shard * 10000 + i:09d}", [blob(40, 56) for _ in range(2 * i)]
                bytes_ = io.BytesIO()
                picture(40, 56).save(bytes_, "PNG" if i else "JPEG")
                caption = f"shard {shard}, picture {i}: blå"
                fields = {"image": bytes_.getvalue(), "caption": caption.encode(), "height": b"40", "width": b"56", "url": b"http://nowhere", "original_key": b"7",
                          "segmentation": json.dumps({"mask": [pairs(m, "F") for m in masks]}).encode(), "aesthetic_score": b"5.5"}
                for field in sorted(fields):
                    member(tar, f"{key}.{field}", fields[field])
                expected.setdefault("brushdata", []).append(record(key, "train", Image.open(io.BytesIO(bytes_.getvalue())), [caption], masks))


def lists():
    """Places365's list of validation pictures, with categories; CelebA-HQ's data256x256, numbered from 1, with a list of LaMa's that counts from 0."""
    for i in 1, 2, 3:
        name = f"Places365_val_{i:08d}.jpg"
        image = saved(picture(40, 64), "places", "val_large", name)
        if i != 2:
            expected.setdefault("places", []).append(record(name, "places365_val", image))
    with open(path("places", "places365_val.txt"), "w") as f:
        f.write("Places365_val_00000001.jpg 165\nPlaces365_val_00000003.jpg 9\n")
    faces = [saved(picture(32, 32), "celebahq", "data256x256", f"{i:05d}.jpg") for i in (1, 2, 3)]
    with open(path("celebahq", "test.flist"), "w") as f:
        f.write("2.jpg\n0.jpg\n")
    expected["celebahq"] = [record("2.jpg", "test", faces[2]), record("0.jpg", "test", faces[0])]


def lama():
    for name, n in ("b", 1), ("a", 2):
        image = saved(picture(48, 48), "lama", "random_thick_512", f"{name}_crop000.png")
        for k in range(n):
            mask = blob(48, 48)
            Image.fromarray(mask * 255).save(path("lama", "random_thick_512", f"{name}_crop000_mask{k:03d}.png"))
            expected.setdefault("lama", []).append(record(f"random_thick_512/{name}_crop000_mask{k:03d}.png", "train", image, [], [mask]))
    expected["lama"].sort(key=lambda r: r["name"])


brushbench()
editbench()
brushdata()
lists()
lama()
expected["l1"] = {name: sum(values) / len(values) for name, values in expected["l1"].items()}
with open(path("expected.json"), "w", encoding="utf-8") as f:
    json.dump(expected, f, indent=1, ensure_ascii=False)
