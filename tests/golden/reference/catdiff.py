"""Reference of CAT-Diffusion in PyTorch and NumPy: the RefAdapter in diffusers' UNet and in CompVis', SemInpainter, losses, masks."""
import contextlib
import functools
import json
import math

import diffusers
import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from torch import nn

import diffusion
import unet

FUSION = 1024
RELEASED = "model.diffusion_model."


# ---- RefAdapter

def adapt(block, fusion_dim, heads, d_head):
    """Between the two attentions that diffusers' block has; reads block.fusion."""
    dim = block.norm1.normalized_shape[0]
    block.norm4 = nn.LayerNorm(dim)
    block.attn3 = Attention(dim, cross_attention_dim=fusion_dim, heads=heads, dim_head=d_head)

    def forward(h, encoder_hidden_states=None, **_):
        n = block.norm1(h)
        h = h + block.attn1(n)
        h = h + block.attn3(block.norm4(h), encoder_hidden_states=block.fusion)
        h = h + block.attn2(block.norm2(h), encoder_hidden_states=encoder_hidden_states)
        return h + block.ff(block.norm3(h))

    block.forward = forward
    return block


def exactly(x):
    return diffusion.in_double() if x.dtype == torch.float64 else contextlib.nullcontext()


@functools.lru_cache(maxsize=4)
def block_of(config):
    c = json.loads(config)
    with torch.device("meta"):
        block = BasicTransformerBlock(c["dim"], c["n_heads"], c["d_head"], cross_attention_dim=c["context_dim"])
        return adapt(block, c["fusion_dim"], c["n_heads"], c["d_head"]).eval()


BLOCK = dict(dim=320, n_heads=8, d_head=40, context_dim=768, fusion_dim=FUSION)


def block_shapes(config):
    return {k: tuple(v.shape) for k, v in block_of(json.dumps({**BLOCK, **config})).state_dict().items()}


def block(x, config, weights):
    model = block_of(json.dumps({**BLOCK, **config}))
    model.fusion = x["fusion_out"]
    return dict(out=torch.func.functional_call(model, weights, (x["x"],), dict(encoder_hidden_states=x["context"])))


# ---- the UNet

@functools.lru_cache(maxsize=4)
def condition_of(config):
    c = json.loads(config)
    fusion = c.pop("fusion_dim", FUSION)
    with torch.device("meta"):
        model = diffusers.UNet2DConditionModel.from_config(c)
        blocks = [m for m in model.modules() if isinstance(m, BasicTransformerBlock)]
        for b in blocks:
            adapt(b, fusion, b.attn1.heads, b.attn1.inner_dim // b.attn1.heads)
    model.adapted = blocks
    return model.eval()


def condition(x, config, weights):
    model = condition_of(json.dumps(config))
    for b in model.adapted:
        b.fusion = x["fusion_out"]
    with exactly(x["sample"]):
        return dict(sample=torch.func.functional_call(model, weights, (x["sample"], x["timestep"], x["encoder_hidden_states"]), dict(return_dict=False))[0])


def released(config):
    return {"fusion_dim": FUSION, **config}


def ldm(x, config, weights):
    weights = {k.removeprefix(RELEASED): v for k, v in weights.items()}
    timestep = x["timestep"].expand(len(x["sample"]))
    return dict(sample=torch.func.functional_call(unet.ours(json.dumps(released(config))), weights, (x["sample"], timestep, x["encoder_hidden_states"], x["fusion_out"])))


def ref_unet(x, config, weights):
    return (ldm if "model_channels" in config else condition)(x, config, weights)


def unet_shapes(config):
    if "model_channels" in config:
        return {RELEASED + k: v for k, v in unet.ldm_shapes(released(config)).items()}
    return {k: tuple(v.shape) for k, v in condition_of(json.dumps(config)).state_dict().items()}


# ---- SemInpainter

ACT = dict(quick_gelu=lambda x: x * torch.sigmoid(1.702 * x), gelu=F.gelu)
MLP = dict(hidden_act="quick_gelu", hidden_size=1024, intermediate_size=4096)
SEM = dict(hidden_size=1024, intermediate_size=4096, num_attention_heads=16, num_hidden_layers=24, patch_size=14, image_size=224, hidden_act="quick_gelu", layer_norm_eps=1e-5,
           sample=True, global_token=True, text_tokens=1)


def sem_config(config):
    label = dict(hidden_act="quick_gelu", in_channels=768, intermediate_size=3072, out_channels=1024)
    parts = {k: {**default, **config.get(k, {})} for k, default in (("label_mlp", label), ("spatial_mlp", MLP), ("global_mlp", MLP))}
    c = {**SEM, **config, **parts}
    c["side"] = c["image_size"] // c["patch_size"]
    return c


def mlp(wide_in, between, wide_out):
    return nn.ModuleDict(dict(fc1=nn.Linear(wide_in, between), fc2=nn.Linear(between, wide_out)))


def encoder_layer(c):
    width, names = c["hidden_size"], ("k_proj", "v_proj", "q_proj", "out_proj")
    return nn.ModuleDict(dict(self_attn=nn.ModuleDict({n: nn.Linear(width, width) for n in names}), layer_norm1=nn.LayerNorm(width, eps=c["layer_norm_eps"]),
                              mlp=mlp(width, c["intermediate_size"], width), layer_norm2=nn.LayerNorm(width, eps=c["layer_norm_eps"])))


class SemInpainter(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, width = c, c["hidden_size"]
        self.embeddings = nn.ModuleDict(dict(position_embedding=nn.Embedding(c["side"] ** 2, width), mask_embedding=nn.Embedding(2, width)))
        self.encoder = nn.ModuleDict(dict(layers=nn.ModuleList(encoder_layer(c) for _ in range(c["num_hidden_layers"]))))
        self.spatial_mlp = mlp(width, c["spatial_mlp"]["intermediate_size"], width)
        self.label_mlp = mlp(c["label_mlp"]["in_channels"], c["label_mlp"]["intermediate_size"], width)
        if c["global_token"]:
            self.global_mlp = mlp(width, c["global_mlp"]["intermediate_size"], width)
            self.post_layernorm = nn.LayerNorm(width, eps=c["layer_norm_eps"])

    def run(self, name, x):
        part = getattr(self, name)
        return part["fc2"](ACT[self.c[name]["hidden_act"]](part["fc1"](x)))

    def attend(self, a, x):
        n, t, width = x.shape
        heads = self.c["num_attention_heads"]
        q, k, v = (a[p](x).reshape(n, t, heads, -1).transpose(1, 2) for p in ("q_proj", "k_proj", "v_proj"))
        return a["out_proj"](F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, width))

    def forward(self, features, mask, label, pooled=None):
        known, c, width = features[:, 1:], self.c, self.c["hidden_size"]
        m = mask.flatten(1)
        tokens = [self.run("spatial_mlp", known + self.embeddings["position_embedding"].weight + self.embeddings["mask_embedding"](m)), self.run("label_mlp", label)]
        h = torch.cat(([self.run("global_mlp", pooled)] if c["global_token"] else []) + tokens, 1)
        for layer in self.encoder["layers"]:
            h = h + self.attend(layer["self_attn"], layer["layer_norm1"](h))
            h = h + layer["mlp"]["fc2"](ACT[c["hidden_act"]](layer["mlp"]["fc1"](layer["layer_norm2"](h))))
        head, side = int(c["global_token"]), c["side"]
        spatial = h[:, head:head + side * side]
        if c["sample"]:
            m = m[..., None].to(h.dtype)
            blend = (m * spatial + (1 - m) * known).transpose(1, 2).reshape(-1, width, side, side)
            spatial = F.avg_pool2d(blend, 2).flatten(2).transpose(1, 2)
        out = dict(spatial_output=spatial, label_out=h[:, head + side * side:])
        return dict(out, pooled_output=self.post_layernorm(h[:, :1])) if head else out


@functools.lru_cache(maxsize=4)
def sem_of(config):
    with torch.device("meta"):
        return SemInpainter(sem_config(json.loads(config))).eval()


def sem_shapes(config):
    return {"fusion_model." + k: tuple(v.shape) for k, v in sem_of(json.dumps(config)).state_dict().items()}


def sem_inpainter(x, config, weights):
    weights = {k.removeprefix("fusion_model."): v for k, v in weights.items()}
    return torch.func.functional_call(sem_of(json.dumps(config)), weights, (x["spatial_features"], x["mask_values"], x["label_pooled"], x.get("global_pooled")))


# ---- losses

def distill(x, config, weights=None):
    error = ((x["pred_spatial"] - x["target_spatial"]) ** 2).mean(-1)
    painted = x["mask"].to(error.dtype)
    region = painted if config.get("kd_region", "all") == "masked" else torch.ones_like(painted)
    spatial = (region * error).sum() / (painted.sum() + 1)
    if not config.get("global_token", True):
        return dict(loss=spatial, spatial=spatial)
    whole = F.mse_loss(x["pred_global"], x["target_global"])
    return dict(loss=spatial + whole, spatial=spatial, **{"global": whole})


def loss(x, config, weights=None):
    level = torch.cumprod(1 - torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float64) ** 2, 0)[x["timestep"]].to(x["x0"].dtype)[:, None, None, None]
    target = dict(epsilon=x["noise"], sample=x["x0"], v_prediction=level.sqrt() * x["noise"] - (1 - level).sqrt() * x["x0"])[config.get("prediction_type", "epsilon")]
    diffusion_loss, weight = F.mse_loss(x["model_output"], target), config.get("kd_weight", 0)
    if not weight:
        return dict(loss=diffusion_loss, diffusion=diffusion_loss)
    teacher = distill(x, dict(kd_region=config.get("kd_region", "all")))["loss"]
    return dict(loss=diffusion_loss + weight * teacher, diffusion=diffusion_loss, distill=teacher)


# ---- what has no gradient

def masked_cosine(x, config):
    one = int(config.get("plus_one", True))
    a, b, m = x["pred"].double(), x["target"].double(), x["mask"].double()
    cosine = (a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1)).clamp_min(1e-8)
    return dict(cosine=((m * cosine).sum(1) / (m.sum(1) + one)).mean().float())


def smartbrush_mask(x, config):
    hole, sigma = x["mask"].numpy() >= 128, config.get("sigma", 0)
    if sigma == "box" and hole.any():
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        hole[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1] = True
    elif sigma not in (0, "box"):
        r = math.ceil(2 * sigma)
        kernel = np.exp(-np.arange(-r, r + 1) ** 2 / (2 * sigma ** 2))
        b = np.pad(hole.astype(float), r, mode="reflect")
        for axis in (1, 0):
            b = np.apply_along_axis(np.convolve, axis, b, kernel / kernel.sum(), "valid")
        hole = (b >= b.max() / 2) & hole.any()
    return dict(mask=torch.from_numpy(np.ascontiguousarray(hole, np.uint8) * 255))


def condition_dropout(x, config):
    gone = (x["u"] > 0.9)[:, None, None]
    return dict(text=torch.where(gone, x["null_text"], x["text"]), image=torch.where(gone, torch.zeros_like(x["image"]), x["image"]))


KINDS = {"ref-adapter-block": block, "ref-unet": ref_unet, "sem-inpainter": sem_inpainter, "loss/distill": distill, "loss/catdiff": loss}
HOST = {"metric/masked-cosine": masked_cosine, "smartbrush-mask": smartbrush_mask, "condition-dropout": condition_dropout}
