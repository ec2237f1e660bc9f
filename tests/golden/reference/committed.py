"""The cases that are committed under tests/golden/probe: every kind, every config value, small."""
import torch

import autoencoder_cases
import baselines_cases
import deepfill
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


def ops(m):
    yield m.conv2d("plain")
    yield m.conv2d("no-bias-valid", dict(padding="valid"), bias=False)
    yield m.conv2d("same-stride-2", dict(padding="same", stride=2), x=(1, 3, 8, 10), k=(5, 5))
    yield m.conv2d("same-stride-2-odd", dict(padding="same", stride=2), x=(2, 3, 9, 13))
    yield m.conv2d("same-dilated", dict(padding="same", dilation=4), x=(1, 4, 10, 7))
    yield m.conv2d("same-uneven", dict(padding="same", stride=[3, 1], dilation=[1, 2]), k=(4, 2))
    yield m.conv2d("groups", dict(padding=1, groups=2))
    yield m.conv2d("depthwise", dict(padding=[1, 2], groups=4), o=8, k=(3, 5))
    yield m.conv2d("four-sides", dict(padding=[0, 1, 2, 3], stride=[1, 2]))
    yield m.conv2d("reflect", dict(padding=[3, 2, 4, 1], pad_mode="reflect"), x=(1, 2, 5, 6))
    yield m.conv2d("symmetric-all-of-it", dict(padding=[5, 4], pad_mode="symmetric"), x=(1, 2, 5, 4))
    yield m.conv2d("replicate", dict(padding=[4, 0, 7, 2], pad_mode="replicate", dilation=2), x=(1, 2, 5, 6))
    yield m.conv2d("same-reflect", dict(padding="same", pad_mode="reflect", stride=2), x=(1, 3, 8, 8), k=(5, 5))
    yield m.conv2d("one-by-one", x=(2, 5, 6, 4), o=3, k=(1, 1))
    yield m.conv2d("kernel-fills-map", x=(1, 3, 4, 5), k=(4, 5))
    yield m.conv2d("wide", dict(padding="same"), x=(1, 24, 8, 8), o=24, grad=False)
    yield m.conv2d("f64-input", dict(padding=1), dtype=torch.float64)
    yield m.conv2d("f16-input", dict(padding=1), dtype=torch.float16)

    yield m.resize("bilinear-down", dict(height=5, width=4))
    yield m.resize("bilinear-up", dict(height=17, width=20, mode="bilinear"))
    yield m.resize("bilinear-corners", dict(height=6, width=23, align_corners=True))
    yield m.resize("nearest-down", dict(height=4, width=7, mode="nearest"))
    yield m.resize("nearest-up", dict(height=20, width=25, mode="nearest"))
    yield m.resize("nearest-corners", dict(height=5, width=32, mode="nearest", align_corners=True), x=(1, 1, 16, 64))
    yield m.resize("nearest-corners-to-one", dict(height=1, width=1, mode="nearest", align_corners=True))
    yield m.resize("nearest-large", dict(height=1, width=331, mode="nearest"), x=(1, 1, 1, 997), grad=False)
    yield m.resize("bicubic-down", dict(height=5, width=6, mode="bicubic"))
    yield m.resize("bicubic-up", dict(height=13, width=30, mode="bicubic"))
    yield m.resize("bicubic-corners", dict(height=14, width=5, mode="bicubic", align_corners=True))
    yield m.resize("bilinear-to-one-corners", dict(height=1, width=3, align_corners=True))
    yield m.resize("area-down", dict(height=4, width=3, mode="area"))
    yield m.resize("area-up", dict(height=13, width=16, mode="area", align_corners=True))
    yield m.resize("same-size", dict(height=9, width=11, mode="bicubic"))
    yield m.resize("f16-input", dict(height=6, width=7), dtype=torch.float16)

    yield m.gated_conv("plain")
    yield m.gated_conv("relu-stride-2", dict(activation="relu", stride=2), k=(5, 5))
    yield m.gated_conv("upsample", dict(upsample=True), x=(1, 4, 5, 7))
    yield m.gated_conv("dilated", dict(dilation=8), x=(1, 6, 12, 10))
    yield m.gated_conv("reflect", dict(padding=2, pad_mode="reflect"), k=(5, 5))
    yield m.gated_conv("valid", dict(padding="valid", stride=[2, 1]))
    yield m.gated_conv("f64-input", dtype=torch.float64)
    yield m.conv2d("empty-batch", dict(padding=1), x=(0, 3, 5, 4))


def attention(m):
    yield m.attention("plain")
    yield m.attention("shared-mask", shared=True)
    yield m.attention("separate-b", b=True)
    yield m.attention("no-fuse", dict(fuse=False))
    yield m.attention("torch-mode", dict(mode="torch"), b=True)
    yield m.attention("exact-overlap", dict(overlap="exact"))
    yield m.attention("exclude", dict(masked_keys="exclude"))
    yield m.attention("exclude-everything", dict(masked_keys="exclude"), mask="full")
    yield m.attention("everything-masked", mask="full")
    yield m.attention("nothing-masked", mask="empty")
    yield m.attention("mask-max", dict(mask_down="max"))
    yield m.attention("rate-1", dict(rate=1), f=(1, 4, 6, 5))
    yield m.attention("rate-3", dict(rate=3, mode="torch"), f=(1, 4, 9, 12), b=True)
    yield m.attention("rate-4-exact", dict(rate=4, overlap="exact"), f=(1, 4, 16, 12))
    yield m.attention("ksize-1", dict(ksize=1, softmax_scale=4.5))
    yield m.attention("ksize-5", dict(ksize=5), f=(1, 3, 12, 8), scale=0.25)
    yield m.attention("one-key", f=(1, 4, 2, 2), mask="empty")
    yield m.attention("f16-input", dtype=torch.float16)
    zeros = m.attention("zero-features", f=(1, 4, 8, 8), mask="empty", grad=False)
    zeros.inputs["f"][:] = 0
    yield m.finish(zeros.kind, zeros.name, zeros.inputs)
    yield m.attention("ksize-beyond-the-map", dict(ksize=77), f=(1, 2, 6, 8))
    yield m.attention("empty-batch", f=(0, 3, 4, 6), shared=True)


def half(weights):
    """Stored as float16: read as exactly these numbers by both sides, in half the space."""
    return {k: v.half() for k, v in weights.items()}


def networks(m):
    plain = dict(cnum=4)
    shared = half(m.generator_weights(plain))
    yield m.generator("plain", plain, image=(2, 16, 24), weights=shared)
    yield m.generator("shared-mask", plain, image=(2, 24, 16), shared=True, weights=shared, grad=False)
    yield m.generator("torch-mode", dict(cnum=4, mode="torch"), image=(1, 24, 32), weights=shared, grad=False)
    yield m.generator("no-fuse-exact-max", dict(cnum=4, fuse=False, overlap="exact", mask_down="max", softmax_scale=5),
                      image=(1, 32, 32), weights=shared, grad=False)
    yield m.generator("exclude-full", dict(cnum=4, masked_keys="exclude"), image=(1, 16, 16), mask="full", weights=shared, grad=False)
    yield m.generator("empty-mask", plain, image=(1, 16, 24), mask="empty", weights=shared, grad=False)
    yield m.generator("only-x1", dict(cnum=2, conv="vanilla"), image=(1, 16, 16), upstream=("x1",))
    yield m.generator("no-input-aux", dict(cnum=2, conv="vanilla", input_aux=False), image=(1, 16, 16), grad=False)
    yield m.generator("vanilla", dict(cnum=2, conv="vanilla", mode="torch"), image=(1, 16, 32))
    v1 = dict(cnum=2, conv="vanilla", output="clip", stage2_aux=True)
    yield m.generator("deepfill-v1", v1, image=(1, 16, 24), weights=m.generator_weights(v1, 1.2))       # so that some of it clips

    shared = m.network_weights(deepfill.discriminator_shapes(2), 1.5)
    yield m.discriminator("plain", dict(width=2), weights=shared)
    yield m.discriminator("torch-mode", dict(width=2, mode="torch"), shared=True, weights=shared, grad=False)
    yield m.discriminator("full-gradient", dict(width=2, sn_grad="full"), image=(1, 32, 70), weights=shared)
    yield m.discriminator("only-sigma", dict(width=2, update_u=False), image=(1, 16, 8), weights=shared, upstream=("sigma",))
    yield m.discriminator("one-pixel", dict(width=2), image=(2, 1, 1), weights=shared, grad=False)

    shared = half(m.gan("", dict(cnum=4, width=2), image=(1, 8, 8), grad=False).weights)
    yield m.gan("plain", dict(cnum=4, width=2), image=(2, 16, 16), weights=shared)
    yield m.gan("weighted", dict(cnum=4, width=2, gan_weight=0.1, l1_weight=1.2), image=(2, 16, 24), shared=True, weights=shared, grad=False)
    yield m.gan("oblong", dict(cnum=4, width=2), image=(1, 32, 40), grad=False, weights=shared)


def losses(m):
    yield m.hinge("plain", "loss/hinge-d")
    yield m.hinge("other-shapes", "loss/hinge-d", shape=(7,), fake_shape=(2, 3))
    yield m.hinge("scalars", "loss/hinge-d", shape=(), fake_shape=())
    yield m.hinge("plain", "loss/hinge-g")
    yield m.l1("plain")
    yield m.l1("hole", dict(region="hole"))
    yield m.l1("valid", dict(region="valid"), shared=True)
    yield m.l1("hole-empty", dict(region="hole"), mask="empty")
    yield m.l1("f64-input", dict(region="valid"), shape=(1, 5, 3, 4), dtype=torch.float64)
    yield m.deepfill_g("plain")
    yield m.deepfill_g("weighted", dict(l1_weight=1.2, gan_weight=0.1))


def optimizers(m):
    yield m.adam("plain")
    yield m.adam("tf", config=dict(form="tf", lr=1e-4, betas=[0.5, 0.999]))
    yield m.adam("shared-exponent", config=dict(form="tf", lr=1e-2, betas=[0.5, 0.999], t0=2, dt=2), steps=4)
    yield m.adam("decay-moments", config=dict(weight_decay=0.1, eps=1e-3, t0=7), moments=True)
    yield m.adam("one-step-scalar", shape=(), steps=1)
    yield m.adam("f16-input", dtype=torch.float16)
    yield m.adam("plain", "optim/adamw")
    yield m.adam("moments", "optim/adamw", dict(lr=0.02, betas=[0.8, 0.99], weight_decay=0.3, t0=3, dt=2), shape=(2, 3, 4), moments=True)
    yield m.adam("forty-steps", "optim/adamw", dict(lr=0.05), shape=(3,), steps=40)

    yield m.schedule("constant")
    yield m.schedule("constant-warmup", dict(warmup=10, lr=0.3, total=5))
    yield m.schedule("constant-unused", dict(total=0, every=0, milestones=[], final=1, gamma=2))
    yield m.schedule("linear", dict(kind="linear", total=100, final=1e-6))
    yield m.schedule("linear-warmup", dict(kind="linear", total=100, warmup=10, lr=2))
    yield m.schedule("cosine", dict(kind="cosine", total=60, warmup=5, final=1e-5, lr=1e-3))
    yield m.schedule("step", dict(kind="step", every=10))
    yield m.schedule("step-warmup", dict(kind="step", every=7, gamma=0.5, warmup=9, lr=1))
    yield m.schedule("multistep", dict(kind="multistep", milestones=[5, 10, 99], gamma=0.2, warmup=3))


def pixels(m):
    for kind in ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"):
        yield m.pil_resize(f"{kind}-down", dict(width=5, height=4, filter=kind))
        yield m.pil_resize(f"{kind}-up", dict(width=17, height=21, filter=kind), shape=(9, 13, 1))
        yield m.pil_resize(f"{kind}-float", dict(width=7, height=19, filter=kind), shape=(9, 13, 1), floats=True)
    yield m.pil_resize("alpha", dict(width=6, height=15), shape=(9, 13, 4))
    yield m.pil_resize("alpha-lanczos", dict(width=20, height=4, filter="lanczos", passes="pillow-13"), shape=(9, 13, 4))
    yield m.pil_resize("vertical-first", dict(width=12, height=7, passes="pillow-13"), shape=(30, 13, 3))
    yield m.pil_resize("vertical-first-not-asked", dict(width=12, height=7), shape=(30, 13, 3))
    yield m.pil_resize("pillow-13-horizontal", dict(width=5, height=20, passes="pillow-13", filter="bilinear"), shape=(30, 40, 3))
    yield m.pil_resize("one-axis", dict(width=13, height=4), shape=(9, 13, 3))
    yield m.pil_resize("to-one-pixel", dict(width=1, height=1, filter="lanczos"), shape=(40, 23, 3))

    yield m.torch_resize("bilinear", dict(height=5, width=20))
    yield m.torch_resize("bilinear-antialias", dict(height=4, width=5, antialias=True))
    yield m.torch_resize("bicubic", dict(height=4, width=17, mode="bicubic"))
    yield m.torch_resize("bicubic-antialias", dict(height=4, width=5, mode="bicubic", antialias=True))
    yield m.torch_resize("bicubic-antialias-up", dict(height=20, width=30, mode="bicubic", antialias=True))

    for kind in ("mse", "l1", "psnr", "tv", "ssim"):
        yield m.metric("whole", kind)
        yield m.metric("hole", kind, dict(region="hole"), mask="box")
        yield m.metric("known", kind, dict(region="known"), mask="box", shape=(3, 20, 15))
        yield m.metric("hole-empty", kind, dict(region="hole"), mask="empty", shape=(1, 12, 12))
        yield m.metric("unused-mask", kind, dict(region="whole"), mask="box")
    for kind in ("mse", "l1", "tv"):
        yield m.metric("range-255", kind, dict(range=255))
    for kind in ("mse", "psnr"):
        yield m.metric("brushnet", kind, dict(variant="brushnet"), mask="box")
        yield m.metric("brushnet-nothing-known", kind, dict(variant="brushnet"), mask="full")
    yield m.metric("identical", "psnr", same=True)
    yield m.metric("brushnet-identical", "psnr", dict(variant="brushnet"), mask="box", same=True)
    for variant in ("zero", "reflect", "uniform7"):
        yield m.metric(variant, "ssim", dict(variant=variant))
        yield m.metric(f"{variant}-hole", "ssim", dict(variant=variant, region="hole"), mask="box", shape=(2, 19, 12))


def scales(m):
    yield m.metric("valid", "ms-ssim", shape=(1, 176, 177))
    yield m.metric("reflect", "ms-ssim", dict(variant="reflect"), shape=(1, 181, 176))
    yield m.metric("none", "ms-ssim", shape=(0, 176, 176))


# a group's seed is its own: new groups take the next number, wherever they stand
GROUPS = {
    20: ops,
    21: attention,
    22: networks,
    23: losses,
    24: optimizers,
    25: pixels,
    26: strings.committed,
    27: diffusion_cases.committed,
    28: tower_cases.committed,
    29: autoencoder_cases.committed,
    30: perceptual_cases.committed,
    31: unet_cases.committed,
    32: latent_cases.committed,
    60: masks.committed,
    39: scales,
    62: clip_cases.committed,
    64: distributions_cases.committed,
    66: distributions_cases.networks,
    70: catdiff_cases.committed,
    72: reward_cases.committed,
    8300: baselines_cases.committed,
}


def committed():
    for seed, group in GROUPS.items():
        yield from group(Maker(seed))
