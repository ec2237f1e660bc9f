"""DeepFill v2 in plain PyTorch, written from the equations of arXiv:1806.03589 and its authors' conventions.

It shares nothing with the C code: activations are NCHW, weights OIHW, a network is a dict of tensors under probe's key
names and every option is a word of probe's config. Written and checked with PyTorch 2.15; validate_deepfill.py holds it
against published numbers. benchmarks/peers/deepfill_step.py times these same functions.
"""
import math

import torch
import torch.nn.functional as F

# name, filters in units of cnum, kernel, stride, dilation; a name with "upsample" replicates x2 before its convolution
ATROUS = (2, 4, 8, 16)
STAGE1 = ([("conv1", 1, 5, 1, 1), ("conv2_downsample", 2, 3, 2, 1), ("conv3", 2, 3, 1, 1),
           ("conv4_downsample", 4, 3, 2, 1), ("conv5", 4, 3, 1, 1), ("conv6", 4, 3, 1, 1)]
          + [(f"conv{7 + i}_atrous", 4, 3, 1, d) for i, d in enumerate(ATROUS)]
          + [("conv11", 4, 3, 1, 1), ("conv12", 4, 3, 1, 1), ("conv13_upsample", 2, 3, 1, 1), ("conv14", 2, 3, 1, 1),
             ("conv15_upsample", 1, 3, 1, 1), ("conv16", 0.5, 3, 1, 1), ("conv17", None, 3, 1, 1)])
CONV_BRANCH = ([("xconv1", 1, 5, 1, 1), ("xconv2_downsample", 1, 3, 2, 1), ("xconv3", 2, 3, 1, 1),
                ("xconv4_downsample", 2, 3, 2, 1), ("xconv5", 4, 3, 1, 1), ("xconv6", 4, 3, 1, 1)]
               + [(f"xconv{7 + i}_atrous", 4, 3, 1, d) for i, d in enumerate(ATROUS)])
ATTENTION_BRANCH = [("pmconv1", 1, 5, 1, 1), ("pmconv2_downsample", 1, 3, 2, 1), ("pmconv3", 2, 3, 1, 1),
                    ("pmconv4_downsample", 4, 3, 2, 1), ("pmconv5", 4, 3, 1, 1), ("pmconv6", 4, 3, 1, 1)]
AFTER_ATTENTION = [("pmconv9", 4, 3, 1, 1), ("pmconv10", 4, 3, 1, 1)]
DECODER = [("allconv11", 4, 3, 1, 1), ("allconv12", 4, 3, 1, 1), ("allconv13_upsample", 2, 3, 1, 1),
           ("allconv14", 2, 3, 1, 1), ("allconv15_upsample", 1, 3, 1, 1), ("allconv16", 0.5, 3, 1, 1),
           ("allconv17", None, 3, 1, 1)]

ATTENTION_DEFAULTS = dict(ksize=3, rate=2, fuse=True, softmax_scale=10, mode="tf", overlap="fixed",
                          masked_keys="zero", mask_down="nearest")


def generator_config(config):
    config = dict(config)
    config.setdefault("conv", "gated")
    config.setdefault("cnum", 32 if config["conv"] == "vanilla" else 48)
    defaults = dict(mode="tf", output="tanh", input_aux=True, stage2_aux=False, fuse=True, softmax_scale=10,
                    overlap="fixed", masked_keys="zero", mask_down="nearest")
    return {**defaults, **config}


def generator_shapes(config):
    """{key: shape} of all parameters, in the order of the tables."""
    config, shapes = generator_config(config), {}

    def chain(rows, c):
        for name, units, k, _, _ in rows:
            filters = 3 if units is None else int(units * config["cnum"])
            shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (filters, c, k, k), (filters,)
            c = filters // 2 if config["conv"] == "gated" and units is not None else filters
        return c

    stage2 = 5 if config["stage2_aux"] else 3
    chain(STAGE1, 5 if config["input_aux"] else 3)
    merged = chain(CONV_BRANCH, stage2)
    merged += chain(AFTER_ATTENTION, chain(ATTENTION_BRANCH, stage2))
    chain(DECODER, merged)
    return shapes


# ---- padding and resizing


def same_padding(n, k, stride, dilation):
    total = max((math.ceil(n / stride) - 1) * stride + (k - 1) * dilation + 1 - n, 0)
    return total // 2, total - total // 2


def pad_amounts(x, k, stride, dilation, mode):
    """top, bottom, left, right"""
    if mode == "torch":
        return (dilation * (k - 1) // 2,) * 4
    return same_padding(x.shape[2], k, stride, dilation) + same_padding(x.shape[3], k, stride, dilation)


def conv(x, weight, bias, stride=1, dilation=1, mode="tf"):
    top, bottom, left, right = pad_amounts(x, weight.shape[2], stride, dilation, mode)
    if top == bottom and left == right:
        return F.conv2d(x, weight, bias, stride, (top, left), dilation)
    return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, stride, 0, dilation)


def nearest_index(n_in, n_out, align_corners):
    """The arithmetic is float32 on purpose: the rule is."""
    j = torch.arange(n_out, dtype=torch.float32)
    one = torch.tensor(1, dtype=torch.float32)
    if align_corners:
        scale = one * (n_in - 1) / (n_out - 1) if n_out > 1 else one * 0
        at = torch.floor(j * scale + 0.5)
    else:
        at = torch.floor(j * (one * n_in / n_out))
    return at.long().clamp(max=n_in - 1)


def nearest(x, h, w, mode):
    """mode tf: align-corners rounding; torch: floor."""
    rows, columns = (nearest_index(n, m, mode == "tf") for n, m in ((x.shape[2], h), (x.shape[3], w)))
    return x[:, :, rows][:, :, :, columns]


def replicate2(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


def shrink_mask(mask, factor, config):
    if config["mask_down"] == "max":
        return F.max_pool2d(mask, factor)
    return nearest(mask, mask.shape[2] // factor, mask.shape[3] // factor, config["mode"])


# ---- contextual attention


def diagonal_sum(s):
    """s[p-1,q-1] + s[p,q] + s[p+1,q+1] with zeros outside."""
    p = F.pad(s, (1, 1, 1, 1))
    return p[:, :-2, :-2] + s + p[:, 2:, 2:]


def column_major(s, h, w):
    b = s.shape[0]
    return s.view(b, h, w, h, w).permute(0, 2, 1, 4, 3).reshape(b, h * w, h * w)


def propagate(s, h, w):
    s = column_major(diagonal_sum(s), h, w)
    return column_major(diagonal_sum(s), w, h)


def contextual_attention(f, b, mask, config=()):
    """f, b [B,C,H,W], mask [B or 1,1,H,W] -> [B,C,H,W]"""
    config = {**ATTENTION_DEFAULTS, **dict(config)}
    r, k = config["rate"], config["ksize"]
    height, width = f.shape[2:]
    h, w = height // r, width // r

    queries = F.unfold(nearest(f, h, w, config["mode"]), k, padding=k // 2)             # [B, C k k, L]
    keys = F.unfold(nearest(b, h, w, config["mode"]), k, padding=k // 2)
    keys = keys / (keys * keys).sum(1, keepdim=True).clamp(min=1e-8).sqrt()
    scores = queries.transpose(1, 2) @ keys                                             # [B, p, q]
    if config["fuse"]:
        scores = propagate(scores, h, w)

    hole = F.max_pool2d(shrink_mask(mask, r, config), k, stride=1, padding=k // 2)
    valid = (hole == 0).to(scores.dtype).flatten(1)[:, None]                            # [B or 1, 1, q]
    logits = scores * valid * config["softmax_scale"]
    if config["masked_keys"] == "exclude":
        some = valid.amax(2, keepdim=True)                  # without a valid key any finite logits will do: A is 0
        logits = logits.masked_fill((valid == 0) & (some > 0), -math.inf)
    attention = F.softmax(logits, dim=2) * valid

    before, after = r // 2, r - r // 2
    padded = (before, after, before, after)
    patches = F.unfold(F.pad(b, padded), 2 * r, stride=r)                               # [B, C 2r 2r, q]
    pasted = patches @ attention.transpose(1, 2)
    size = (height + r, width + r)
    y = F.fold(pasted, size, 2 * r, stride=r)[:, :, before:before + height, before:before + width]
    if config["overlap"] == "exact":
        ones = torch.ones(1, 4 * r * r, h * w, dtype=y.dtype)
        return y / F.fold(ones, size, 2 * r, stride=r)[:, :, before:before + height, before:before + width]
    return y * 0.25


# ---- networks


def activate(x, name, config):
    act = F.relu if name == "pmconv6" else F.elu
    if config["conv"] == "vanilla":
        return act(x)
    feature, gate = x.chunk(2, dim=1)
    return act(feature) * torch.sigmoid(gate)


def run(params, x, rows, config, trace):
    for name, units, _, stride, dilation in rows:
        if "upsample" in name:
            x = replicate2(x)
        x = conv(x, params[f"{name}.weight"], params[f"{name}.bias"], stride, dilation, config["mode"])
        if units is not None:
            x = activate(x, name, config)
        if trace is not None:
            trace[name] = x
    return x


def generator(params, image, mask, config=(), trace=None):
    """image [B,3,H,W] complete, mask [B or 1,1,H,W], 1 = hole -> x1, x2, complete; trace collects activations."""
    config = generator_config(config)
    squash = torch.tanh if config["output"] == "tanh" else (lambda x: x.clamp(-1, 1))
    known = image * (1 - mask)
    aux = [torch.ones_like(image[:, :1]), mask.expand(image.shape[0], -1, -1, -1)]

    x1 = squash(run(params, torch.cat([known] + aux * config["input_aux"], 1), STAGE1, config, trace))
    stage2 = torch.cat([x1 * mask + known * (1 - mask)] + aux * config["stage2_aux"], 1)
    x = run(params, stage2, CONV_BRANCH, config, trace)
    y = run(params, stage2, ATTENTION_BRANCH, config, trace)
    attention = {k: config[k] for k in ("fuse", "softmax_scale", "mode", "overlap", "masked_keys", "mask_down")}
    y = contextual_attention(y, y, shrink_mask(mask, 4, config), attention)
    if trace is not None:
        trace["contextual attention"] = y
    y = run(params, y, AFTER_ATTENTION, config, trace)
    x2 = squash(run(params, torch.cat([x, y], 1), DECODER, config, trace))
    return x1, x2, x2 * mask + known * (1 - mask)


def discriminator_shapes(width, channels=4):
    shapes = {}
    for i, filters in enumerate((1, 2, 4, 4, 4, 4), 1):
        shapes[f"conv{i}.weight"], shapes[f"conv{i}.bias"] = (filters * width, channels, 5, 5), (filters * width,)
        shapes[f"conv{i}.u"] = (filters * width,)
        channels = filters * width
    return shapes


def unit(x):
    return x / (x.norm() + 1e-12)


def spectral_norm(weight, u, sn_grad="detached"):
    """weight / sigma, sigma and the new u after one power iteration"""
    matrix = weight.flatten(1)
    with torch.set_grad_enabled(torch.is_grad_enabled() and sn_grad == "full"):
        v = unit(matrix.T @ u.detach())
        u_new = unit(matrix @ v)
    sigma = u_new @ (matrix @ v)
    return weight / sigma, sigma, u_new.detach()


def discriminator_weights(params, sn_grad="detached"):
    """The six normalised layers [(weight, bias)], sigma [6], the six new u."""
    layers, sigmas, us = [], [], []
    for i in range(1, 7):
        weight, sigma, u = spectral_norm(params[f"conv{i}.weight"], params[f"conv{i}.u"], sn_grad)
        layers.append((weight, params[f"conv{i}.bias"]))
        sigmas.append(sigma)
        us.append(u)
    return layers, torch.stack(sigmas), us


def discriminate(layers, image, mask, mode="tf", trace=None):
    x = torch.cat([image, mask.expand(image.shape[0], -1, -1, -1)], 1)
    for weight, bias in layers:
        x = F.leaky_relu(conv(x, weight, bias, 2, 1, mode), 0.2)
        if trace is not None:
            trace.append(x)
    return x


# ---- losses


def hinge_d(real, fake):
    return 0.5 * F.relu(1 - real).mean() + 0.5 * F.relu(1 + fake).mean()


def hinge_g(fake):
    return -fake.mean()


def l1(pred, target):
    return (pred - target).abs().mean()


def gan(generator_params, discriminator_params, image, mask, config=()):
    """One iteration's networks and losses, both losses from one discriminator pass; image carries no gradient."""
    config = dict(config)
    sn_grad = config.get("sn_grad", "detached")
    generator_keys = {k: v for k, v in config.items() if k not in ("width", "gan_weight", "l1_weight", "sn_grad", "update_u")}
    mode = config.get("mode", "tf")
    x1, x2, complete = generator(generator_params, image, mask, generator_keys)

    layers, _, _ = discriminator_weights(discriminator_params, sn_grad)
    both = discriminate(layers, torch.cat([image, complete.detach()]), twice(mask), mode)
    real, fake = both.chunk(2)
    constant = [(w.detach(), b.detach()) for w, b in layers]
    fake_of_g = discriminate(constant, complete, mask, mode)
    out = dict(d_loss=hinge_d(real, fake), l1_coarse=l1(x1, image), l1_refine=l1(x2, image), x1=x1, x2=x2, complete=complete)
    out["g_loss"] = (config.get("gan_weight", 1) * hinge_g(fake_of_g)
                     + config.get("l1_weight", 1) * (out["l1_coarse"] + out["l1_refine"]))
    return out


def twice(mask):
    """A mask for [real, fake]; one shared by the whole batch stays one."""
    return mask if mask.shape[0] == 1 else torch.cat([mask, mask])
