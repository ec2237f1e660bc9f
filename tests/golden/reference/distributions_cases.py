"""Cases of the kinds of reference/distributions.py and inception.py: committed, failing, fresh."""
import torch

import drawn
import inception


def features(m, n, d, shift=0.0, scale=1.0):
    """Not of one size in every direction, and above 0 more than below, as behind a rectifier."""
    return (m.normal(n, d) @ (m.normal(d, d) / d ** 0.5) * scale + 0.4 + shift).relu() + 0.01 * m.normal(n, d)


def two_sets(m, name, kind, config=None, n=40, other=None, d=6, dtype=None):
    inputs = {"features.a": features(m, n, d), "features.b": features(m, other or n, d, 0.2, 1.3)}
    return m.finish(kind, name, inputs, config, grad=False, dtype=dtype)


def given(x, s):
    """As a cache of statistics has it."""
    x = x.double()
    return {f"mu.{s}": x.mean(0), f"sigma.{s}": torch.cov(x.T)}


def frechet_moments(m, name, n=60, other=50, d=7, both=True):
    a, b = features(m, n, d), features(m, other, d, 0.2)
    return m.finish("frechet", name, {**(given(a, "a") if both else {"features.a": a}), **given(b, "b")}, grad=False)


def scores(m, name, config=None, n=45, classes=11, scale=2.0, **more):
    return m.finish("inception-score", name, dict(logits=m.normal(n, classes, scale=scale)), config, grad=False, **more)


def committed(m):
    yield two_sets(m, "plain", "frechet", other=31)
    yield two_sets(m, "ddof-0", "frechet", dict(ddof=0))
    yield two_sets(m, "fewer-than-features", "frechet", n=9, other=14, d=32)
    yield two_sets(m, "one-is-singular", "frechet", n=40, other=5, d=12)
    yield two_sets(m, "two-samples", "frechet", n=2, other=3, d=1)
    yield two_sets(m, "double", "frechet", dtype=torch.float64)
    yield frechet_moments(m, "moments")
    yield frechet_moments(m, "singular-moments", n=6, other=40, d=10)
    yield frechet_moments(m, "features-and-moments", both=False)
    same = two_sets(m, "", "frechet", d=5)
    same.inputs["features.b"] = same.inputs["features.b"] * 0 + same.inputs["features.b"][0]
    yield m.finish("frechet", "all-samples-equal", same.inputs, grad=False)
    many = two_sets(m, "large", "frechet", n=150, other=140, d=70)
    yield many

    small = dict(subsets=5, subset_size=16)
    yield two_sets(m, "poly", "kid", small, other=33)
    yield two_sets(m, "rbf", "kid", dict(kernel="rbf", **small))
    yield two_sets(m, "narrow-rbf", "kid", dict(kernel="rbf", sigma=1.5, subsets=3, subset_size=20))
    yield two_sets(m, "degree-and-gamma", "kid", dict(degree=2, gamma=0.3, coef0=0.5, seed=7, **small))
    yield two_sets(m, "all", "kid", dict(subsets=0), other=27)
    yield two_sets(m, "all-rbf", "kid", dict(subsets=0, kernel="rbf", sigma=2), other=50)
    yield two_sets(m, "two-in-a-subset", "kid", dict(subsets=9, subset_size=2))

    yield scores(m, "plain")
    yield scores(m, "in-order", dict(shuffle=False, splits=4), n=46)
    yield scores(m, "one-split", dict(splits=1))
    yield scores(m, "one-split-ddof-1", dict(splits=1, ddof=1))
    yield scores(m, "ddof-1", dict(ddof=1, seed=3, splits=7))
    yield scores(m, "sure-of-it", n=30, classes=5, scale=60.0)
    yield scores(m, "one-or-two-each", n=19)

    yield two_sets(m, "plain", "precision-recall", other=50)
    yield two_sets(m, "k-1", "precision-recall", dict(k=1), n=30, d=3)
    yield two_sets(m, "k-all", "precision-recall", dict(k=9), n=10)
    twice = two_sets(m, "", "precision-recall", n=24, d=3)
    for x in twice.inputs.values():                 # whole numbers: distances are equal to the bit
        x.copy_((2 * x).round())
    yield m.finish("precision-recall", "on-the-border", twice.inputs, grad=False)

    yield two_sets(m, "plain", "p-ids", n=60)
    yield two_sets(m, "more-features-than-pairs", "p-ids", n=5, d=20)
    yield two_sets(m, "one-pair", "p-ids", n=1, d=3)
    far = two_sets(m, "", "p-ids", n=20, d=4)
    far.inputs["features.b"] += 30
    yield m.finish("p-ids", "apart", far.inputs, grad=False)


def failing(m):
    from failing import changed
    base = two_sets(m, "", "frechet", n=5, d=3)
    yield changed(base, "one-sample", "2", inputs={"features.a": m.normal(1, 3)})
    yield changed(base, "no-sample", "features.b", inputs={"features.b": m.normal(0, 3)})
    yield changed(base, "widths", "b", inputs={"features.b": m.normal(5, 4)})
    yield changed(base, "nan", "features.a", inputs={"features.a": m.normal(5, 3) * float("nan")})
    yield changed(base, "nothing-of-b", "features.b", drop=("features.b",))
    yield changed(base, "both", "mu.a", inputs=given(m.normal(5, 3), "a"))
    yield changed(base, "mu-alone", "sigma.b", drop=("features.b",), inputs={"mu.b": m.normal(3)})
    yield changed(base, "sigma-shape", "sigma.b", drop=("features.b",), inputs={"mu.b": m.normal(3), "sigma.b": m.normal(3, 4)})
    yield changed(base, "ddof", "ddof", config=dict(ddof=2))
    yield changed(base, "integers", "features.a", inputs={"features.a": torch.ones(5, 3, dtype=torch.int64)})
    yield changed(base, "rank", "features.a", inputs={"features.a": m.normal(5, 3, 1)})
    base = two_sets(m, "", "kid", dict(subset_size=5, subsets=2), n=5, d=3)
    yield changed(base, "subset-size", "subset_size", config=dict(subset_size=6))
    yield changed(base, "default-subset-size", "1000", config=dict(subset_size=1000))
    yield changed(base, "kernel-word", "poly", config=dict(kernel="linear"))
    yield changed(base, "widths", "features.b", inputs={"features.b": m.normal(5, 4)})
    yield changed(base, "one-sample", "2", config=dict(subsets=0), inputs={"features.b": m.normal(1, 3)})
    base = scores(m, "", n=12)
    yield changed(base, "fewer-than-splits", "splits", config=dict(splits=13))
    yield changed(base, "splits-0", "splits", config=dict(splits=0))
    base = two_sets(m, "", "precision-recall", n=5, d=3)
    yield changed(base, "k", "k", config=dict(k=5))
    yield changed(base, "k-0", "k", config=dict(k=0))
    base = two_sets(m, "", "p-ids", n=5, d=3)
    yield changed(base, "counts", "features", inputs={"features.b": m.normal(4, 3)})
    yield changed(base, "none", "pair", inputs={f"features.{s}": m.normal(0, 3) for s in "ab"})


def fresh_sets(m, name, kind):
    config, n, other, d = {}, m.int(4, 200), m.int(4, 200), m.int(1, 90)
    if kind == "kid":
        config = dict(kernel=m.choose("poly", "rbf"), subsets=m.int(0, 8), subset_size=m.int(2, max(2, min(n, other) // 2)), seed=m.int(0, 10 ** 9), degree=m.int(1, 4))
    elif kind == "precision-recall":
        config = dict(k=m.int(1, 3))
    elif kind == "p-ids":
        other = n
    return two_sets(m, name, kind, config, n, other, d)


# ---- inception-fid, tf1-resize

def inception_weights(seed=1):
    """Norms' scales and variances between 1/2 and 1, shifts small."""
    drawing = {"running_var": (2.0 ** -7, 64), "bn.weight": (2.0 ** -7, 64), "running_mean": (2.0 ** -10, -100), "bias": (2.0 ** -10, -100)}
    weights = {}
    for i, (key, shape) in enumerate(inception.shapes().items()):
        scale, low = next((v for end, v in drawing.items() if key.endswith(end)), (0, 0))
        weights[key] = drawn.tensor(dict(shape=list(shape), seed=seed + i, scale=scale, **{"from": low})) if scale else drawn.weight(shape, seed + i)
    return weights


def inception_fid(m, name, recipe=None, image=(1, 40, 52)):
    return m.finish("inception-fid", name, dict(image=m.bytes(*image, 3)), dict(recipe=recipe) if recipe else {}, inception_weights(), grad=False)


def tf1(m, name, height, width, x=(2, 3, 9, 13)):
    return m.resize(name, dict(height=height, width=width), x, "tf1-resize", grad=False)


def networks(m):
    yield inception_fid(m, "pytorch-fid")
    yield inception_fid(m, "empty-batch", "clean", (0, 5, 6))
    yield tf1(m, "down", 4, 5)
    yield tf1(m, "up", 11, 17)
    yield tf1(m, "one-pixel", 1, 1)
    yield tf1(m, "same", 9, 13)


def failing_networks(m):
    from failing import changed
    base = inception_fid(m, "")
    yield changed(base, "recipe-word", "pytorch-fid", config=dict(recipe="pytorch"))
    yield changed(base, "float-image", "image", inputs=dict(image=m.uniform(1, 4, 4, 3)))
    yield changed(base, "grey", "image", inputs=dict(image=m.bytes(1, 4, 4, 1)))
    yield changed(base, "no-rows", "image", inputs=dict(image=m.bytes(1, 0, 4, 3)))
    yield changed(base, "missing-key", "Mixed_7c.branch_pool.bn.running_var", drop=("Mixed_7c.branch_pool.bn.running_var",))
    base = tf1(m, "", 4, 5)
    yield changed(base, "height-zero", "height", config=dict(height=0))


FRESH = {
    "inception-fid": lambda m, name: inception_fid(m, name, m.choose("pytorch-fid", "tf", "clean", "torchmetrics"), (m.int(1, 2), m.int(1, 400), m.int(1, 400))),
    "tf1-resize": lambda m, name: tf1(m, name, m.int(1, 60), m.int(1, 60), (m.int(0, 2), m.int(1, 4), m.int(1, 60), m.int(1, 60))),
    **{kind: lambda m, name, kind=kind: fresh_sets(m, name, kind) for kind in ("frechet", "kid", "precision-recall", "p-ids")},
    "inception-score": lambda m, name: scores(m, name, dict(splits=m.int(1, 10), shuffle=bool(m.int(0, 1)), seed=m.int(0, 10 ** 9)), m.int(25, 90), m.int(2, 60)),
}
