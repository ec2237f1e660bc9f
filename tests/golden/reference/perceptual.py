"""Reference of lpips (torchvision's backbones, checked against the package lpips), patchgan and vae-loss (PyTorch)."""
import functools

import lpips as package
import torch
import torch.nn.functional as F
import torchvision
from torch.func import functional_call

BACKBONE = {"alex": torchvision.models.alexnet, "vgg": torchvision.models.vgg16, "squeeze": torchvision.models.squeezenet1_1}
# torchvision's indices after which features are taken, behind the relu
TAPS = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29), "squeeze": (1, 4, 7, 9, 10, 11, 12)}
CHANNELS = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512), "squeeze": (64, 128, 256, 384, 384, 512, 512)}


@functools.cache
def backbone(net):
    features = BACKBONE[net](weights=None).features
    for layer in features.modules():
        if isinstance(layer, torch.nn.ReLU):
            layer.inplace = False
    return features


def lpips_shapes(net):
    shapes = {f"features.{k}": tuple(v.shape) for k, v in backbone(net).state_dict().items()}
    return {**shapes, **{f"lin{i}.model.1.weight": (1, c, 1, 1) for i, c in enumerate(CHANNELS[net])}}


def taps(net, weights, x):
    """The taps' values; layers are called one by one with their part of the weights."""
    shift, scale = (torch.tensor(v, dtype=x.dtype)[:, None, None] for v in ((-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)))
    x, found = (x - shift) / scale, []
    for i, layer in enumerate(backbone(net)):
        if i > TAPS[net][-1]:
            break
        prefix = f"features.{i}."
        x = functional_call(layer, {k[len(prefix):]: v for k, v in weights.items() if k.startswith(prefix)}, (x,))
        found += [x] if i in TAPS[net] else []
    return found


def unit(x):
    """x / (|x| + 1e-10), whose slope is none where x is zero."""
    square = (x ** 2).sum(1, keepdim=True)
    zero = square == 0
    return torch.where(zero, torch.zeros_like(x), x / (torch.where(zero, torch.ones_like(square), square).sqrt() + 1e-10))


def distances(net, weights, a, b):
    """A map [N,1,h,w] a layer"""
    pairs = zip(taps(net, weights, a), taps(net, weights, b))
    return [((unit(f) - unit(g)) ** 2 * weights[f"lin{i}.model.1.weight"]).sum(1, keepdim=True) for i, (f, g) in enumerate(pairs)]


def layers(net, weights, a, b):
    return torch.stack([m.mean((1, 2, 3)) for m in distances(net, weights, a, b)], 1)


def check_against_the_package(net, weights, a, b, value):
    model = package.LPIPS(pretrained=False, net=net, pnet_rand=True, verbose=False).eval()
    own = {}
    for key in model.state_dict():
        part = key.split(".")
        if part[0] == "net":                        # net.slice2.3.weight
            own[key] = weights["features." + ".".join(part[2:])]
        elif part[0] in ("lins",):
            own[key] = weights[f"lin{part[1]}." + ".".join(part[2:])]
        elif part[0].startswith("lin"):
            own[key] = weights[key]
    model.load_state_dict({**model.state_dict(), **{k: v.detach() for k, v in own.items()}})
    with torch.no_grad():
        found = model.to(a.dtype)(a.detach(), b.detach()).flatten()
    assert torch.allclose(found, value.detach(), rtol=1e-5, atol=1e-9), (net, found, value)


def picture(x, mask, region):
    if x.dtype == torch.uint8:
        x = (x.double() / 127.5 - 1).permute(0, 3, 1, 2)
    if region == "whole":
        return x
    inside = (mask != 0) == (region == "hole")
    return torch.where(inside[:, None], x, torch.full_like(x, -1))


def lpips(x, config, weights):
    net, region = config.get("net", "alex"), config.get("region", "whole")
    a, b = (picture(x[k], x.get("mask"), region) for k in ("image", "reference"))
    weights = {k: v.to(a.dtype) for k, v in weights.items()}
    if config.get("spatial"):
        return dict(map=sum(F.interpolate(m, a.shape[2:], mode="bilinear", align_corners=False) for m in distances(net, weights, a, b)))
    each = layers(net, weights, a, b)
    if a.dtype == torch.float64 and not torch.is_autocast_enabled("cpu") and len(a):
        check_against_the_package(net, weights, a, b, each.sum(1))
    return dict(value=each.sum(1), layers=each)


# ---- patchgan

def patchgan_shapes(config):
    ndf, n = config.get("ndf", 64), config.get("n_layers", 3)
    shapes = {"main.0.weight": (ndf, config.get("input_nc", 3), 4, 4), "main.0.bias": (ndf,)}
    before = ndf
    for i in range(1, n + 1):
        width = ndf * min(2 ** i, 8)
        shapes[f"main.{3 * i - 1}.weight"] = (width, before, 4, 4)
        shapes.update({f"main.{3 * i}.{k}": (width,) for k in ("weight", "bias", "running_mean", "running_var")})
        before = width
    return {**shapes, f"main.{3 * n + 2}.weight": (1, before, 4, 4), f"main.{3 * n + 2}.bias": (1,)}


def discriminate(x, weights, n_layers, training=True):
    """Logits, and the running statistics after it."""
    w, after = weights, {}
    x = F.leaky_relu(F.conv2d(x, w["main.0.weight"], w["main.0.bias"], stride=2, padding=1), 0.2)
    for i in range(1, n_layers + 1):
        x = F.conv2d(x, w[f"main.{3 * i - 1}.weight"], stride=2 if i < n_layers else 1, padding=1)
        name = f"main.{3 * i}"
        running = [w[f"{name}.running_{k}"].detach().clone() for k in ("mean", "var")]
        x = F.leaky_relu(F.batch_norm(x, *running, w[f"{name}.weight"], w[f"{name}.bias"], training, 0.1, 1e-5), 0.2)
        after.update({f"{name}.running_mean": running[0], f"{name}.running_var": running[1]})
    last = f"main.{3 * n_layers + 2}"
    return F.conv2d(x, w[f"{last}.weight"], w[f"{last}.bias"], padding=1), after


def patchgan(x, config, weights):
    training = config.get("training", True)
    logits, after = discriminate(x["image"], weights, config.get("n_layers", 3), training)
    return dict(logits=logits, **(after if training else {}))


# ---- vae-loss

def part(weights, prefix):
    return {k[len(prefix):]: v for k, v in weights.items() if k.startswith(prefix)}


def parts(x, w, c, weights):
    """nll, g and the logits that g is of"""
    image, made = x["image"], F.conv2d(x["hidden"], w, x["conv_out.bias"], padding=1)
    each = (image - made).abs()
    if c["perceptual_weight"] > 0:
        each = each + c["perceptual_weight"] * layers("vgg", part(weights, "perceptual_loss."), image, made).sum(1)[:, None, None, None]
    logits = discriminate(made, part(weights, "discriminator."), c["disc_num_layers"])[0]
    return each.sum() / len(image) if c["type"] == "kl" else each.mean(), -logits.mean(), logits


def vae_loss(x, config, weights):
    c = {**dict(type="kl", phase="generator", disc_start=50001, disc_factor=1.0, disc_weight=0.5, disc_loss="hinge", disc_num_layers=3,
                perceptual_weight=1.0, kl_weight=1e-6, codebook_weight=1.0), **config}
    f = c["disc_factor"] if int(x["step"]) >= c["disc_start"] else 0.0
    image, w = x["image"], x["conv_out.weight"]
    if c["phase"] == "discriminator":
        made = F.conv2d(x["hidden"], w, x["conv_out.bias"], padding=1)
        real, fake = (discriminate(v.detach(), part(weights, "discriminator."), c["disc_num_layers"])[0] for v in (image, made))
        if c["disc_loss"] == "hinge":
            loss = (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2
        else:
            loss = (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2
        return dict(loss=f * loss, logits_real=real, logits_fake=fake)
    nll, g, logits = parts(x, w, c, weights)
    adaptive = ratio({k: v.detach() for k, v in x.items()}, w, c, weights) * c["disc_weight"]
    out = dict(nll=nll, g=g, adaptive_weight=adaptive, logits_fake=logits)
    if c["type"] == "kl":
        mean, logvar = x["moments"].chunk(2, 1)
        logvar = logvar.clamp(-30, 20)
        out["kl"] = 0.5 * (mean ** 2 + logvar.exp() - 1 - logvar).sum() / len(image)
        more = c["kl_weight"] * out["kl"]
    else:
        more = c["codebook_weight"] * x["codebook_loss"]
    return dict(loss=nll + adaptive * f * g + more, **out)


def ratio(x, w, c, weights):
    """Of the lengths of both gradients at a twin of w."""
    with torch.enable_grad():
        twin = w.detach().clone().requires_grad_(True)
        nll, g, _ = parts(x, twin, c, weights)
        of_nll, = torch.autograd.grad(nll, twin, retain_graph=True)
        of_g, = torch.autograd.grad(g, twin)
    return (of_nll.norm() / (of_g.norm() + 1e-4)).clamp(0, 1e4)


KINDS = {"lpips": lpips, "patchgan": patchgan, "vae-loss": vae_loss}


def constant(kind, config, name):
    """Whether an input or a parameter gets no gradient."""
    if kind == "lpips":
        return name not in ("image", "reference")
    if kind == "vae-loss" and (name.startswith("perceptual_loss.") or (name.startswith("discriminator.") and config.get("phase", "generator") == "generator")):
        return True
    return kind in KINDS and "running_" in name
