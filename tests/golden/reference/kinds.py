"""What `lacuna probe KIND` must write, computed in double: expected(case) -> {name: tensor}."""
from dataclasses import dataclass, field

import torch

import autoencoder
import baselines
import catdiff
import deepfill
import diffusion
import distributions
import inception
import latent
import metrics
import ops
import perceptual
import reward
import unet
import towers

METRICS = ("mse", "l1", "psnr", "tv", "ssim", "ms-ssim")
EXACT = ("pil-resize",)
CLIP_HOST = ("clip-preprocess", "clip-tokenize", "clip-score", "clip-directional")
CLIP_TAPE = ("clip", "clip-loss", "aesthetic-head", "image-reward-head")
MASKS = ("rle", "polygon-mask", "iou", "segmentation-score", "oks", "coco-ap")
TEXT = ("clip-bpe", "wordpiece")      # weights: the folder of their files
DIFFUSION = {"add-noise": diffusion.add_noise, "diffusion-loss": diffusion.loss, "guidance": diffusion.guidance}


@dataclass
class Case:
    """One call of probe. inputs hold the upstream gradients too (grad.NAME); grad says whether --grad is given."""
    kind: str
    name: str
    inputs: dict
    config: dict = field(default_factory=dict)
    weights: dict = None
    grad: bool = False
    fails: str = None       # the word its message must contain


def outputs(kind, x, config, weights, codes=None):
    if kind == "conv2d":
        return dict(y=ops.conv2d(x["x"], x["weight"], x.get("bias"), config))
    if kind == "resize":
        return dict(y=ops.resize(x["x"], config))
    if kind == "gated-conv":
        return dict(y=ops.gated_conv(x["x"], x["weight"], x["bias"], config))
    if kind == "contextual-attention":
        return dict(y=deepfill.contextual_attention(x["f"], x.get("b", x["f"]), x["mask"], config))
    if kind == "deepfillv2":
        return dict(zip(("x1", "x2", "complete"), deepfill.generator(weights, x["image"], x["mask"], config)))
    if kind == "sn-patchgan":
        return discriminator(x, config, weights)
    if kind == "deepfillv2-gan":
        g, d = (with_prefix(weights, p) for p in ("generator.", "discriminator."))
        return deepfill.gan(g, d, x["image"], x["mask"], config)
    if kind == "loss/hinge-d":
        return dict(loss=deepfill.hinge_d(x["real"], x["fake"]))
    if kind == "loss/hinge-g":
        return dict(loss=deepfill.hinge_g(x["fake"]))
    if kind == "loss/l1":
        return dict(loss=ops.l1(x["pred"], x["target"], x.get("mask"), config))
    if kind == "loss/deepfill-g":
        out = dict(gan=deepfill.hinge_g(x["fake"]), l1_coarse=deepfill.l1(x["x1"], x["image"]),
                   l1_refine=deepfill.l1(x["x2"], x["image"]))
        out["loss"] = (config.get("gan_weight", 1) * out["gan"]
                       + config.get("l1_weight", 1) * (out["l1_coarse"] + out["l1_refine"]))
        return out
    if kind in ("optim/adam", "optim/adamw"):
        return ops.adam(kind[6:], x, config)
    if kind == "schedule":
        return dict(lr=ops.schedule(x["step"], config))
    if kind == "scheduler":
        return diffusion.scheduler(x["sample"], x["model_output"], x.get("noise"), config, x.get("variance"))
    if kind == "vqgan":
        return autoencoder.vqgan(x, config, weights, codes)
    if kind == "autoencoder-kl":
        return autoencoder.kl(x, config, weights)
    if kind in DIFFUSION:
        return DIFFUSION[kind](x, config)
    if kind == "sample":
        return (baselines if baselines.takes(config) else latent).sample(x, config, weights)
    if kind in latent.TAPE:
        return latent.TAPE[kind](x, config)
    if kind in inception.KINDS:
        return inception.KINDS[kind](x, config, weights)
    if kind in perceptual.KINDS:
        return perceptual.KINDS[kind](x, config, weights)
    if kind in catdiff.KINDS:
        return catdiff.KINDS[kind](x, config, weights)
    if kind in unet.KINDS:
        return unet.KINDS[kind](x, config, weights)
    if kind in reward.TAPE:
        return reward.TAPE[kind](x, config, weights)
    if kind in towers.TAPE:
        return towers.TAPE[kind](x, config, weights)
    if kind in CLIP_TAPE:
        import clip_cases
        return clip_cases.outputs(kind, x, config, weights)
    if kind == "torch-resize":
        return dict(y=ops.torch_resize(x["x"], config))
    raise KeyError(kind)


def discriminator(x, config, weights):
    mode = config.get("mode", "tf")
    layers, sigma, us = deepfill.discriminator_weights(weights, config.get("sn_grad", "detached"))
    out = dict(logits=deepfill.discriminate(layers, x["image"], x["mask"], mode), sigma=sigma)
    for i, u in enumerate(us, 1):
        out[f"conv{i}.u"] = u if config.get("update_u", True) else weights[f"conv{i}.u"]
    return out


def with_prefix(weights, prefix):
    return {k[len(prefix):]: v for k, v in weights.items() if k.startswith(prefix)}


def measured(case):
    """The kinds of 8-bit images."""
    if case.kind == "pil-resize":
        return dict(image=metrics.pil_resize(case.inputs["image"], case.config))
    if case.kind == "tv":
        return dict(value=metrics.total_variation(case.inputs, case.config))
    if case.kind == "ssim":
        return dict(value=metrics.ssim(case.inputs, case.config))
    if case.kind == "ms-ssim":
        return dict(value=metrics.ms_ssim(case.inputs, case.config))
    return dict(value=metrics.pixel_error(case.kind, case.inputs, case.config))


def carries_gradient(kind, name, tensor):
    constant = (name in ("mask", "alpha") and kind not in latent.TAPE) or name.endswith(".u") or (kind == "deepfillv2-gan" and name == "image")
    constant = constant or (kind in (*unet.KINDS, "ref-unet") and name == "timestep")
    return tensor.is_floating_point() and not constant


def expected(case, dtype=torch.float64, autocast=False, codes=None):
    """As float32, whatever the arithmetic: outputs, and with case.grad the gradients of inputs and parameters. codes: chosen for a vqgan."""
    if case.kind in METRICS + EXACT:
        return measured(case)
    for host in (latent.HOST, catdiff.HOST):
        if case.kind in host:
            return host[case.kind](case.inputs, case.config)
    if case.kind in CLIP_HOST:
        import clip_cases               # likewise
        return clip_cases.expected(case)
    if case.kind in MASKS:
        import masks                    # which makes Cases itself
        return masks.expected(case)
    if case.kind in distributions.HOST:
        return distributions.HOST[case.kind](case.inputs, case.config)
    if case.kind in TEXT:
        import strings                  # which makes Cases itself
        return strings.expected(case)

    def leaf(name, t):
        if not t.is_floating_point():
            return t
        return t.to(torch.float32).to(dtype).detach().requires_grad_(case.grad and carries_gradient(case.kind, name, t) and not perceptual.constant(case.kind, case.config, name))

    x = {k: leaf(k, v) for k, v in case.inputs.items() if not k.startswith("grad.")}
    weights = {k: leaf(k, v) for k, v in (case.weights or {}).items()}
    with torch.set_grad_enabled(case.grad), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        out = outputs(case.kind, x, case.config, weights, codes)
    result = {k: (v.to(torch.float32) if v.is_floating_point() else v).detach().contiguous() for k, v in out.items()}
    if case.grad:
        leaves = {k: v for k, v in {**x, **weights}.items() if v.requires_grad}
        total = sum((out[k[5:]].to(dtype) * v.to(torch.float32).to(dtype)).sum() for k, v in case.inputs.items() if k.startswith("grad."))
        grads = torch.autograd.grad(total, leaves.values(), allow_unused=True)
        for (k, v), g in zip(leaves.items(), grads):
            result[f"grad.{k}"] = (torch.zeros_like(v) if g is None else g).to(torch.float32).contiguous()
    return result
