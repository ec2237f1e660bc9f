"""COCO's masks, boxes and key points, by pycocotools 2.0.11: expected(case), and the cases."""
import atexit
import contextlib
import io
import json
import pathlib
import shutil
import tempfile

import numpy
import torch

from kinds import Case

FILES = pathlib.Path(__file__).resolve().parents[1] / "coco"
KINDS = ("rle", "polygon-mask", "iou", "segmentation-score", "oks", "coco-ap")
SIGMAS = [s / 10 for s in (.26, .25, .25, .35, .35, .79, .79, .72, .72, .62, .62, 1.07, 1.07, .87, .87, .89, .89)]


def tool():
    from pycocotools import mask
    return mask


def encoded(mask):
    return tool().encode(numpy.asfortranarray((mask != 0).astype(numpy.uint8)))


def counts_of(mask):
    flat, counts, value = (mask != 0).astype(int).T.ravel(), [0], 0
    for pixel in flat:
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return counts


def size_of(rle):
    box = tool().toBbox(rle) if tool().area(rle) else numpy.zeros(4)
    return dict(area=torch.tensor(int(tool().area(rle))), bbox=torch.tensor(box, dtype=torch.float64))


def rle(case):
    x, c = case.inputs, case.config
    if c.get("op", "encode") == "encode":
        mask = x["mask"].numpy()
        made = encoded(mask)
        return dict(counts=torch.tensor(counts_of(mask)), string=torch.tensor(list(made["counts"]), dtype=torch.uint8), **size_of(made))
    h, w = c["height"], c["width"]
    if c.get("layout") == "brushbench":
        mask = numpy.zeros(h * w, numpy.uint8)
        for start, length in x["counts"].view(-1, 2).tolist():
            mask[start - 1:start - 1 + length] = 1
        mask = mask.reshape(h, w)
        return dict(mask=torch.tensor(mask), **size_of(encoded(mask)))
    if "counts" in x:
        made = tool().frPyObjects(dict(size=[h, w], counts=x["counts"].tolist()), h, w)
    else:
        made = dict(size=[h, w], counts=bytes(x["string"].tolist()))
    return dict(mask=torch.tensor(tool().decode(made)), **size_of(made))


def polygon_mask(case):
    h, w = case.config["height"], case.config["width"]
    made = tool().merge(tool().frPyObjects([v.tolist() for v in case.inputs.values()], h, w))
    return dict(mask=torch.tensor(tool().decode(made)), area=torch.tensor(int(tool().area(made))))


def iou(case):
    x = case.inputs
    n, m = len(x["a"]), len(x["b"])
    crowd = x.get("crowd", torch.zeros(m, dtype=torch.uint8)).tolist()
    if not n or not m:
        return dict(iou=torch.zeros(n, m, dtype=torch.float64))
    if case.config["kind"] == "box":
        return dict(iou=torch.tensor(tool().iou(x["a"].double().numpy(), x["b"].double().numpy(), crowd)))
    return dict(iou=torch.tensor(tool().iou([encoded(v.numpy()) for v in x["a"]], [encoded(v.numpy()) for v in x["b"]], crowd)))


def segmentation_score(case):
    a, b = (case.inputs[k].flatten(1) != 0 for k in ("prediction", "reference"))
    both, either = (a & b).sum(1).double(), (a | b).sum(1).double()
    one = lambda i, u: torch.where(u == 0, torch.ones_like(u), i / u.clamp(min=1))
    each = one(both, either)
    total = one(both.sum(), either.sum()) if len(a) else torch.tensor(float("nan"), dtype=torch.float64)
    above = torch.stack([(each > t).double().mean() for t in (.5, .6, .7, .8, .9)])
    return dict(iou=each, m_iou=each.mean(), c_iou=total, p_at=above)


def oks(case):
    from pycocotools.cocoeval import COCOeval
    x, values = case.inputs, None
    n, m = len(x["prediction"]), len(x["reference"])
    judge = COCOeval(iouType="keypoints")
    judge.params.kpt_oks_sigmas = numpy.array(case.config.get("sigmas", SIGMAS))
    judge.params.maxDets = [n]
    judge._gts = {(1, 1): [dict(keypoints=x["reference"][i].flatten().tolist(), bbox=x["bbox"][i].tolist(), area=x["area"][i].item()) for i in range(m)]}
    judge._dts = {(1, 1): [dict(keypoints=p.flatten().tolist(), score=-i) for i, p in enumerate(x["prediction"])]}
    values = judge.computeOks(1, 1) if n and m else numpy.zeros((n, m))
    return dict(oks=torch.tensor(numpy.array(values), dtype=torch.float64))


def coco_ap(case):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(case.config["ground_truth"]))
        judge = COCOeval(truth, truth.loadRes(str(case.config["detections"])), case.config.get("iou_type", "bbox"))
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return dict(stats=torch.tensor(judge.stats))


def expected(case):
    made = {"rle": rle, "polygon-mask": polygon_mask, "iou": iou, "segmentation-score": segmentation_score, "oks": oks, "coco-ap": coco_ap}[case.kind](case)
    return {k: v.contiguous() for k, v in made.items()}


# ---- inputs, of a Maker

def blobs(m, n, h, w):
    """Masks with structure: smooth noise above a level, some empty, some full."""
    masks = (m.smooth(n, 1, max(h, 2), max(w, 2))[:, 0, :h, :w] > m.choose(-0.3, 0.0, 0.4)).to(torch.uint8) * m.choose(1, 255)
    for i in range(n):
        if m.int(0, 7) == 0:
            masks[i] = m.choose(0, 7)
    return masks


def polygon(m, h, w):
    k = m.choose(3, 4, 6, 11)
    points = torch.stack([m.uniform(k, low=-0.2 * w, high=1.2 * w), m.uniform(k, low=-0.2 * h, high=1.2 * h)], 1).double()
    how = m.int(0, 3)
    return (points.round() if how == 0 else (points * 10).round() / 10 if how == 1 else points).flatten()


def boxes(m, n, size=40.0):
    return torch.cat([m.uniform(n, 2, low=-5, high=size), m.uniform(n, 2, low=0, high=size)], 1).double()


def people(m, n):
    points = m.uniform(n, 17, 3, low=0, high=60).double()
    points[..., 2] = torch.randint(0, 3, (n, 17), generator=m.g).double()
    return points


def text_of(mask):
    return torch.tensor(list(encoded(mask.numpy())["counts"]), dtype=torch.uint8)


def runs(m, name, how, size):
    """how: encode, counts, string, pairs"""
    h, w = size
    mask = blobs(m, 1, h, w)[0]
    if how == "encode":
        return Case("rle", name, dict(mask=mask))
    config = dict(op="decode", height=h, width=w)
    if how == "pairs":
        n = m.int(0, 6)
        starts = sorted(m.int(0, max(h * w - 1, 0)) for _ in range(n))
        pairs = [[s + 1, m.int(0, h * w - s)] for s in starts]
        return Case("rle", name, dict(counts=torch.tensor(pairs, dtype=torch.int64).view(-1)), dict(config, layout="brushbench"))
    given = dict(counts=torch.tensor(counts_of(mask.numpy()))) if how == "counts" else dict(string=text_of(mask))
    return Case("rle", name, given, config)


def drawn(m, name, n, size):
    return Case("polygon-mask", name, {f"polygon.{i}": polygon(m, *size) for i in range(n)}, dict(height=size[0], width=size[1]))


def pairwise(m, name, kind, n, k, crowd, size=(13, 17)):
    make = (lambda n: boxes(m, n)) if kind == "box" else lambda n: blobs(m, n, *size)
    inputs = dict(a=make(n), b=make(k))
    if crowd:
        inputs["crowd"] = torch.randint(0, 2, (k,), generator=m.g, dtype=torch.uint8)
    return Case("iou", name, inputs, dict(kind=kind))


def score(m, name, n, size):
    a = blobs(m, n, *size)
    noise = (torch.rand(a.shape, generator=m.g) < m.choose(0.02, 0.2)).to(torch.uint8)
    return Case("segmentation-score", name, dict(prediction=a, reference=((a != 0).to(torch.uint8) ^ noise)))


def similarity(m, name, n, k, config=None):
    x, y = people(m, n), people(m, k)
    for i in range(min(n, k)):                      # one near each
        x[i, :, :2] = y[i, :, :2] + m.normal(17, 2, scale=m.choose(0.5, 3)).double()
    if k:
        y[k - 1, :, 2] = 0                          # none labelled
    return Case("oks", name, dict(prediction=x, reference=y, area=m.uniform(k, low=50, high=4000).double(), bbox=boxes(m, k, 60.0)), config or {})


# ---- whole files of detections

def instances(m, sort, n_images=4, n_categories=3, per_image=7):
    """(ground truth, detections) as COCO writes them."""
    h, w = 60, 80
    images = [dict(id=100 - 7 * i, file_name=f"{i}.jpg", height=h, width=w) for i in range(n_images)]
    truth, found = [], []
    for image in images:
        for _ in range(m.int(0, per_image)):
            truth.append(dict(id=len(truth) + 1, image_id=image["id"], category_id=3 * m.int(1, n_categories), **thing(m, sort, h, w)))
            for _ in range(m.int(0, 2)):
                found.append(guess(m, sort, truth[-1], h, w))
        for _ in range(m.int(0, 2)):
            found.append(guess(m, sort, dict(thing(m, sort, h, w, crowd=False), image_id=image["id"], category_id=3 * m.int(1, n_categories)), h, w))
    found = found or [guess(m, sort, dict(thing(m, sort, h, w, crowd=False), image_id=images[0]["id"], category_id=3), h, w)]
    categories = [dict(id=3 * k, name=f"thing {k}") for k in range(1, n_categories + 2)]
    return dict(images=images, annotations=truth, categories=categories), found


def thing(m, sort, h, w, crowd=None):
    crowd = m.int(0, 6) == 0 if crowd is None else crowd
    if sort == "keypoints":
        points = people(m, 1)[0]
        labelled = int((points[:, 2] > 0).sum()) if m.int(0, 5) else 0
        points[:, 2] *= labelled > 0
        return dict(keypoints=points.flatten().tolist(), num_keypoints=labelled, iscrowd=int(crowd), area=m.int(200, 12000), bbox=[5, 5, 50, 50])
    if sort == "segm":
        mask = numpy.zeros((h, w), numpy.uint8)
        top, left = m.int(0, h - 12), m.int(0, w - 12)
        mask[top:top + m.int(4, h - top), left:left + m.int(4, w - left)] = 1
        form = m.choose("polygon", "counts", "string") if not crowd else "counts"
        ys, xs = mask.nonzero()
        x0, y0, x1, y1 = int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
        made = ([[x0 + .3, y0, x1, y0 + 1.2, x1 - .5, y1, x0, y1 - .7]] if form == "polygon" else
                dict(size=[h, w], counts=counts_of(mask)) if form == "counts" else dict(size=[h, w], counts=encoded(mask)["counts"].decode()))
        return dict(segmentation=made, iscrowd=int(crowd), area=float(mask.sum()), bbox=[x0, y0, x1 - x0, y1 - y0])
    box = [round(v, 1) for v in boxes(m, 1, m.choose(30.0, 60.0, 120.0))[0].tolist()]
    return dict(bbox=box, area=box[2] * box[3], iscrowd=int(crowd), segmentation=[])


def guess(m, sort, of, h, w):
    d = dict(image_id=of["image_id"], category_id=of["category_id"], score=m.int(1, 20) / 20)
    if sort == "keypoints":
        points = torch.tensor(of["keypoints"]).view(17, 3)
        points[:, :2] += m.normal(17, 2, scale=m.choose(0.5, 2.0, 5.0))
        points[:, 2] = 1
        return dict(d, keypoints=points.flatten().tolist())
    if sort == "segm":
        rle = of["segmentation"]
        rle = tool().merge(tool().frPyObjects(rle, h, w)) if isinstance(rle, list) else tool().frPyObjects(rle, h, w) if isinstance(rle["counts"], list) else rle
        mask = numpy.roll(tool().decode(rle), m.int(-2, 2), m.int(0, 1))
        return dict(d, segmentation=dict(size=[h, w], counts=encoded(mask)["counts"].decode()))
    return dict(d, bbox=[round(v + m.normal(1, scale=1.5).item(), 1) for v in of["bbox"][:2]] + [max(round(v + m.normal(1, scale=2).item(), 1), 0.5) for v in of["bbox"][2:]])


def scored(m, name, sort, folder=None, **more):
    if folder is None:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="coco-"))
        atexit.register(shutil.rmtree, folder)
    folder.mkdir(exist_ok=True)
    truth, found = instances(m, sort, **more)
    paths = {k: folder / f"{name}-{k}.json" for k in ("truth", "found")}
    paths["truth"].write_text(json.dumps(truth) + "\n")
    paths["found"].write_text(json.dumps(found) + "\n")
    return Case("coco-ap", name, {}, dict(ground_truth=paths["truth"], detections=paths["found"], iou_type=sort))


def fresh(m, kind, name):
    size = m.int(1, 40), m.int(1, 40)
    if kind == "rle":
        return runs(m, name, m.choose("encode", "counts", "string", "pairs"), size)
    if kind == "polygon-mask":
        return drawn(m, name, m.int(1, 4), size)
    if kind == "iou":
        return pairwise(m, name, m.choose("mask", "box"), m.int(0, 6), m.int(0, 6), m.int(0, 1))
    if kind == "segmentation-score":
        return score(m, name, m.choose(1, 2, 3, 7), size)
    if kind == "oks":
        return similarity(m, name, m.int(0, 4), m.int(0, 4), m.choose({}, dict(sigmas=[.05] * 17)))
    return scored(m, name, m.choose("bbox", "segm", "keypoints"), n_images=m.int(1, 6), n_categories=m.int(1, 4), per_image=m.choose(1, 4, 9, 30))


FRESH = {kind: lambda m, name, kind=kind: fresh(m, kind, name) for kind in KINDS}


def committed(m):
    for how in ("encode", "counts", "string", "pairs"):
        yield runs(m, how, how, (9, 14))
        yield runs(m, f"{how}-tall", how, (33, 2))
        yield runs(m, f"{how}-pixel", how, (1, 1))
    yield Case("rle", "empty", dict(mask=torch.zeros(6, 5, dtype=torch.uint8)))
    yield Case("rle", "full", dict(mask=torch.ones(6, 5, dtype=torch.uint8)))
    yield Case("rle", "long-runs", dict(counts=torch.tensor([20, 1, 300, 70, 3, 6])), dict(op="decode", height=16, width=25))
    for i, n in enumerate((1, 2, 3)):
        yield drawn(m, f"of-{n}", n, (21 + 6 * i, 32))
    yield Case("polygon-mask", "outside", {"polygon.0": torch.tensor([-9., -9, -2, -9, -4, -1], dtype=torch.float64)}, dict(height=7, width=5))
    yield Case("polygon-mask", "a-line", {"polygon.0": torch.tensor([1., 1, 4, 4, 1, 1], dtype=torch.float64)}, dict(height=7, width=6))
    yield Case("polygon-mask", "f32", {"polygon.0": torch.tensor([0.5, 0.5, 4, 0.5, 4, 5])}, dict(height=7, width=6))
    for kind in ("mask", "box"):
        yield pairwise(m, f"{kind}-plain", kind, 4, 3, False)
        yield pairwise(m, f"{kind}-crowd", kind, 3, 5, True)
        yield pairwise(m, f"{kind}-none", kind, 0, 2, False)
    yield score(m, "plain", 5, (12, 9))
    yield score(m, "one", 1, (5, 5))
    empty = torch.zeros(2, 4, 4, dtype=torch.uint8)
    yield Case("segmentation-score", "empty", dict(prediction=empty, reference=empty.clone()))
    yield Case("segmentation-score", "no-mask", dict(prediction=empty[:0].clone(), reference=empty[:0].clone()))
    yield similarity(m, "plain", 3, 4)
    yield similarity(m, "sigmas", 2, 2, dict(sigmas=[.1 + .01 * k for k in range(17)]))
    yield similarity(m, "none", 0, 2)
    for sort in ("bbox", "segm", "keypoints"):
        yield scored(m, sort, sort, FILES, n_images=3, per_image=4)
    yield scored(m, "one-image", "bbox", FILES, n_images=1, n_categories=1, per_image=30)


def failing(m):
    mask = torch.ones(3, 4, dtype=torch.uint8)
    wrong = lambda name, fails, inputs, **config: Case("rle", name, inputs, config, fails=fails)
    text = lambda s: torch.tensor(list(s.encode()), dtype=torch.uint8)
    yield wrong("sum", "12", dict(counts=torch.tensor([4, 9])), op="decode", height=3, width=4)
    yield wrong("sum-small", "11", dict(counts=torch.tensor([4, 7])), op="decode", height=3, width=4)
    yield wrong("negative", "-1", dict(counts=torch.tensor([4, -1, 9])), op="decode", height=3, width=4)
    yield wrong("string-sum", "30", dict(string=text("8330003")), op="decode", height=6, width=5)
    yield wrong("string-cut", "string", dict(string=text("833000P")), op="decode", height=6, width=5)
    yield wrong("string-letter", "string", dict(string=text("83 30004")), op="decode", height=6, width=5)
    yield wrong("string-long", "13", dict(string=text("o" * 20)), op="decode", height=6, width=5)
    yield wrong("both", "counts", dict(counts=torch.tensor([12]), string=text("<")), op="decode", height=3, width=4)
    yield wrong("neither", "counts", {}, op="decode", height=3, width=4)
    yield wrong("no-mask", "mask", dict(counts=torch.tensor([12])))
    yield wrong("mask-decoded", "mask", dict(mask=mask), op="decode", height=3, width=4)
    yield wrong("no-height", "height", dict(counts=torch.tensor([12])), op="decode", width=4)
    yield wrong("too-large", "height", dict(counts=torch.tensor([12])), op="decode", height=1 << 20, width=1 << 20)
    yield wrong("pairs-encoded", "brushbench", dict(mask=mask), layout="brushbench")
    yield wrong("pairs-odd", "pairs", dict(counts=torch.tensor([1, 2, 3])), op="decode", layout="brushbench", height=3, width=4)
    yield wrong("pairs-from-0", "pair 0", dict(counts=torch.tensor([0, 2])), op="decode", layout="brushbench", height=3, width=4)
    yield wrong("pairs-beyond", "pair 1", dict(counts=torch.tensor([1, 2, 12, 2])), op="decode", layout="brushbench", height=3, width=4)
    polygon = lambda name, fails, *points: Case("polygon-mask", name, {"polygon.0": torch.tensor(points, dtype=torch.float64)}, dict(height=9, width=9), fails=fails)
    yield polygon("four", "4", 1, 1, 5, 5)
    yield polygon("odd", "7", 1, 1, 5, 5, 2, 8, 3)
    yield polygon("nan", "nan", 1, 1, 5, float("nan"), 2, 8)
    yield polygon("far", "number 2", 1, 1, 1e9, 5, 2, 8)
    good = torch.tensor([1., 1, 5, 5, 2, 8], dtype=torch.float64)
    yield Case("polygon-mask", "gap", {"polygon.0": good, "polygon.2": good.clone()}, dict(height=9, width=9), fails="polygon.1")
    yield Case("polygon-mask", "none", {}, dict(height=9, width=9), fails="polygon.0")
    yield Case("polygon-mask", "no-width", {"polygon.0": good}, dict(height=9), fails="width")
    yield Case("iou", "sizes", dict(a=mask[None].clone(), b=mask[None, :, :3].clone()), dict(kind="mask"), fails="'b'")
    yield Case("iou", "boxes-as-masks", dict(a=boxes(m, 2), b=boxes(m, 2)), dict(kind="mask"), fails="'a'")
    yield Case("iou", "of-five", dict(a=boxes(m, 2), b=m.uniform(2, 5).double()), dict(kind="box"), fails="'b'")
    yield Case("iou", "crowd", dict(a=boxes(m, 2), b=boxes(m, 2), crowd=torch.zeros(3, dtype=torch.uint8)), dict(kind="box"), fails="crowd")
    yield Case("segmentation-score", "sizes", dict(prediction=mask[None].clone(), reference=mask[None, :2].clone()), fails="reference")
    base = similarity(m, "", 2, 3)
    yield Case("oks", "points", dict(base.inputs, prediction=m.uniform(2, 16, 3).double()), fails="prediction")
    yield Case("oks", "areas", dict(base.inputs, area=m.uniform(2).double()), fails="area")
    yield Case("oks", "sigmas", base.inputs, dict(sigmas=[.1] * 16), fails="sigmas")
    yield from failing_files(m)


def failing_files(m):
    """Each breaks one thing of a good pair of files."""
    def broken(name, fails, sort, truth=None, found=None):
        case = scored(m, f"bad-{name}", sort, FILES, n_images=2, per_image=3)
        for key, change in (("ground_truth", truth), ("detections", found)):
            if change is not None:
                content = json.loads(case.config[key].read_text())
                case.config[key].write_text(json.dumps(change(content)) + "\n")
        case.name, case.fails = name, fails
        return case

    def put(k, field, value, of=None):
        def change(content):
            record = (content[of] if of else content)[k]
            record.pop(field, None)
            if value is not None:
                record[field] = value
            return content
        return change

    yield broken("no-area", "annotations[0]", "bbox", truth=put(0, "area", None, "annotations"))
    yield broken("short-box", "bbox", "bbox", truth=put(0, "bbox", [1, 2, 3], "annotations"))
    yield broken("unknown-image", "image_id", "bbox", found=put(0, "image_id", 5))
    yield broken("no-score", "score", "bbox", found=put(0, "score", None))
    yield broken("image-twice", "images[1]", "bbox", truth=put(1, "id", 100, "images"))
    yield broken("odd-polygon", "segmentation[0]", "segm", truth=put(0, "segmentation", [[1, 2, 3, 4, 5, 6, 7]], "annotations"))
    yield broken("short-runs", "4800", "segm", truth=put(0, "segmentation", dict(size=[60, 80], counts=[17, 4]), "annotations"))
    yield broken("points", "keypoints", "keypoints", found=put(0, "keypoints", [1, 2, 3]))
    yield broken("no-list", "list", "bbox", found=lambda content: {})
    yield broken("no-images", "images", "bbox", truth=lambda content: dict(content, images=None))
    cut = scored(m, "bad-cut", "bbox", FILES, n_images=1)
    cut.config["ground_truth"].write_text(cut.config["ground_truth"].read_text()[:-9])
    cut.name, cut.fails = "cut", "line"
    yield cut
    yield Case("coco-ap", "no-file", {}, dict(ground_truth=FILES / "none.json", detections=FILES / "none.json"), fails="none.json")
