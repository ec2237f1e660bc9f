"""Reference of the first stages: diffusers' AutoencoderKL in double, and CompVis' VQGAN written down in PyTorch."""
import diffusers
import torch
import torch.nn.functional as F

diffusers.logging.set_verbosity_error()         # of attention's old names

# ---- autoencoder-kl

OLD = {"to_q.": "query.", "to_k.": "key.", "to_v.": "value.", "to_out.0.": "proj_attn."}


def kl_model(config):
    return diffusers.AutoencoderKL.from_config({k: v for k, v in config.items() if not k.startswith("_")})


def kl_shapes(config):
    return {k: tuple(v.shape) for k, v in kl_model(config).state_dict().items()}


def renamed(weights, names):
    """Every key with what is on the left put in the place of what is on the right."""
    def new(key):
        for ours, theirs in names.items():
            key = key.replace(theirs, ours)
        return key
    return {new(k): v for k, v in weights.items()}


def is_old(weights):
    return any(".query." in k for k in weights)


def compvis(weights, levels, prefix=""):
    """diffusers' weights under the names of CompVis, in its shapes."""
    out = {}
    for key, v in weights.items():
        for i in range(levels):
            key = key.replace(f"up_blocks.{i}.", f"up.{levels - 1 - i}.") if "up_blocks." in key else key
        for ours, theirs in {"down_blocks.": "down.", "mid_block.resnets.0": "mid.block_1", "mid_block.resnets.1": "mid.block_2",
                             "mid_block.attentions.0.group_norm": "mid.attn_1.norm", "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
                             "mid_block.attentions.0.to_": "mid.attn_1.", "resnets.": "block.", "conv_shortcut": "nin_shortcut",
                             "downsamplers.0": "downsample", "upsamplers.0": "upsample", "conv_norm_out": "norm_out"}.items():
            key = key.replace(ours, theirs)
        out[prefix + key] = v[:, :, None, None] if ".attn_1." in key and v.ndim == 2 else v
    return out


def from_compvis(weights, config):
    """What compvis made, the other way round."""
    prefix = "first_stage_model." if any(k.startswith("first_stage_model.") for k in weights) else ""
    shapes = kl_shapes(config)
    names = compvis({k: torch.zeros(1, 1) for k in shapes}, len(config["block_out_channels"]), prefix)
    return {ours: weights[theirs].reshape(shapes[ours]) for ours, theirs in zip(shapes, names)}


def kl(x, config, weights):
    if any(".down." in k for k in weights):
        weights = from_compvis(weights, config)
    if is_old(weights):
        weights = renamed(weights, OLD)
    model = kl_model(config).to(next(iter(weights.values())).dtype)
    model.eval()
    call = lambda f, *a: torch.func.functional_call(Wrapped(model, f), {f"model.{k}": v for k, v in weights.items()}, a)
    out, sample = {}, None
    if "image" in x:
        p = call(lambda m, v: m.encode(v).latent_dist, x["image"])
        out.update(moments=p.parameters, mean=p.mean, logvar=p.logvar, kl=divergence(p))
        if "noise" in x:
            sample = out["sample"] = p.mean + (0.5 * p.logvar).exp() * x["noise"]
    latent = x.get("latent", sample)
    if latent is not None:
        out["decoded"] = call(lambda m, v: m.decode(v).sample, latent)
    return out


def divergence(p):
    return 0.5 * (p.mean**2 + torch.expm1(p.logvar) - p.logvar).sum((1, 2, 3))


class Wrapped(torch.nn.Module):
    def __init__(self, model, f):
        super().__init__()
        self.model, self.f = model, f

    def forward(self, *a):
        return self.f(self.model, *a)


# ---- vqgan

def attends(c, level):
    return any(r * 2**level == c["resolution"] for r in c["attn_resolutions"])


def coder_shapes(c, name, blocks, order, resample):
    """(key, shape) of an encoder or decoder without its ends; order: the levels as they are run"""
    shapes, ch, width = {}, c["ch"], [c["ch"] * m for m in c["ch_mult"]]

    def conv(key, o, i, k=3):
        shapes[f"{name}.{key}.weight"], shapes[f"{name}.{key}.bias"] = (o, i, k, k), (o,)

    def norm(key, n):
        shapes[f"{name}.{key}.weight"], shapes[f"{name}.{key}.bias"] = (n,), (n,)

    def block(key, i, o):
        norm(f"{key}.norm1", i), conv(f"{key}.conv1", o, i), norm(f"{key}.norm2", o), conv(f"{key}.conv2", o, o)
        if i != o:
            conv(f"{key}.nin_shortcut", o, i, 1)

    def attention(key, n):
        norm(f"{key}.norm", n)
        for part in ("q", "k", "v", "proj_out"):
            conv(f"{key}.{part}", n, n, 1)

    here = ch if name == "encoder" else width[-1]
    conv("conv_in", here, c.get("in_channels", 3) if name == "encoder" else c["z_channels"])
    for level in order:
        for j in range(blocks):
            block(f"{'down' if name == 'encoder' else 'up'}.{level}.block.{j}", here, width[level])
            here = width[level]
            if attends(c, level):
                attention(f"{'down' if name == 'encoder' else 'up'}.{level}.attn.{j}", here)
        if level != order[-1]:
            conv(f"{'down' if name == 'encoder' else 'up'}.{level}.{resample}.conv", here, here)
    middle = width[-1]
    block("mid.block_1", middle, middle), attention("mid.attn_1", middle), block("mid.block_2", middle, middle)
    norm("norm_out", here)
    conv("conv_out", c["z_channels"] if name == "encoder" else c.get("out_ch", 3), here)
    return shapes


def vqgan_shapes(config):
    c, levels = config["ddconfig"], list(range(len(config["ddconfig"]["ch_mult"])))
    z, d = c["z_channels"], config["embed_dim"]
    return {**coder_shapes(c, "encoder", c["num_res_blocks"], levels, "downsample"),
            **coder_shapes(c, "decoder", c["num_res_blocks"] + 1, levels[::-1], "upsample"),
            "quantize.embedding.weight": (config["n_embed"], d), "quant_conv.weight": (d, z, 1, 1), "quant_conv.bias": (d,),
            "post_quant_conv.weight": (z, d, 1, 1), "post_quant_conv.bias": (z,)}


class Coder:
    def __init__(self, weights, name, config):
        self.w, self.name, self.c = weights, name, config["ddconfig"]

    def has(self, key):
        return f"{self.name}.{key}.weight" in self.w

    def of(self, key):
        return self.w[f"{self.name}.{key}.weight"], self.w[f"{self.name}.{key}.bias"]

    def conv(self, key, x, **more):
        return F.conv2d(x, *self.of(key), **more)

    def norm(self, key, x):
        return F.group_norm(x, 32, *self.of(key), eps=1e-6)

    def block(self, key, x):
        h = self.conv(f"{key}.conv1", F.silu(self.norm(f"{key}.norm1", x)), padding=1)
        h = self.conv(f"{key}.conv2", F.silu(self.norm(f"{key}.norm2", h)), padding=1)
        return h + (self.conv(f"{key}.nin_shortcut", x) if self.has(f"{key}.nin_shortcut") else x)

    def attention(self, key, x):
        n, c, h, w = x.shape
        u = self.norm(f"{key}.norm", x)
        q, k, v = (self.conv(f"{key}.{part}", u).reshape(n, c, h * w) for part in "qkv")
        share = torch.softmax(torch.einsum("nci,ncj->nij", q, k) * c**-0.5, -1)
        return x + self.conv(f"{key}.proj_out", torch.einsum("nij,ncj->nci", share, v).reshape(n, c, h, w))

    def middle(self, x):
        return self.block("mid.block_2", self.attention("mid.attn_1", self.block("mid.block_1", x)))

    def level(self, key, level, blocks, x):
        for j in range(blocks):
            x = self.block(f"{key}.{level}.block.{j}", x)
            if attends(self.c, level):
                x = self.attention(f"{key}.{level}.attn.{j}", x)
        return x

    def end(self, x):
        return self.conv("conv_out", F.silu(self.norm("norm_out", x)), padding=1)

    def encode(self, x):
        x = self.conv("conv_in", x, padding=1)
        for i in range(len(self.c["ch_mult"])):
            x = self.level("down", i, self.c["num_res_blocks"], x)
            if self.has(f"down.{i}.downsample.conv"):
                x = self.conv(f"down.{i}.downsample.conv", F.pad(x, (0, 1, 0, 1)), stride=2)
        return self.end(self.middle(x))

    def decode(self, x):
        x = self.middle(self.conv("conv_in", x, padding=1))
        for i in reversed(range(len(self.c["ch_mult"]))):
            x = self.level("up", i, self.c["num_res_blocks"] + 1, x)
            if self.has(f"up.{i}.upsample.conv"):
                x = self.conv(f"up.{i}.upsample.conv", x.repeat_interleave(2, 2).repeat_interleave(2, 3), padding=1)
        return self.end(x)


def nearest(z, codebook):
    """[B,h,w], in double: |z|^2 is the same for all codes"""
    z, e = z.detach().double(), codebook.detach().double()
    return ((e**2).sum(1) - 2 * torch.einsum("bchw,kc->bhwk", z, e)).argmin(-1)


def vqgan(x, config, weights, codes=None):
    """codes [B,h,w]: taken in place of the nearest"""
    codebook, decoder = weights["quantize.embedding.weight"], Coder(weights, "decoder", config)
    decode = lambda q: decoder.decode(F.conv2d(q, weights["post_quant_conv.weight"], weights["post_quant_conv.bias"]))
    look_up = lambda codes: codebook[codes.long()].movedim(-1, 1)
    if "latent" in x:
        return dict(decoded=decode(x["latent"]))
    if "codes" in x:
        quantized = look_up(x["codes"])
        return dict(quantized=quantized, decoded=decode(quantized))
    z = F.conv2d(Coder(weights, "encoder", config).encode(x["image"]), weights["quant_conv.weight"], weights["quant_conv.bias"])
    z, codebook = z.to(codebook.dtype), codebook           # autocast's bf16
    indices = nearest(z, codebook) if codes is None else codes
    e = look_up(indices)
    beta, legacy = config.get("beta", 0.25), config.get("legacy", True)
    commitment, own = ((e.detach() - z) ** 2).mean(), ((e - z.detach()) ** 2).mean()
    loss = commitment + beta * own if legacy else beta * commitment + own
    quantized = Through.apply(z, e.detach())
    return dict(z=z, indices=indices, quantized=quantized, loss=loss, decoded=decode(quantized))


class Through(torch.autograd.Function):
    """e, with z's gradient"""

    @staticmethod
    def forward(ctx, z, e):
        return e.clone()

    @staticmethod
    def backward(ctx, g):
        return g, None
