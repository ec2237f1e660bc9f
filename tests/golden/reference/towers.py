"""Text and vision towers: CLIP by transformers, the encoder of Inst-Inpaint by its formula in PyTorch."""
import logging

import torch
import torch.nn.functional as F

logging.getLogger("transformers").setLevel(logging.ERROR)

LAYER = ("layer_norm1", "layer_norm2", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "mlp.fc1", "mlp.fc2")
OURS = ("recompute",)


def published(config):
    return {k: v for k, v in config.items() if k not in OURS}


def text_config(config):
    from transformers import CLIPTextConfig
    return CLIPTextConfig(**{"bos_token_id": None, "pad_token_id": None, "eos_token_id": 49407, **published(config)})


def vision_config(config):
    from transformers import CLIPVisionConfig
    return CLIPVisionConfig(**published(config))


def model_config(config):
    from transformers import CLIPConfig
    text, vision = text_config(config.get("text_config", {})), vision_config(config.get("vision_config", {}))
    return CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=config.get("projection_dim", 512))


def build(name, config):
    """The empty model in evaluation mode: weights are handed to each call. No dropout, so no state."""
    import transformers
    config._attn_implementation = "eager"
    return getattr(transformers, name)(config).eval()


def run(model, weights, **inputs):
    dtype = next((w.dtype for w in weights.values() if w.is_floating_point()), torch.float32)
    own = set(model.state_dict())
    short = {k: v for k, v in weights.items()}
    if not any(k.startswith("text_model.") for k in own):       # transformers 5 has the text tower without its published prefix
        short = {k.removeprefix("text_model."): v for k, v in short.items()}
    short = {k: v for k, v in short.items() if k in own}
    assert set(short) == own, own ^ set(short)
    return torch.func.functional_call(model.to(dtype), short, (), inputs)


def clip_text(x, config, weights):
    y = run(build("CLIPTextModel", text_config(config)), weights, input_ids=x["input_ids"].long(), output_hidden_states=True)
    return dict(last_hidden_state=y.last_hidden_state, pooler_output=y.pooler_output, penultimate_hidden_state=y.hidden_states[-2])


def clip_vision(x, config, weights):
    c = vision_config(config)
    y = run(build("CLIPVisionModelWithProjection", c), weights, pixel_values=x["pixel_values"], output_hidden_states=True)
    norm = [weights[f"vision_model.post_layernorm.{k}"] for k in ("weight", "bias")]
    pooled = F.layer_norm(y.last_hidden_state[:, 0], norm[0].shape, *norm, c.layer_norm_eps)
    return dict(last_hidden_state=y.last_hidden_state, pooler_output=pooled, image_embeds=y.image_embeds, penultimate_hidden_state=y.hidden_states[-2])


def clip_model(x, config, weights):
    ids, image = x["input_ids"].long(), x["pixel_values"]
    y = run(build("CLIPModel", model_config(config)), weights, input_ids=ids, pixel_values=image, return_loss=len(ids) == len(image))
    names = ("image_embeds", "text_embeds", "logits_per_image", "logits_per_text") + ("loss",) * (len(ids) == len(image))
    return {k: y[k] for k in names}


def bert_encoder(x, config, weights):
    w, heads, ids = weights, config.get("heads", 8), x["input_ids"].long()
    linear = lambda name, h: F.linear(h, w[f"{name}.weight"], w.get(f"{name}.bias"))
    norm = lambda name, h: F.layer_norm(h, h.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], 1e-5)
    h = w["token_emb.weight"][ids] + w["pos_emb.emb.weight"][:ids.shape[1]]
    for i in range(config["n_layer"]):
        at, ff = f"attn_layers.layers.{2 * i}", f"attn_layers.layers.{2 * i + 1}"
        n = norm(f"{at}.0", h)
        q, k, v = (linear(f"{at}.1.to_{c}", n).unflatten(2, (heads, -1)).transpose(1, 2) for c in "qkv")
        p = (q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).softmax(-1)
        h = h + linear(f"{at}.1.to_out", (p @ v).transpose(1, 2).flatten(2))
        h = h + linear(f"{ff}.1.net.2", F.gelu(linear(f"{ff}.1.net.0.0", norm(f"{ff}.0", h))))
    return dict(last_hidden_state=norm("norm", h))


def of_any_batch(tower, name):
    """transformers' attention cannot be had of no sample: one is made, and left out of the results."""
    def run_it(x, config, weights):
        if len(x[name]) > 0:
            return tower(x, config, weights)
        return {k: v[:0] for k, v in tower({name: x[name].new_zeros(1, *x[name].shape[1:])}, config, weights).items()}
    return run_it


TAPE = {"clip-text": of_any_batch(clip_text, "input_ids"), "clip-vision": of_any_batch(clip_vision, "pixel_values"),
         "clip-model": clip_model, "bert-encoder": bert_encoder}


# ---- shapes of the weights

def shapes(kind, config):
    if kind == "bert-encoder":
        return bert_shapes(config)
    name, make = {"clip-text": ("CLIPTextModel", text_config), "clip-vision": ("CLIPVisionModelWithProjection", vision_config),
                  "clip-model": ("CLIPModel", model_config)}[kind]
    found = {k: tuple(v.shape) for k, v in build(name, make(config)).state_dict().items()}
    prefix = "text_model." if kind == "clip-text" and not any(k.startswith("text_model.") for k in found) else ""
    return {prefix + k: v for k, v in found.items()}


def bert_shapes(config):
    width, inner = config["n_embed"], config.get("heads", 8) * config.get("dim_head", 64)
    found = {"token_emb.weight": (config.get("vocab_size", 30522), width), "pos_emb.emb.weight": (config.get("max_seq_len", 77), width),
             "norm.weight": (width,), "norm.bias": (width,)}
    for i in range(config["n_layer"]):
        at, ff = f"attn_layers.layers.{2 * i}", f"attn_layers.layers.{2 * i + 1}"
        found.update({f"{m}.0.{k}": (width,) for m in (at, ff) for k in ("weight", "bias")})
        found.update({f"{at}.1.to_{c}.weight": (inner, width) for c in "qkv"})
        found.update({f"{at}.1.to_out.weight": (width, inner), f"{at}.1.to_out.bias": (width,), f"{ff}.1.net.0.0.weight": (4 * width, width),
                      f"{ff}.1.net.0.0.bias": (4 * width,), f"{ff}.1.net.2.weight": (width, 4 * width), f"{ff}.1.net.2.bias": (width,)})
    return found
