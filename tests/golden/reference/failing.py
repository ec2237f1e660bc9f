"""Calls of probe that must fail, each with the word its one line must contain."""
import copy

import torch

import autoencoder_cases
import baselines_cases
import catdiff_cases
import clip_cases
import diffusion_cases
import distributions_cases
import perceptual_cases
import reward_cases
import latent_cases
import masks
import strings
import unet_cases
import tower_cases
from make import Maker

SMALL = dict(x=(1, 2, 4, 4), o=2, grad=False)


def changed(case, name, word, config=None, inputs=None, drop=(), weights=None, grad=None):
    case = copy.copy(case)
    case.name, case.fails = name, word
    case.config = {**case.config, **(config or {})}
    case.inputs = {k: v for k, v in {**case.inputs, **(inputs or {})}.items() if k not in drop}
    if case.weights is not None:
        case.weights = {k: v for k, v in {**case.weights, **(weights or {})}.items() if k not in drop}
    case.grad = case.grad if grad is None else grad
    return case


def ops(m):
    base = m.conv2d("", **SMALL)
    wrong = lambda name, word, **change: changed(base, name, word, **change)
    yield wrong("groups-and-channels", "groups", config=dict(groups=3))
    odd = m.conv2d("", dict(groups=2), x=(1, 4, 4, 4), o=3, grad=False)
    yield changed(odd, "groups-and-filters", "groups")
    yield wrong("weight-channels", "weight", inputs=dict(weight=m.normal(2, 3, 3, 3)))
    yield wrong("weight-rank", "weight", inputs=dict(weight=m.normal(2, 2, 3)))
    yield wrong("bias-length", "bias", inputs=dict(bias=m.normal(3)))
    yield wrong("kernel-too-large", "kernel", config=dict(dilation=2))
    yield wrong("reflect-too-far", "pad", config=dict(padding=4, pad_mode="reflect"))
    yield wrong("symmetric-too-far", "pad", config=dict(padding=5, pad_mode="symmetric"))
    yield wrong("padding-negative", "padding", config=dict(padding=-1))
    yield wrong("padding-word", "padding", config=dict(padding="full"))
    yield wrong("padding-of-three", "padding", config=dict(padding=[1, 1, 1]))
    yield wrong("pad-mode-word", "pad_mode", config=dict(pad_mode="circular"))
    yield wrong("stride-zero", "stride", config=dict(stride=0))
    yield wrong("stride-fraction", "stride", config=dict(stride=1.5))
    yield wrong("stride-text", "stride", config=dict(stride="2"))
    yield wrong("stride-real", "stride", config=dict(stride=2.0))
    yield wrong("stride-real-in-list", "stride", config=dict(stride=[1, 2.0]))
    yield wrong("stride-null", "stride", config=dict(stride=None))
    yield wrong("stride-true", "stride", config=dict(stride=True))
    yield wrong("stride-empty", "stride", config=dict(stride=[]))
    yield wrong("stride-table", "stride", config=dict(stride={}))
    yield wrong("stride-of-three", "stride", config=dict(stride=[1, 1, 1]))
    yield wrong("stride-negative", "stride", config=dict(stride=[1, -1]))
    yield wrong("groups-zero", "groups", config=dict(groups=0))
    yield wrong("groups-list", "groups", config=dict(groups=[1, 1]))
    yield wrong("nan-weight", "weight", inputs=dict(weight=torch.full((2, 2, 3, 3), float("nan"))))
    yield wrong("nan-bias", "bias", inputs=dict(bias=torch.tensor([0, float("nan")])))
    yield wrong("bias-rank", "bias", inputs=dict(bias=m.normal(2, 1)))
    yield wrong("upstream-integer", "grad.y", inputs={"grad.y": torch.ones(1, 2, 2, 2, dtype=torch.int64)}, grad=True)
    yield wrong("dilation-zero", "dilation", config=dict(dilation=[1, 0]))
    yield wrong("unknown-key", "stride", config=dict(strid=2))
    yield wrong("mode-is-not-a-key", "mode", config=dict(mode="tf"))
    yield wrong("no-weight", "weight", drop=("weight",))
    yield wrong("surplus-input", "colour", inputs=dict(colour=m.normal(1)))
    yield wrong("integer-input", "x", inputs=dict(x=torch.ones(1, 2, 4, 4, dtype=torch.int64)))
    yield wrong("upstream-of-nothing", "grad.z", inputs={"grad.z": m.normal(1)}, grad=True)
    yield wrong("upstream-misshapen", "grad.y", inputs={"grad.y": m.normal(1, 2, 2, 3)}, grad=True)
    unknown = changed(base, "unknown-kind", "conv3d")
    unknown.kind = "conv3d"
    yield unknown

    base = m.resize("", dict(height=2, width=2), x=(1, 1, 3, 3), grad=False)
    yield changed(base, "height-zero", "height", config=dict(height=0))
    yield changed(base, "mode-word", "mode", config=dict(mode="lanczos"))
    yield changed(base, "corners-number", "align_corners", config=dict(align_corners=1))
    no_width = copy.copy(base)
    no_width.name, no_width.fails, no_width.config = "no-width", "width", dict(height=2)
    yield no_width

    base = m.gated_conv("", x=(1, 2, 4, 4), o=2, grad=False)
    yield changed(base, "odd-filters", "weight", inputs=dict(weight=m.normal(3, 2, 3, 3), bias=m.normal(3)))
    yield changed(base, "groups-is-not-a-key", "groups", config=dict(groups=1))
    yield changed(base, "no-bias", "bias", drop=("bias",))
    yield changed(base, "activation-word", "activation", config=dict(activation="tanh"))

    base = m.attention("", f=(1, 2, 4, 6), grad=False)
    yield changed(base, "rate-and-size", "rate", config=dict(rate=4))
    yield changed(base, "ksize-even", "ksize", config=dict(ksize=2))
    yield changed(base, "ksize-even-and-large", "ksize", config=dict(ksize=40))
    yield changed(base, "ksize-zero", "ksize", config=dict(ksize=0))
    yield changed(base, "rate-zero", "rate", config=dict(rate=0))
    yield changed(base, "rate-huge", "rate", config=dict(rate=1000))
    yield changed(base, "b-shape", "b", inputs=dict(b=m.normal(1, 2, 4, 4)))
    yield changed(base, "mask-channels", "mask", inputs=dict(mask=torch.zeros(1, 2, 4, 6)))
    yield changed(base, "scale-text", "softmax_scale", config=dict(softmax_scale="10"))
    yield changed(base, "fuse-number", "fuse", config=dict(fuse=1))
    yield changed(base, "mask-size", "mask", inputs=dict(mask=torch.zeros(1, 1, 4, 4)))
    yield changed(base, "mask-batch", "mask", inputs=dict(mask=torch.zeros(3, 1, 4, 6)))
    yield changed(base, "masked-keys-word", "masked_keys", config=dict(masked_keys="inf"))


def networks(m):
    tiny = dict(conv="vanilla", cnum=2)
    half = {k: v.half() for k, v in m.generator_weights(tiny).items()}
    base = m.generator("", tiny, image=(1, 8, 8), weights=half, grad=False)
    wrong = lambda name, word, **change: changed(base, name, word, **change)
    yield wrong("size", "8", inputs=dict(image=m.normal(1, 3, 8, 12), mask=torch.zeros(1, 1, 8, 12)))
    yield wrong("missing-key", "xconv5.bias", drop=("xconv5.bias",))
    yield wrong("surplus-key", "conv18.weight", weights={"conv18.weight": m.normal(1)})
    yield wrong("misshapen-key", "allconv11.weight", weights={"allconv11.weight": m.normal(8, 8, 3, 3)})
    yield wrong("nan-weight", "conv3.bias", weights={"conv3.bias": torch.full((4,), float("nan"))})
    yield wrong("sketch", "sketch", inputs=dict(sketch=torch.zeros(1, 1, 8, 8)))
    yield wrong("no-mask", "mask", drop=("mask",))
    yield wrong("mask-channels", "mask", inputs=dict(mask=torch.zeros(1, 3, 8, 8)))
    yield wrong("unknown-key", "cnum", config=dict(cnums=4))
    yield wrong("cnum-text", "cnum", config=dict(cnum="4"))
    yield wrong("cnum-null", "cnum", config=dict(cnum=None))
    yield wrong("cnum-odd", "cnum", config=dict(cnum=3))
    yield wrong("image-channels", "image", inputs=dict(image=m.normal(1, 4, 8, 8)))
    yield wrong("image-rank", "image", inputs=dict(image=m.normal(3, 8, 8)))
    yield wrong("mask-size", "mask", inputs=dict(mask=torch.zeros(1, 1, 8, 16)))
    yield wrong("mask-integer", "mask", inputs=dict(mask=torch.zeros(1, 1, 8, 8, dtype=torch.uint8)))
    yield wrong("guided-number", "guided", config=dict(guided=0))
    yield wrong("upstream-of-nothing", "grad.x3", inputs={"grad.x3": m.normal(1, 3, 8, 8)}, grad=True)
    yield wrong("upstream-without-grad", "grad.x1", inputs={"grad.x1": m.normal(1, 3, 8, 8)})
    yield wrong("no-upstream", "grad", grad=True)
    yield wrong("integer-weight", "conv3.bias", weights={"conv3.bias": torch.zeros(4, dtype=torch.int64)})
    unweighted = wrong("no-weights", "weights")
    unweighted.weights = None
    yield unweighted

    base = m.discriminator("", dict(width=1), image=(1, 8, 8), grad=False)
    yield changed(base, "missing-u", "conv2.u", drop=("conv2.u",))
    yield changed(base, "sn-grad-word", "sn_grad", config=dict(sn_grad="half"))
    yield changed(base, "update-u-number", "update_u", config=dict(update_u=1))
    yield changed(base, "image-channels", "image", inputs=dict(image=m.normal(1, 4, 8, 8)))

    base = m.gan("", dict(cnum=4, width=1), image=(1, 8, 8), grad=False)
    base.weights = {k: v.half() for k, v in base.weights.items()}
    for key, value in dict(mode="tf", conv="gated", sn_grad="full", update_u=True, guided=False).items():
        yield changed(base, f"{key}-is-not-a-key", key, config={key: value})
    yield changed(base, "missing-u", "discriminator.conv6.u", drop=("discriminator.conv6.u",))
    yield changed(base, "gan-weight-text", "gan_weight", config=dict(gan_weight="high"))


def the_rest(m):
    base = m.l1("", grad=False)
    yield changed(base, "mask-not-asked", "mask", inputs=dict(mask=torch.zeros(2, 1, 7, 9)))
    yield changed(base, "no-mask", "mask", config=dict(region="hole"))
    yield changed(base, "region-word", "region", config=dict(region="known"))
    yield changed(base, "shapes", "target", inputs=dict(target=m.normal(2, 3, 7, 8)))
    yield changed(base, "mask-shape", "mask", config=dict(region="hole"), inputs=dict(mask=torch.zeros(2, 1, 7, 8)))
    yield changed(base, "mask-batch", "mask", config=dict(region="hole"), inputs=dict(mask=torch.zeros(3, 1, 7, 9)))
    base = m.hinge("", "loss/hinge-d", grad=False)
    yield changed(base, "no-real", "real", drop=("real",))
    base = m.deepfill_g("", grad=False)
    yield changed(base, "shapes", "x2", inputs=dict(x2=m.normal(2, 3, 8, 11)))

    base = m.adam("", steps=3, shape=(2, 2))
    yield changed(base, "gap", "grad_", drop=("grad_1",))
    yield changed(base, "shape", "grad_2", inputs=dict(grad_2=m.normal(4)))
    yield changed(base, "moment-shape", "v", inputs=dict(v=m.uniform(3)))
    yield changed(base, "betas-number", "betas", config=dict(betas=0.9))
    yield changed(base, "betas-of-one", "betas", config=dict(betas=[0.9]))
    yield changed(base, "t0-real", "t0", config=dict(t0=1.0))
    yield changed(base, "grad-for-an-optimizer", "grad", grad=True)
    yield changed(base, "no-grad", "grad_0", drop=("grad_0", "grad_1", "grad_2"))
    yield changed(base, "form-word", "form", config=dict(form="jax"))
    base = m.adam("", "optim/adamw", steps=1, shape=(2,))
    yield changed(base, "form-is-not-a-key", "form", config=dict(form="tf"))
    base = m.schedule("", dict(), steps=(0, 1))
    yield changed(base, "kind-word", "kind", config=dict(kind="exponential"))
    yield changed(base, "no-total", "total", config=dict(kind="cosine"))
    yield changed(base, "no-every", "every", config=dict(kind="step"))
    yield changed(base, "every-zero", "every", config=dict(kind="step", every=0))
    yield changed(base, "total-below-warmup", "total", config=dict(kind="linear", total=5, warmup=6))
    yield changed(base, "milestones-table", "milestones", config=dict(kind="multistep", milestones={}))
    yield changed(base, "milestones-real", "milestones", config=dict(kind="multistep", milestones=[1.5]))
    yield changed(base, "no-milestones", "milestones", config=dict(kind="multistep"))
    yield changed(base, "float-step", "step", inputs=dict(step=torch.zeros(2)))

    base = m.pil_resize("", dict(width=2, height=2), shape=(3, 3, 3))
    yield changed(base, "two-channels", "image", inputs=dict(image=m.bytes(3, 3, 2)))
    yield changed(base, "float-colour", "image", inputs=dict(image=m.uniform(3, 3, 3)))
    yield changed(base, "filter-word", "filter", config=dict(filter="mitchell"))
    yield changed(base, "width-zero", "width", config=dict(width=0))
    base = m.metric("", "mse", shape=(1, 4, 4))
    yield changed(base, "no-mask", "mask", config=dict(region="hole"))
    yield changed(base, "sizes", "reference", inputs=dict(reference=m.bytes(1, 4, 5, 3)))
    yield changed(base, "float-image", "image", inputs=dict(image=m.uniform(1, 4, 4, 3)))
    yield changed(base, "range-2", "range", config=dict(range=2))
    base = m.metric("", "ssim", shape=(1, 12, 12))
    yield changed(base, "variant-word", "variant", config=dict(variant="same"))
    base = m.resize("", dict(height=2, width=2), kind="torch-resize", grad=False)
    yield changed(base, "mode-word", "mode", config=dict(mode="area"))


def scales(m):
    base = m.metric("", "ms-ssim", shape=(1, 30, 31))
    yield changed(base, "side-30", "176")
    yield changed(base, "variant-word", "variant", config=dict(variant="zero"))
    yield changed(base, "sizes", "reference", inputs=dict(reference=m.bytes(1, 30, 30, 3)))


# a group's seed is its own: new groups take the next number, wherever they stand
GROUPS = {
    40: ops,
    41: networks,
    42: the_rest,
    43: strings.failing,
    44: diffusion_cases.failing,
    48: tower_cases.failing,
    49: autoencoder_cases.failing,
    50: perceptual_cases.failing,
    51: unet_cases.failing,
    52: latent_cases.failing,
    61: masks.failing,
    59: scales,
    63: clip_cases.failing,
    65: distributions_cases.failing,
    67: distributions_cases.failing_networks,
    71: catdiff_cases.failing,
    73: reward_cases.failing,
    8301: baselines_cases.failing,
}


def failing():
    for seed, group in GROUPS.items():
        yield from group(Maker(seed))
