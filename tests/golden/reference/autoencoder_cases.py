"""Cases of the kinds of first stages: committed, to be refused, and drawn anew."""
import torch

import autoencoder

LEVELS = lambda n: dict(down_block_types=["DownEncoderBlock2D"] * n, up_block_types=["UpDecoderBlock2D"] * n)
SMALL = dict(**LEVELS(2), block_out_channels=[4, 8], norm_num_groups=4, latent_channels=3)
PUBLISHED = {"_class_name": "AutoencoderKL", "_diffusers_version": "0.42.1", "act_fn": "silu", "sample_size": 64, "scaling_factor": 0.18215, "shift_factor": None,
             "latents_mean": None, "latents_std": None, "force_upcast": True, "in_channels": 3, "out_channels": 3, "layers_per_block": 2, "use_quant_conv": True,
             "use_post_quant_conv": True, "mid_block_add_attention": True, "block_out_channels": [4, 8, 8], "norm_num_groups": 2, "latent_channels": 4, **LEVELS(3)}
VQ = dict(embed_dim=4, n_embed=24, ddconfig=dict(ch=32, ch_mult=[1, 1], num_res_blocks=1, attn_resolutions=[], resolution=16, z_channels=3))

ONE = dict(VQ, n_embed=7, ddconfig=dict(VQ["ddconfig"], attn_resolutions=[16], ch_mult=[1]))


def weights_of(m, shapes, louder=1.0):
    """Uniform, of a size that keeps activations near 1; norms near 1, other vectors small; half precision is enough to say them."""
    def draw(key, shape):
        if len(shape) == 1:
            near_one = "norm" in key and key.endswith("weight")
            return m.uniform(*shape, low=0.8 if near_one else -0.2, high=1.2 if near_one else 0.2)
        fan = torch.Size(shape[1:]).numel()
        return m.uniform(*shape) * louder * (3 / fan) ** 0.5
    return {k: draw(k, s).half() for k, s in shapes.items()}


def kl_weights(m, config, louder=1.0):
    return weights_of(m, autoencoder.kl_shapes(config), louder)


def kl(m, name, config, image=None, latent=None, noise=False, weights=None, louder=1.0, **more):
    """image (B, H, W), latent (B, h, w)"""
    z, f = config.get("latent_channels", 4), 2 ** (len(config["block_out_channels"]) - 1)
    inputs = {}
    if image:
        inputs["image"] = m.normal(image[0], config.get("in_channels", 3), *image[1:])
    if latent:
        inputs["latent"] = m.normal(latent[0], z, *latent[1:])
    if noise:
        inputs["noise"] = m.normal(image[0], z, image[1] // f, image[2] // f)
    return m.finish("autoencoder-kl", name, inputs, config, weights or kl_weights(m, config, louder), **more)


def vq_weights(m, config):
    weights = weights_of(m, autoencoder.vqgan_shapes(config))
    book = weights["quantize.embedding.weight"]
    if len(book) > 3:
        book[len(book) // 2] = book[1]              # equal codes: the lowest is chosen
    return weights


def vq(m, name, config, image=None, latent=None, codes=None, weights=None, **more):
    c = config["ddconfig"]
    inputs = {}
    if image:
        inputs["image"] = m.normal(image[0], c.get("in_channels", 3), *image[1:])
    if latent:
        inputs["latent"] = m.normal(latent[0], config["embed_dim"], *latent[1:])
    if codes:
        inputs["codes"] = torch.randint(0, config["n_embed"], codes, generator=m.g)
    grads = {"image": ["z", "quantized", "loss", "decoded"], "latent": ["decoded"], "codes": ["quantized", "decoded"]}[next(iter(inputs))]
    return m.finish("vqgan", name, inputs, config, weights or vq_weights(m, config), **{"upstream": grads, **more})


def committed(m):
    from make import Maker
    w = kl_weights(m, SMALL)
    yield kl(m, "plain", SMALL, image=(2, 8, 12), noise=True, weights=w)
    yield kl(m, "image-alone", SMALL, image=(1, 6, 4), weights=w)
    yield kl(m, "latent-alone", SMALL, latent=(3, 5, 3), weights=w)
    yield kl(m, "image-and-latent", SMALL, image=(1, 4, 4), latent=(2, 1, 1), noise=True, weights=w)
    yield kl(m, "only-kl", SMALL, image=(2, 4, 6), noise=True, weights=w, upstream=["kl"])
    flat = dict(SMALL, mid_block_add_attention=False)        # diffusers' attention takes no empty batch
    yield kl(m, "empty-batch", flat, image=(0, 4, 4), noise=True, weights={k: v for k, v in w.items() if ".attentions." not in k}, grad=False)
    loud = dict(w)
    loud["quant_conv.weight"], loud["quant_conv.bias"] = w["quant_conv.weight"] * 40, w["quant_conv.bias"] * 40
    yield kl(m, "clamped", SMALL, image=(2, 8, 8), weights=loud)
    yield kl(m, "old-names", SMALL, image=(1, 4, 6), noise=True, weights=autoencoder.renamed(w, {v: k for k, v in autoencoder.OLD.items()}))
    yield kl(m, "compvis-names", SMALL, image=(1, 6, 4), noise=True, weights=autoencoder.compvis(w, 2, "first_stage_model."))
    yield kl(m, "published-config", PUBLISHED, image=(1, 8, 12), noise=True)
    bare = dict(SMALL, use_quant_conv=False, use_post_quant_conv=False, mid_block_add_attention=False, in_channels=1, out_channels=2, latent_channels=2)
    yield kl(m, "without-extras", bare, image=(1, 4, 6), noise=True)
    yield kl(m, "one-level", dict(LEVELS(1), block_out_channels=[6], norm_num_groups=3, layers_per_block=1), image=(1, 3, 5), noise=True)

    w = vq_weights(Maker(29), VQ)               # those of the calls to be refused
    yield vq(m, "plain", VQ, image=(2, 8, 12), weights=w)
    yield vq(m, "oblong", VQ, image=(1, 4, 6), weights=w, grad=False)
    yield vq(m, "latent", VQ, latent=(2, 3, 1), weights=w, grad=False)
    yield vq(m, "empty-batch", VQ, latent=(0, 3, 1), weights=w, grad=False)
    w = vq_weights(m, ONE)
    yield vq(m, "attention-at-a-level", ONE, image=(1, 3, 5), weights=w, grad=False)
    yield vq(m, "codes", ONE, codes=(2, 3, 4), weights=w)


def failing(m):
    from failing import changed
    from make import Maker
    base = kl(m, "", SMALL, image=(1, 4, 4), noise=True, grad=False)
    no = lambda name, word, **change: changed(base, name, word, **change)
    yield no("no-input", "image", drop=("image", "noise"))
    yield no("noise-without-image", "noise", drop=("image",), inputs=dict(latent=m.normal(1, 3, 2, 2)))
    yield no("height", "multiple of 2", inputs=dict(image=m.normal(1, 3, 5, 4)))
    yield no("no-pixels", "multiple of 2", inputs=dict(image=m.normal(1, 3, 0, 4)))
    yield no("image-channels", "image", inputs=dict(image=m.normal(1, 1, 4, 4)))
    yield no("latent-channels", "latent", inputs=dict(latent=m.normal(1, 4, 4, 4)))
    yield no("noise-size", "noise", inputs=dict(noise=m.normal(1, 3, 4, 4)))
    yield no("image-rank", "image", inputs=dict(image=m.normal(3, 4, 4)))
    yield no("image-dtype", "image", inputs=dict(image=torch.zeros(1, 3, 4, 4, dtype=torch.uint8)))
    yield no("surplus", "mask", inputs=dict(mask=m.normal(1, 1, 4, 4)))
    yield no("upstream-of-nothing", "grad.decoded", inputs={"grad.decoded": m.normal(1, 3, 4, 4)}, drop=("noise",), grad=True)
    yield no("unknown-key", "block_out_channels", config=dict(block_out_channel=[4, 8]))
    yield no("activation", "silu", config=dict(act_fn="relu"))
    yield no("block-type", "DownEncoderBlock2D", config=dict(down_block_types=["DownEncoderBlock2D", "DownEncoderBlock"]))
    yield no("up-block-types", "up_block_types", config=dict(up_block_types=["UpDecoderBlock2D"]))
    yield no("down-block-types", "down_block_types", config=dict(down_block_types=["DownEncoderBlock2D"] * 3))
    yield no("groups", "norm_num_groups", config=dict(norm_num_groups=3))
    yield no("missing-key", "decoder.conv_in.bias", drop=("decoder.conv_in.bias",))
    yield no("surplus-key", "encoder.conv_in.gain", weights={"encoder.conv_in.gain": torch.zeros(4)})
    yield no("misshapen-key", "quant_conv.weight", weights={"quant_conv.weight": torch.zeros(3, 6, 1, 1)})
    yield no("nan-weight", "quant_conv.bias", weights={"quant_conv.bias": torch.full((6,), float("nan"))})
    yield no("infinite-weight", "quant_conv.bias", weights={"quant_conv.bias": torch.full((6,), float("inf"))})
    old = changed(base, "", None, weights=None)
    old.weights = autoencoder.renamed(base.weights, {v: k for k, v in autoencoder.OLD.items()})
    yield changed(old, "old-missing-key", "mid_block.attentions.0.key.bias", drop=("decoder.mid_block.attentions.0.key.bias",))
    without = changed(base, "no-weights", "weights")
    without.weights = None
    yield without

    base = vq(m, "", VQ, image=(1, 4, 4), weights=vq_weights(Maker(29), VQ), grad=False)
    no = lambda name, word, **change: changed(base, name, word, **change)
    yield no("two-inputs", "exactly one", inputs=dict(latent=m.normal(1, 4, 2, 2)))
    yield no("no-input", "exactly one", drop=("image",))
    yield no("width", "multiple of 2", inputs=dict(image=m.normal(1, 3, 4, 7)))
    yield no("code-too-large", "codes", drop=("image",), inputs=dict(codes=torch.full((1, 2, 2), 24)))
    yield no("code-negative", "codes", drop=("image",), inputs=dict(codes=torch.full((1, 2, 2), -1)))
    yield no("codes-of-floats", "codes", drop=("image",), inputs=dict(codes=torch.zeros(1, 2, 2)))
    yield no("upstream-of-indices", "grad.indices", inputs={"grad.indices": torch.zeros(1, 2, 2)}, grad=True)
    yield no("double-z", "double_z", config=dict(ddconfig=dict(VQ["ddconfig"], double_z=True)))
    yield no("dropout", "dropout", config=dict(ddconfig=dict(VQ["ddconfig"], dropout=0.1)))
    yield no("no-embed-dim", "embed_dim", config=dict(embed_dim=None))
    yield no("width-and-groups", "ch", config=dict(ddconfig=dict(VQ["ddconfig"], ch=48)))
    yield no("unknown-inner-key", "num_res_blocks", config=dict(ddconfig=dict(VQ["ddconfig"], num_res_block=1)))


def fresh_kl(m, name):
    n = m.int(1, 3)
    groups = m.choose(1, 2, 4)
    config = dict(LEVELS(n), block_out_channels=[groups * m.int(1, 6) for _ in range(n)], norm_num_groups=groups, latent_channels=m.int(1, 5), layers_per_block=m.int(1, 3),
                  in_channels=m.int(1, 4), out_channels=m.int(1, 4), use_quant_conv=bool(m.int(0, 2)), use_post_quant_conv=bool(m.int(0, 2)),
                  mid_block_add_attention=bool(m.int(0, 3)))
    f = 2 ** (n - 1)
    image = (m.int(1, 3), f * m.int(1, 9), f * m.int(1, 9)) if m.int(0, 3) else None
    latent = (m.int(1, 3), m.int(1, 7), m.int(1, 7)) if image is None or m.int(0, 1) else None
    return kl(m, name, config, image, latent, noise=image is not None and bool(m.int(0, 3)))


def fresh_vq(m, name):
    n = m.int(1, 3)
    config = dict(embed_dim=m.int(1, 8), n_embed=m.choose(1, 7, 300), beta=m.choose(0.25, 1), legacy=bool(m.int(0, 1)),
                  ddconfig=dict(ch=32, ch_mult=[m.int(1, 2) for _ in range(n)], num_res_blocks=m.int(1, 2), resolution=16, attn_resolutions=m.choose([], [16], [8, 4]),
                                z_channels=m.int(1, 5), in_channels=m.int(1, 4), out_ch=m.int(1, 4), dropout=0.0, double_z=False))
    f, kind = 2 ** (n - 1), m.choose("image", "image", "latent", "codes")
    sizes = (m.int(1, 3), m.int(1, 7), m.int(1, 7))
    return vq(m, name, config, **{kind: (sizes[0], f * sizes[1], f * sizes[2]) if kind == "image" else sizes})


FRESH = {"autoencoder-kl": fresh_kl, "vqgan": fresh_vq}
