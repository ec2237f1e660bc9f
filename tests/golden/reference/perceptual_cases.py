"""Cases of lpips, patchgan and vae-loss: one of each by Inputs, committed, failing and fresh ones."""
import torch

import drawn
import perceptual

NETS = ("alex", "vgg", "squeeze")


def lpips_weights(net, seed=1):
    return {k: drawn.positive(s, seed) if k.startswith("lin") else drawn.weight(s, seed + i) if len(s) == 4 else drawn.tensor(dict(shape=list(s), seed=seed + i, scale=2.0 ** -12, **{"from": -127}))
            for i, (k, s) in enumerate(perceptual.lpips_shapes(net).items())}


def patchgan_weights(m, config):
    weights = {}
    for key, shape in perceptual.patchgan_shapes(config).items():
        if len(shape) == 4:
            weights[key] = m.normal(*shape, scale=torch.Size(shape[1:]).numel() ** -0.5)
        elif key.endswith("running_var"):
            weights[key] = m.uniform(*shape, low=0.3, high=2)
        else:
            weights[key] = m.normal(*shape, scale=0.2) + (key.endswith(".weight"))
    return {k: v.half() for k, v in weights.items()}


def lpips(m, name, config=None, image=(2, 40, 44), upstream=None, bytes=False, region_mask=False, **more):
    config = config or {}
    n, h, w = image
    inputs = dict(image=m.smooth(n, 3, h, w))
    inputs["reference"] = (inputs["image"] + 0.3 * m.normal(n, 3, h, w))
    if bytes:
        inputs = {k: ((v + 1) * 127.5).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous() for k, v in inputs.items()}
    if region_mask:
        inputs["mask"] = m.hole(n, h, w)[:, 0].to(torch.uint8) * m.choose(1, 128, 255)
    return m.finish("lpips", name, inputs, config, lpips_weights(config.get("net", "alex")), upstream=upstream, **more)


def patchgan(m, name, config=None, image=(2, 34, 41), weights=None, **more):
    config = config or {}
    weights = weights or patchgan_weights(m, config)
    inputs = dict(image=m.smooth(image[0], config.get("input_nc", 3), *image[1:]))
    return m.finish("patchgan", name, inputs, config, weights, upstream=("logits",), **more)


def vae_loss(m, name, config=None, image=(2, 24, 28), channels=5, step=7, disc=None, upstream=None, **more):
    config = dict(disc_start=5, disc_num_layers=2, ndf=4, perceptual_weight=0) | (config or {})
    n, h, w = image
    inputs = dict(image=m.smooth(n, 3, h, w), hidden=m.normal(n, channels, h, w), step=torch.tensor(step))
    inputs["conv_out.weight"] = m.normal(3, channels, 3, 3, scale=(9 * channels) ** -0.5)
    inputs["conv_out.bias"] = m.normal(3, scale=0.1)
    if config.get("type", "kl") == "kl":
        inputs["moments"] = m.normal(n, 6, h // 4, w // 4, scale=2)
        if not name.startswith("fresh"):        # exp(20) would be all that a comparison over all outputs sees
            inputs["moments"].view(-1)[-3:] = torch.tensor([25.0, -40.0, 1.0])
    else:
        inputs["codebook_loss"] = m.uniform(low=0.1, high=1)
    weights = {f"discriminator.{k}": v for k, v in (disc or patchgan_weights(m, dict(n_layers=config["disc_num_layers"], ndf=config["ndf"]))).items()}
    if config["perceptual_weight"] > 0:
        weights.update({f"perceptual_loss.{k}": v for k, v in lpips_weights("vgg", 40).items()})
    if upstream is None:
        upstream = ("loss",)
    return m.finish("vae-loss", name, inputs, config, weights, upstream=upstream, **more)


def committed(m):
    yield lpips(m, "alex", image=(1, 37, 44))
    yield lpips(m, "squeeze", dict(net="squeeze"), image=(2, 33, 35))
    yield lpips(m, "vgg", dict(net="vgg"), image=(1, 17, 20))
    yield lpips(m, "layers", dict(net="squeeze"), image=(1, 40, 33), upstream=("layers",))
    yield lpips(m, "spatial", dict(net="squeeze", spatial=True), image=(1, 33, 40))
    yield lpips(m, "hole", dict(net="squeeze", region="hole"), region_mask=True)
    yield lpips(m, "known-bytes", dict(net="squeeze", region="known"), region_mask=True, bytes=True, grad=False)
    yield lpips(m, "bytes", dict(net="squeeze"), bytes=True, grad=False)
    yield lpips(m, "empty-batch", dict(net="squeeze"), image=(0, 33, 33))
    yield lpips(m, "beyond-one", dict(net="squeeze"), image=(1, 33, 33), dtype=torch.float16)
    same = lpips(m, "", dict(net="squeeze"), image=(2, 33, 33), grad=False)
    same.inputs["reference"][0] = same.inputs["image"][0]
    yield m.finish("lpips", "one-pair-is-equal", same.inputs, same.config, same.weights)
    dead = lpips(m, "", dict(net="squeeze"), image=(1, 33, 33), grad=False)         # no feature of the first layer lives in a corner
    for picture in dead.inputs.values():
        picture[:, :, :14, :14] = 0
    bias = dead.weights["features.0.bias"]
    dead.weights["features.0.bias"] = drawn.tensor({**bias.drawn, "scale": -2.0 ** -4, "from": 100})
    yield m.finish("lpips", "few-live", dead.inputs, dead.config, dead.weights)

    plain = dict(ndf=4)
    shared = patchgan_weights(m, plain)
    yield patchgan(m, "plain", plain, weights=shared)
    yield patchgan(m, "evaluation", dict(ndf=4, training=False), weights=shared, image=(1, 24, 24))
    yield patchgan(m, "empty-batch", plain, weights=shared, image=(0, 24, 24))
    yield patchgan(m, "one-logit", dict(ndf=4, n_layers=2, training=False), image=(1, 16, 16))
    counted = patchgan_weights(m, dict(ndf=2, n_layers=4, input_nc=4))
    counted.update({f"main.{3 * i}.num_batches_tracked": torch.tensor(7) for i in range(1, 5)})
    yield patchgan(m, "four-layers", dict(ndf=2, n_layers=4, input_nc=4), image=(3, 49, 56), weights=counted)
    yield patchgan(m, "one-layer", dict(ndf=3, n_layers=1), image=(1, 9, 14), dtype=torch.float64)

    yield vae_loss(m, "kl")
    yield vae_loss(m, "kl-every-output", upstream=("loss", "nll", "g", "kl", "logits_fake"))
    yield vae_loss(m, "vq", dict(type="vq", disc_weight=0.75, codebook_weight=0.3, disc_factor=0.5))
    yield vae_loss(m, "kl-perceptual", dict(perceptual_weight=0.7, kl_weight=0.01), image=(2, 16, 16))
    yield vae_loss(m, "vq-perceptual", dict(type="vq", perceptual_weight=1.0), image=(1, 16, 20))
    yield vae_loss(m, "before-the-start", step=4)
    yield vae_loss(m, "default-start", dict(disc_start=50001), step=50001, dtype=torch.float16)
    for loss in ("hinge", "vanilla"):
        yield vae_loss(m, f"discriminator-{loss}", dict(phase="discriminator", disc_loss=loss))
    yield vae_loss(m, "discriminator-vq", dict(type="vq", phase="discriminator", disc_factor=0.5), upstream=("loss", "logits_real"))
    yield vae_loss(m, "discriminator-before-the-start", dict(phase="discriminator"), step=4)
    far = vae_loss(m, "", grad=False)                # so that the adaptive weight meets its bound
    far.weights["discriminator.main.8.weight"] = far.weights["discriminator.main.8.weight"] * 1e-4
    yield m.finish("vae-loss", "weight-at-its-bound", far.inputs, far.config, far.weights, upstream=("loss",))
    same = vae_loss(m, "", grad=False)
    same.inputs["hidden"][0, :, :9] = 0
    same.inputs["image"][0, :, :8] = same.inputs["conv_out.bias"][:, None, None]
    yield m.finish("vae-loss", "no-difference-here", same.inputs, same.config, same.weights, upstream=("loss",))


def failing(m):
    from failing import changed
    base = lpips(m, "", dict(net="squeeze"), image=(1, 33, 33), grad=False)
    wrong = lambda name, word, **change: changed(base, name, word, **change)
    yield wrong("net-word", "squeeze", config=dict(net="squeez"))
    yield wrong("region-word", "known", config=dict(region="know"))
    yield wrong("no-mask", "mask", config=dict(region="hole"))
    yield wrong("mask-size", "mask", config=dict(region="hole"), inputs=dict(mask=torch.zeros(1, 33, 32, dtype=torch.uint8)))
    yield wrong("sizes", "reference", inputs=dict(reference=m.normal(1, 3, 33, 34)))
    yield wrong("channels", "image", inputs=dict(image=m.normal(1, 4, 33, 33)))
    yield wrong("dtypes", "reference", inputs=dict(reference=m.bytes(1, 33, 33, 3)))
    yield wrong("rank", "image", inputs=dict(image=m.normal(3, 33, 33)))
    yield wrong("too-small", "inside", inputs={k: m.normal(1, 3, 2, 2) for k in ("image", "reference")})
    yield wrong("other-net", "features.8.weight", config=dict(net="alex"))
    yield wrong("missing-head", "lin6.model.1.weight", drop=("lin6.model.1.weight",))
    yield wrong("surplus-head", "lin7.model.1.weight", weights={"lin7.model.1.weight": torch.ones(1, 512, 1, 1)})
    yield wrong("nan", "lin2.model.1.weight", weights={"lin2.model.1.weight": torch.full((1, 256, 1, 1), float("nan"))})
    yield wrong("misshapen", "features.0.bias", weights={"features.0.bias": torch.ones(65)})

    base = patchgan(m, "", dict(ndf=2, n_layers=2), image=(1, 24, 24), grad=False)
    wrong = lambda name, word, **change: changed(base, name, word, **change)
    yield wrong("actnorm", "use_actnorm", config=dict(use_actnorm=True))
    yield wrong("unknown-key", "n_layers", config=dict(n_layer=2))
    yield wrong("layers-zero", "n_layers", config=dict(n_layers=0))
    yield wrong("channels", "image", inputs=dict(image=m.normal(1, 4, 24, 24)))
    yield wrong("too-small", "image", inputs=dict(image=m.normal(1, 3, 7, 24)))
    yield wrong("missing-running", "main.3.running_var", drop=("main.3.running_var",))
    yield wrong("surplus", "main.2.bias", weights={"main.2.bias": torch.ones(4)})
    yield wrong("upstream-of-nothing", "grad.y", inputs={"grad.y": m.normal(1)}, grad=True)

    base = vae_loss(m, "", dict(ndf=2), image=(1, 16, 16), grad=False)
    wrong = lambda name, word, **change: changed(base, name, word, **change)
    yield wrong("type-word", "vq", config=dict(type="vqq"))
    yield wrong("phase-word", "discriminator", config=dict(phase="discriminato"))
    yield wrong("no-moments", "moments", drop=("moments",))
    yield wrong("codebook-for-kl", "codebook_loss", inputs=dict(codebook_loss=torch.tensor(0.5)))
    yield wrong("no-codebook", "codebook_loss", config=dict(type="vq"), drop=("moments",))
    yield wrong("moments-for-vq", "moments", config=dict(type="vq"), inputs=dict(codebook_loss=torch.tensor(0.5)))
    yield wrong("odd-moments", "moments", inputs=dict(moments=m.normal(1, 5, 4, 4)))
    yield wrong("hidden-size", "hidden", inputs=dict(hidden=m.normal(1, 5, 16, 15)))
    yield wrong("conv-channels", "conv_out.weight", inputs={"conv_out.weight": m.normal(3, 4, 3, 3)})
    yield wrong("conv-window", "conv_out.weight", inputs={"conv_out.weight": m.normal(3, 5, 1, 1)})
    yield wrong("nan-weight", "conv_out.weight", inputs={"conv_out.weight": torch.full((3, 5, 3, 3), float("nan"))})
    yield wrong("image-channels", "image", inputs=dict(image=m.normal(1, 1, 16, 16)))
    yield wrong("real-step", "step", inputs=dict(step=torch.tensor(7.0)))
    yield wrong("steps", "step", inputs=dict(step=torch.tensor([7])))
    yield wrong("no-perceptual-weights", "perceptual_loss.features.0.bias", config=dict(perceptual_weight=1))
    yield wrong("missing", "discriminator.main.0.bias", drop=("discriminator.main.0.bias",))
    yield wrong("loss-word", "vanilla", config=dict(disc_loss="vanila"))
    yield wrong("perceptual-negative", "perceptual_weight", config=dict(perceptual_weight=-1))


def fresh_lpips(m, name):
    config = dict(net=m.choose("alex", "squeeze", "squeeze", "vgg"), region=m.choose("whole", "whole", "hole", "known"), spatial=m.int(0, 3) == 0)
    size = (m.choose(1, 2, 3), m.int(35, 70), m.int(35, 70)) if config["net"] != "vgg" else (1, m.int(16, 40), m.int(16, 40))
    return lpips(m, name, config, size, region_mask=config["region"] != "whole")


def fresh_patchgan(m, name):
    config = dict(ndf=m.choose(2, 4, 6, 8), n_layers=m.int(1, 4), input_nc=m.choose(1, 3, 3, 4), training=bool(m.int(0, 2)))
    return patchgan(m, name, config, (m.choose(1, 2, 3), m.int(50, 80), m.int(50, 80)))


def fresh_vae_loss(m, name):
    config = dict(type=m.choose("kl", "vq"), phase=m.choose("generator", "generator", "discriminator"), disc_loss=m.choose("hinge", "vanilla"), ndf=m.choose(4, 8),
                  disc_num_layers=m.int(1, 2), perceptual_weight=m.choose(0, 0, 0.5), kl_weight=m.choose(1e-6, 0.1), disc_weight=m.choose(0.5, 0.8))
    return vae_loss(m, name, config, (m.choose(1, 2, 3), m.int(26, 40), m.int(26, 40)), m.int(3, 17), step=m.int(3, 8))


FRESH = {"lpips": fresh_lpips, "patchgan": fresh_patchgan, "vae-loss": fresh_vae_loss}
