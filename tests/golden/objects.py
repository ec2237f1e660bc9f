"""Wrote objects/: small file sets in the layouts of COCO and OpenImages (the published one and FiftyOne's), one of CAT-Diffusion's lists, and objects/expected.json:
which objects the rule of data/object_list.h takes, their labels, groups and captions, SHA-256 of pictures as RGB bytes and of masks as bytes 0 and 1, by
pycocotools 2.0.11, Pillow 13.0.0 and NumPy 2.4.6."""
import csv, hashlib, json, os, shutil

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from pycocotools import mask as runs

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "objects")
shutil.rmtree(root, ignore_errors=True)
draw = np.random.default_rng(11)


def path(*parts):
    p = os.path.join(root, *parts)
    os.makedirs(os.path.dirname(p), exist_ok=True)
    return p


def picture(height, width):
    small = draw.integers(0, 256, ((height + 15) // 16, (width + 15) // 16, 3), dtype=np.uint8)
    return Image.fromarray(small.repeat(16, 0).repeat(16, 1)[:height, :width])


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array, dtype=np.uint8).tobytes()).hexdigest()


def fnv(text):
    h = 2166136261
    for b in text.encode():
        h = (h ^ b) * 16777619 & 0xffffffff
    return h


def chosen(objects, per_picture=1, limit=0):
    """objects: dicts of name, image, box (shares: left, top, right, bottom), mask."""
    left, out, count = [o for o in objects if .01 <= (o["box"][2] - o["box"][0]) * (o["box"][3] - o["box"][1]) <= .8], [], {}
    for o in sorted(left, key=lambda o: (fnv(o["name"]), o["name"].encode())):
        if count.get(o["image"], 0) < per_picture and (not limit or len(out) < limit) and o["mask"].mean() >= .005:
            count[o["image"]] = count.get(o["image"], 0) + 1
            out.append(o)
    return sorted(out, key=lambda o: (o["image"].encode(), o["name"].encode()))


def corners(o, width, height):
    return [int(v * s / u) for v, s, u in zip(o["raw"], (width, height) * 2, o["unit"] * 2)]


def record(o, image, box=False, size=0, dilate=0):
    image = image.convert("RGB")
    m = Image.fromarray(o["mask"] * 255)
    if dilate:
        m = m.filter(ImageFilter.MaxFilter(dilate))
    if size:
        image, m = image.resize((size, size), Image.BICUBIC), m.resize((size, size), Image.BICUBIC)
    else:
        m = m.resize(image.size, Image.NEAREST)
    if box:
        m = Image.new("L", image.size)
        x0, y0, x1, y1 = corners(o, *image.size)
        ImageDraw.Draw(m).rectangle([x0, y0, min(x1, image.width - 1), min(y1, image.height - 1)], fill=255)
    return {"name": o["name"], "label": o["label"], "image": o["image"], "pixels": sha(np.asarray(image)), "mask": sha(np.asarray(m) >= 128), "captions": o.get("captions", [])}


def grey_in_holes(objects, images, box):
    """Mean over the objects of 100 |x - 128| / 255 in the hole, at 512 x 512."""
    values = []
    for o in objects:
        image, m = images[o["image"]].convert("RGB").resize((512, 512), Image.BICUBIC), Image.fromarray(o["mask"] * 255).resize((512, 512), Image.BICUBIC)
        if box:
            m = Image.new("L", (512, 512))
            ImageDraw.Draw(m).rectangle([min(v, 511) for v in corners(o, 512, 512)], fill=255)
        values.append(100 / 255 * np.abs(np.asarray(image, dtype=np.float64) - 128)[np.asarray(m) >= 128].mean())
    return float(np.mean(values))


l1 = {}


def variants(objects, images):
    """images: name -> Image as decoded from its file."""
    def made(list_of, **how):
        return [record(o, images[o["image"]], **how) for o in list_of]
    one = chosen(objects)
    return {"segmentation": made(one), "box": made(one, box=True), "segmentation-48": made(one, size=48), "box-48": made(one, box=True, size=48), "dilate-5": made(one, dilate=5),
            "three-of-each": made(chosen(objects, 3)), "limit-4": made(chosen(objects, 3, 4)), "every": made(sorted(objects, key=lambda o: (o["image"], o["name"])))}


# ---- COCO ----

def polygon(cx, cy, rx, ry, n=7):
    a = np.sort(draw.uniform(0, 2 * np.pi, n))
    return [round(float(v), 2) for t in a for v in (cx + rx * np.cos(t), cy + ry * np.sin(t))]


def bounds(mask):
    y, x = np.nonzero(mask)
    return [int(x.min()), int(y.min()), int(x.max() - x.min() + 1), int(y.max() - y.min() + 1)]


def coco():
    sizes, images, annotations, objects = [(64, 96), (80, 60), (72, 72), (48, 90), (60, 64)], [], [], []
    categories = [{"id": 17, "name": "cat", "supercategory": "animal"}, {"id": 18, "name": "dog", "supercategory": "animal"}, {"id": 88, "name": "teddy bear", "supercategory": "indoor"}]
    said = []

    def add(image, h, w, segmentation, mask, box, crowd=0):
        ident, category = 900 + 7 * len(annotations), categories[len(annotations) % 3]
        annotations.append({"id": ident, "image_id": image["id"], "category_id": category["id"], "bbox": box, "area": float(mask.sum()), "iscrowd": crowd, "segmentation": segmentation})
        if not crowd:
            shares = [box[0] / w, box[1] / h, (box[0] + box[2]) / w, (box[1] + box[3]) / h]
            objects.append({"name": f"{image['file_name'][:-4]}_{ident}.png", "image": image["file_name"], "label": category["name"], "mask": mask.copy(), "box": shares,
                            "raw": [box[0], box[1], box[0] + box[2], box[1] + box[3]], "unit": (w, h)})

    def drawn(h, w, polygons):
        return runs.decode(runs.merge(runs.frPyObjects(polygons, h, w)))

    for k, (h, w) in enumerate(sizes):
        image = {"license": 1, "file_name": f"{139 + 146 * k:012d}.jpg", "coco_url": "", "height": h, "width": w, "id": 139 + 146 * k}
        images.append(image)
        picture(h, w).save(path("coco", "val2017", image["file_name"]), quality=90)
        p = [polygon(w * .4, h * .5, w * .25, h * .3)]
        add(image, h, w, p, drawn(h, w, p), [round(v + .37, 2) for v in bounds(drawn(h, w, p))[:2]] + bounds(drawn(h, w, p))[2:])
        p = [polygon(w * .2, h * .3, w * .12, h * .2), polygon(w * .7, h * .6, w * .2, h * .3, 9)]           # two pieces
        add(image, h, w, p, drawn(h, w, p), bounds(drawn(h, w, p)))
        m = np.zeros((h, w), np.uint8)
        m[h // 4:h // 2, w // 3:w - 5] = 1
        counts = [int(v) for v in np.diff(np.flatnonzero(np.diff(np.concatenate([[2], m.flatten("F"), [2]]))))]
        add(image, h, w, {"size": [h, w], "counts": ([0] if m.flatten("F")[0] else []) + counts}, m, bounds(m))          # a list of runs
        m = (draw.random((h, w)) < .3).astype(np.uint8)
        m[:, : w // 2] = 0
        add(image, h, w, {"size": [h, w], "counts": runs.encode(np.asfortranarray(m))["counts"].decode()}, m, bounds(m))          # runs as text
        m = np.zeros((h, w), np.uint8)
        m[3:6, 4:9] = 1
        add(image, h, w, {"size": [h, w], "counts": runs.encode(np.asfortranarray(m))["counts"].decode()}, m, bounds(m))          # too small a box
        m[:] = 0
        m[2, 3], m[h - 3, w - 4] = 1, 1
        add(image, h, w, {"size": [h, w], "counts": runs.encode(np.asfortranarray(m))["counts"].decode()}, m, [w // 4, h // 4, w // 2, h // 2])          # too little in it
        m[:] = 1
        add(image, h, w, {"size": [h, w], "counts": runs.encode(np.asfortranarray(m))["counts"].decode()}, m, [0, 0, w, h])          # too large a box
        add(image, h, w, {"size": [h, w], "counts": [h * w // 2, h * w - h * w // 2]}, m, [0, 0, w, h], 1)          # a crowd
        for i in range(2):
            said.append({"image_id": image["id"], "id": 500 - 10 * k - i, "caption": f"caption {i} of picture {k}"})
    for o in objects:
        k = [i["file_name"] for i in images].index(o["image"])
        o["said"] = [c["caption"] for c in sorted(said, key=lambda c: c["id"]) if c["image_id"] == images[k]["id"]]
    json.dump({"info": {}, "licenses": [], "images": images[::-1], "annotations": annotations, "categories": categories}, open(path("coco", "annotations", "instances_val2017.json"), "w"))
    json.dump({"info": {}, "images": images, "annotations": said}, open(path("coco", "annotations", "captions_val2017.json"), "w"))
    decoded = {i["file_name"]: Image.open(path("coco", "val2017", i["file_name"])) for i in images}
    found = variants(objects, decoded)
    found["captions"] = [record({**o, "captions": o["said"]}, decoded[o["image"]]) for o in chosen(objects)]
    for kind in ("box", "segmentation"):
        l1[f"catdiff-coco-{kind}"] = grey_in_holes(chosen(objects, 100, 9311), decoded, kind == "box")
    return found


# ---- OpenImages ----

SEGMENTS = "MaskPath,ImageID,LabelName,BoxID,BoxXMin,BoxXMax,BoxYMin,BoxYMax,PredictedIoU,Clicks".split(",")
BOXES = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside".split(",")
CLICKS = [f"XClick{k}{a}" for k in range(1, 5) for a in "XY"]
ROTATION = "ImageID,Subset,OriginalURL,OriginalLandingURL,License,AuthorProfileURL,Author,Title,OriginalSize,OriginalMD5,Thumbnail300KURL,Rotation".split(",")
CLASSES = [("/m/01yrx", "Cat"), ("/m/0bt9lr", "Dog"), ("/m/0kmg4", "Teddy bear"), ("/m/04_sv", "Motorcycle, or \"bike\"")]


def table(rows, header, *parts, quoting=csv.QUOTE_MINIMAL):
    with open(path(*parts), "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n", quoting=quoting)
        for row in ([header] if header else []) + rows:
            w.writerow(row)


def split_of(split, n):
    segments, boxes, rotation, objects, images, masks = [], [], [], [], {}, {}
    for k in range(n):
        ident = f"{int(draw.integers(0, 1 << 62)):016x}"
        ident = "0123456789abcdef"[(k * 5 + 10) % 16] + ident[1:]
        h, w = [(64, 48), (48, 72), (60, 60)][k % 3]
        images[ident] = picture(h, w)
        turned = ["", "0.0", "90.0"][k % 3]
        rotation.append([ident, split, "https://example.org/a.jpg", "https://example.org/a", "https://creativecommons.org/licenses/by/2.0/", "https://example.org/who",
                         f"Author, number {k}", "A title\nof two lines, with \"quotes\"" if k == 1 else "A title", 12345, "md5==", "", turned])
        for i, kind in enumerate(["", "", "group", "depiction", "tiny", "thin"]):
            name, label = CLASSES[(k + i) % 4]
            mh, mw = (h, w) if i != 1 else (h * 3 // 4, w * 3 // 4)          # of another size than the picture
            x0, y0 = draw.uniform(.05, .3, 2)
            x1, y1 = draw.uniform(.55, .9, 2)
            if kind == "tiny":
                x1, y1 = x0 + .05, y0 + .06
            y, x = np.mgrid[0:mh, 0:mw]
            m = ((((x + .5) / mw - (x0 + x1) / 2) / (x1 - x0) * 2) ** 2 + (((y + .5) / mh - (y0 + y1) / 2) / (y1 - y0) * 2) ** 2 < 1).astype(np.uint8)
            if kind == "thin":
                m[:] = 0
                m[mh // 2, mw // 2:mw // 2 + 3] = 1
            box_id = f"{int(draw.integers(0, 1 << 32)):08x}"
            mask = f"{ident}_{name[1:].replace('/', '')}_{box_id}.png"
            shown = [f"{v:.6f}" for v in (x0, x1, y0, y1)]
            extra = [f"{draw.uniform(.7, 1):.5f}"] if split == "train" else []
            segments.append([mask, ident, name, box_id, *shown, *extra, "0.5 0.5 0;0.25 0.75 1" if i % 2 else ""])
            flags = [0, 1, int(kind == "group"), int(kind == "depiction"), 0]
            boxes.append([ident, "xclick", name, 1, *[f"{v:.8f}" for v in (x0, x1, y0, y1)], *flags, *(["0.1"] * 8 if split == "train" else [])])
            boxes.append([ident, "xclick", name, 1, *[f"{v:.8f}" for v in (x0 * .9, x1, y0, y1)], 0, 0, 1, 1, 0, *(["0.1"] * 8 if split == "train" else [])])      # another thing of the class
            masks[mask] = Image.fromarray(m * 255).convert("1") if i % 2 else Image.fromarray(m * np.uint8(200) + (1 - m) * np.uint8(100))          # grey: above 122
            box = [float(v) for v in (shown[0], shown[2], shown[1], shown[3])]
            if kind not in ("group", "depiction"):
                objects.append({"name": mask, "image": ident, "label": dict(CLASSES)[name], "mask": m, "box": box, "raw": box, "unit": (1, 1), "id": box_id})
    boxes.append(["ffffffffffffffff", "xclick", "/m/01yrx", 1, "0.1", "0.2", "0.1", "0.2", -1, -1, -1, -1, -1, *(["0.1"] * 8 if split == "train" else [])])
    rotation.append(["ffffffffffffffff", split, "", "", "", "", "", "", 0, "", "", ""])
    return segments, boxes, rotation, objects, images, masks


def openimages():
    found = {}
    for split, n in (("validation", 4), ("train", 1)):
        segments, boxes, rotation, objects, images, masks = split_of(split, n)
        header = [c for c in SEGMENTS if split == "train" or c != "PredictedIoU"]
        box_header, first = BOXES + (CLICKS if split == "train" else []), "oidv6-" if split == "train" else ""
        table(segments, header, "openimages", f"{split}-annotations-object-segmentation.csv")
        table(boxes, box_header, "openimages", f"{first}{split}-annotations-bbox.csv")
        decoded = {}
        for ident, image in images.items():
            p = path("openimages", split, f"{ident}.jpg")
            image.save(p, quality=90)
            decoded[ident] = Image.open(p)
        for name, m in masks.items():
            m.save(path("openimages", f"{split}-masks-{name[0]}", name))
        found[split] = variants(objects, decoded)
        if split == "validation":
            for kind in ("box", "segmentation"):
                l1[f"catdiff-openimages-{kind}"] = grey_in_holes(chosen(objects, 1, 13400), decoded, kind == "box")
            table(rotation, ROTATION, "openimages", "validation-images-with-rotation.csv")
            fifty = "fiftyone", "validation"
            table(segments, header, *fifty, "labels", "segmentations.csv")
            table(boxes, box_header, *fifty, "labels", "detections.csv")
            table(rotation, ROTATION, *fifty, "metadata", "image_ids.csv", quoting=csv.QUOTE_ALL)
            table(CLASSES, None, *fifty, "metadata", "classes.csv")
            for ident in images:
                shutil.copy(path("openimages", split, f"{ident}.jpg"), path(*fifty, "data", f"{ident}.jpg"))
            for name in masks:
                shutil.copy(path("openimages", f"{split}-masks-{name[0]}", name), path(*fifty, "labels", "masks", name[0].upper(), name))
            taken = [objects[0], objects[5], objects[4]]
            with open(path("openimages_validation.txt"), "w") as f:
                for o in taken:
                    x, y, w, h = o["box"][0], o["box"][1], o["box"][2] - o["box"][0], o["box"][3] - o["box"][1]
                    o["raw"] = [x, y, x + w, y + h]
                    f.write(repr({"mask_image": f"/data/openimages/validation/labels/masks/{o['name'][0].upper()}/{o['name']}", "label": o["label"], "box_id": o["id"], "area": w * h,
                                  "box": [x, y, w, h], "image_id": o["image"], "image": f"/data/openimages/validation/data/{o['image']}.jpg"}) + "\n")
            found["listed"] = [record(o, decoded[o["image"]], box=True, size=48) for o in taken]
            found["authors"] = {r[0]: r[6] for r in rotation}
    table(CLASSES, ["LabelName", "DisplayName"], "openimages", "oidv6-class-descriptions.csv")
    return found


json.dump({"coco": coco(), "openimages": openimages(), "l1": l1}, open(path("expected.json"), "w"), indent=1)
