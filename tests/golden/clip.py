"""Writes clip_published.safetensors and clip_openai.safetensors: the same numbers under transformers' names and in the layout of OpenAI's state dict.

Shapes by transformers 5.23.0 (PyTorch 2.15.0, safetensors 0.8.0); the layout by openai/CLIP's model.py: nn.MultiheadAttention keeps q, k and v as one tensor,
projections are [width, embedding].
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "reference"))
import tower_cases
from make import Maker

CONFIG = dict(text_config=dict(tower_cases.TEXT, num_hidden_layers=2), vision_config=dict(tower_cases.VISION, num_hidden_layers=1), projection_dim=10)
TOWERS = {"text_model.": "", "vision_model.": "visual."}
NAMES = {"embeddings.token_embedding.weight": "token_embedding.weight", "embeddings.position_embedding.weight": "positional_embedding",
         "embeddings.class_embedding": "class_embedding", "embeddings.patch_embedding.weight": "conv1.weight", "pre_layrnorm": "ln_pre", "post_layernorm": "ln_post",
         "final_layer_norm": "ln_final", "encoder.layers": "transformer.resblocks", "layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj",
         "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}


def openai(published):
    out, rest = {}, dict(published)
    out["logit_scale"] = rest.pop("logit_scale")
    out["text_projection"] = rest.pop("text_projection.weight").T.contiguous()
    out["visual.proj"] = rest.pop("visual_projection.weight").T.contiguous()
    for key in [k for k in rest if ".q_proj." in k]:
        whole = torch.cat([rest.pop(key.replace("q_proj", f"{c}_proj")) for c in "qkv"])
        rest[key.replace("self_attn.q_proj.", "attn.in_proj_")] = whole
    for key, value in rest.items():
        for tower, prefix in TOWERS.items():
            if key.startswith(tower):
                key = prefix + key.removeprefix(tower)
        for ours, theirs in NAMES.items():
            key = key.replace(ours, theirs)
        out[key] = value
    out.update(context_length=torch.tensor(11), vocab_size=torch.tensor(60), input_resolution=torch.tensor(14))
    return out


weights = tower_cases.weights_of(Maker(1), "clip-model", CONFIG)
save_file(weights, HERE / "clip_published.safetensors")
save_file(openai(weights), HERE / "clip_openai.safetensors")
