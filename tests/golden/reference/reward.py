"""ImageReward and HPS v2 by transformers' BLIP and CLIP, under the names of the published files."""
import torch
import torch.nn.functional as F

import towers

VISION = (("cls_token", "embeddings.class_embedding"), ("pos_embed", "embeddings.position_embedding"), ("patch_embed.proj.", "embeddings.patch_embedding."),
          ("blocks.", "encoder.layers."), (".norm1.", ".layer_norm1."), (".norm2.", ".layer_norm2."), (".attn.qkv.", ".self_attn.qkv."),
          (".attn.proj.", ".self_attn.projection."))
HPS = (("visual.transformer.resblocks.", "vision_model.encoder.layers."), ("transformer.resblocks.", "text_model.encoder.layers."), (".ln_1.", ".layer_norm1."),
       (".ln_2.", ".layer_norm2."), (".attn.out_proj.", ".self_attn.out_proj."), (".mlp.c_fc.", ".mlp.fc1."), (".mlp.c_proj.", ".mlp.fc2."),
       ("visual.conv1.", "vision_model.embeddings.patch_embedding."), ("visual.class_embedding", "vision_model.embeddings.class_embedding"),
       ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"), ("visual.ln_pre.", "vision_model.pre_layrnorm."),
       ("visual.ln_post.", "vision_model.post_layernorm."), ("token_embedding.", "text_model.embeddings.token_embedding."),
       ("ln_final.", "text_model.final_layer_norm."))
LAYERS = (0, 2, 4, 6, 7)
UNUSED = ("blip.vision_proj.", "blip.text_proj.", "blip.text_encoder.embeddings.position_ids")


def renamed(key, pairs):
    for theirs, here in pairs:
        key = key.replace(theirs, here)
    return key


def count(w, form):
    n = 0
    while form.format(n) in w:
        n += 1
    return n


# ---- ImageReward

def of(w, prefix):
    return {k.removeprefix(prefix): v for k, v in w.items() if k.startswith(prefix)}


def vision(image, heads, w):
    from transformers import BlipVisionConfig
    w = of(w, "blip.visual_encoder.")
    c = BlipVisionConfig(hidden_size=w["norm.weight"].numel(), intermediate_size=len(w["blocks.0.mlp.fc1.weight"]), num_hidden_layers=count(w, "blocks.{}.norm1.weight"),
                         num_attention_heads=heads or w["norm.weight"].numel() // 64, image_size=image.shape[-1], patch_size=w["patch_embed.proj.weight"].shape[-1],
                         layer_norm_eps=1e-6)
    own = {renamed(k, VISION): v for k, v in w.items() if not k.startswith("norm.")}
    own.update({f"post_layernorm.{k}": w[f"norm.{k}"] for k in ("weight", "bias")})
    return towers.run(towers.build("BlipVisionModel", c), own, pixel_values=image).last_hidden_state


def text(ids, states, heads, w):
    from transformers import BlipTextConfig
    from transformers.models.blip.modeling_blip_text import BlipTextModel
    w = {k: v for k, v in of(w, "blip.text_encoder.").items() if not k.endswith("position_ids")}
    words, width = w["embeddings.word_embeddings.weight"].shape
    c = BlipTextConfig(vocab_size=words, hidden_size=width, encoder_hidden_size=states.shape[-1], intermediate_size=len(w["encoder.layer.0.intermediate.dense.weight"]),
                       num_hidden_layers=count(w, "encoder.layer.{}.intermediate.dense.weight"), num_attention_heads=heads or width // 64,
                       max_position_embeddings=len(w["embeddings.position_embeddings.weight"]), bos_token_id=None, sep_token_id=None, eos_token_id=None, is_decoder=True)
    c._attn_implementation = "eager"
    seen = ids != 0
    seen[:, 0] = True
    return towers.run(BlipTextModel(c, add_pooling_layer=False).eval(), w, input_ids=ids, attention_mask=seen.long(), encoder_hidden_states=states,
                      encoder_attention_mask=torch.ones(states.shape[:2], dtype=torch.long), is_decoder=False).last_hidden_state


def image_reward(x, config, w):
    states = vision(x["pixel_values"], config.get("vision_heads", 0), w)
    hidden = text(x["input_ids"].long(), states, config.get("text_heads", 0), w)[:, 0]
    h = hidden
    for i in LAYERS:
        h = F.linear(h, w[f"mlp.layers.{i}.weight"], w[f"mlp.layers.{i}.bias"])
    return dict(image_states=states, hidden=hidden, value=(h[:, 0] - 0.16717362830052426) / 1.0333394966054072)


# ---- HPS

def as_transformers(w):
    own = {}
    for key, value in w.items():
        name = renamed(key, HPS)
        if ".attn.in_proj_" in key:
            for part, c in zip(value.chunk(3), "qkv"):
                own[name.replace("attn.in_proj_", f"self_attn.{c}_proj.")] = part
        elif key in ("text_projection", "visual.proj"):
            own["text_projection.weight" if key == "text_projection" else "visual_projection.weight"] = value.T
        else:
            own["text_model.embeddings.position_embedding.weight" if key == "positional_embedding" else name] = value
    return own


def hps(x, config, w):
    from transformers import CLIPConfig
    wide, narrow = (len(w[f"{k}.weight"]) for k in ("visual.ln_post", "ln_final"))
    tower = lambda width, key, **more: dict(hidden_size=width, hidden_act="gelu", intermediate_size=len(w[f"{key}.0.mlp.c_fc.weight"]),
                                            num_hidden_layers=count(w, key + ".{}.ln_1.weight"), **more)
    v = tower(wide, "visual.transformer.resblocks", num_attention_heads=config.get("vision_heads") or wide // 80, image_size=x["pixel_values"].shape[-1],
              patch_size=w["visual.conv1.weight"].shape[-1])
    t = tower(narrow, "transformer.resblocks", num_attention_heads=config.get("text_heads") or narrow // 64, vocab_size=len(w["token_embedding.weight"]),
              max_position_embeddings=len(w["positional_embedding"]), bos_token_id=None, pad_token_id=None, eos_token_id=2)
    c = CLIPConfig(text_config=t, vision_config=v, projection_dim=w["visual.proj"].shape[1])
    y = towers.run(towers.build("CLIPModel", c), as_transformers(w), input_ids=x["input_ids"].long(), pixel_values=x["pixel_values"])
    return dict(image_embeds=y.image_embeds, text_embeds=y.text_embeds)


def of_any_batch(network):
    """As in towers.py, of both inputs."""
    def run_it(x, config, w):
        if len(x["pixel_values"]) > 0:
            return network(x, config, w)
        one = {k: v.new_zeros(1, *v.shape[1:]) for k, v in x.items()}
        return {k: v[:0] for k, v in network(one, config, w).items()}
    return run_it


TAPE = {"image-reward": of_any_batch(image_reward), "hps": of_any_batch(hps)}
