"""Whether diffusers and transformers load exported networks strictly, and compute with them what the program does: python tests/golden/folders.py build/lacuna

Both ways: a network that these libraries made with drawn weights is saved by them (their own layout, whole and in shards, f32 and f16), imported, exported
again, and loaded back without a missing or surplus key, all tensors to the bit; outputs are held against `lacuna probe` on the exported folder. CLIP comes
also as OpenAI publishes it, a TorchScript archive with f16 weights. Run with torch 2.15.0, diffusers 0.42.1, transformers 5.23.0; no test runs it.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection

TEXT = dict(vocab_size=99, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=1, max_position_embeddings=12, eos_token_id=2)
VISION = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=1, image_size=28, patch_size=7, projection_dim=40)


def unet():
    return UNet2DConditionModel(in_channels=9, out_channels=4, block_out_channels=(32, 64), layers_per_block=1, cross_attention_dim=48, norm_num_groups=8, sample_size=16,
                                down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))


def vae():
    return AutoencoderKL(block_out_channels=(32, 64), down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, norm_num_groups=8)


def clip():
    return CLIPModel(CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=40))


def ids(b=2):
    return torch.randint(3, 98, (b, 9))


NETWORKS = {           # how it is made, its KIND and layout, inputs, and outputs by the KIND's names
    "unet2d-condition": (unet, "diffusers", lambda: dict(sample=torch.randn(2, 9, 10, 7), timestep=torch.tensor([3.0, 481.0]), encoder_hidden_states=torch.randn(2, 5, 48)),
                         lambda m, x: dict(sample=m(**x).sample)),
    "autoencoder-kl": (vae, "diffusers", lambda: dict(image=torch.randn(1, 3, 12, 8)), lambda m, x: dict(mean=m.encode(x["image"]).latent_dist.mean)),
    "clip-text": (lambda: CLIPTextModel(CLIPTextConfig(**TEXT)), "transformers", lambda: dict(input_ids=ids()),
                  lambda m, x: {k: m(**x)[k] for k in ("last_hidden_state", "pooler_output")}),
    "clip-vision": (lambda: CLIPVisionModelWithProjection(CLIPVisionConfig(**VISION)), "transformers", lambda: dict(pixel_values=torch.randn(2, 3, 28, 28)),
                    lambda m, x: {k: m(**x)[k] for k in ("last_hidden_state", "image_embeds")}),
    "clip-model": (clip, "transformers", lambda: dict(input_ids=ids(), pixel_values=torch.randn(2, 3, 28, 28)),
                   lambda m, x: {k: m(**x)[k] for k in ("text_embeds", "image_embeds", "logits_per_image")}),
}


def run(*words):
    subprocess.run([str(w) for w in words], check=True)


def same(a, b, what):
    """a has b's tensors and no others, to the bit."""
    assert sorted(a) == sorted(b), (what, sorted(set(a) ^ set(b))[:8])
    assert all(torch.equal(a[k], b[k]) for k in b), what


def check_outputs(program, kind, folder, model, inputs, outputs):
    x = inputs()
    save_file(x, folder / "in.safetensors")
    run(program, "probe", kind, "--in", folder / "in.safetensors", "--out", folder / "out.safetensors", "--config", folder / "ours" / "config.json", "--weights", folder / "ours")
    found, worst = load_file(folder / "out.safetensors"), 0.0
    with torch.no_grad():
        for name, wanted in outputs(model.eval(), x).items():
            worst = max(worst, float((found[name].double() - wanted.double()).norm() / wanted.double().norm()))
    assert worst < 1e-5, (kind, worst)
    return worst


def check(program, kind, folder):
    make, layout, inputs, outputs = NETWORKS[kind]
    torch.manual_seed(1)
    model = make()
    for name, dtype, shard in (("whole", torch.float32, "5GB"), ("shards", torch.float32, "60KB"), ("half", torch.float16, "5GB")):
        model.to(dtype).save_pretrained(folder / name, max_shard_size=shard)
        wanted = {k: v.float() for k, v in model.state_dict().items()}
        run(program, "import", folder / name, "-o", folder / "m.safetensors")
        run(program, "export", folder / "m.safetensors", "--layout", layout, "-o", folder / "ours")
        back, notes = type(model).from_pretrained(folder / "ours", output_loading_info=True)
        assert not any(notes.values()), (kind, name, notes)
        assert back.dtype == torch.float32, (kind, name, back.dtype)
        same(back.state_dict(), wanted, f"{kind}, {name}")
    worst = check_outputs(program, kind, folder, back, inputs, outputs)
    print(f"{kind}: {len(wanted)} tensors to the bit, whole, in shards and of f16; outputs within {worst:.1e}")


# ---- OpenAI's archive ----

def put(module, way, tensor):
    *path, last = way.split(".")
    for name in path:
        if not hasattr(module, name):
            module.add_module(name, torch.nn.Module())
        module = getattr(module, name)
    module.register_parameter(last, torch.nn.Parameter(tensor, requires_grad=False)) if tensor.is_floating_point() else module.register_buffer(last, tensor)


def openai_names(state):
    """In openai/CLIP's names; q, k and v as one tensor, projections transposed."""
    new = {"embeddings.token_embedding": "token_embedding", "embeddings.position_embedding.weight": "positional_embedding", "embeddings.class_embedding": "class_embedding",
           "embeddings.patch_embedding": "conv1", "pre_layrnorm": "ln_pre", "post_layernorm": "ln_post", "final_layer_norm": "ln_final", "encoder.layers": "transformer.resblocks",
           "layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    out = {"logit_scale": state["logit_scale"], "text_projection": state["text_projection.weight"].T.contiguous(), "visual.proj": state["visual_projection.weight"].T.contiguous()}
    for key, value in state.items():
        if not key.startswith(("text_model.", "vision_model.")) or ".k_proj." in key or ".v_proj." in key or "position_ids" in key:
            continue
        if ".q_proj." in key:
            value = torch.cat([state[key.replace("q_proj", f"{c}_proj")] for c in "qkv"])
            key = key.replace("self_attn.q_proj.", "attn.in_proj_")
        key = key.replace("text_model.", "").replace("vision_model.", "visual.")
        for ours, theirs in new.items():
            key = key.replace(ours, theirs)
        out[key] = value
    return out


class Archive(torch.nn.Module):
    def forward(self, x):
        return x


def check_openai(program, folder):
    torch.manual_seed(2)
    model = clip().half()
    archive = Archive()
    for key, value in openai_names(model.state_dict()).items():
        put(archive, key, value)
    for key, value in (("input_resolution", 28), ("context_length", 12), ("vocab_size", 99)):
        archive.register_buffer(key, torch.tensor(value))
    torch.jit.script(archive).save(str(folder / "clip.pt"))
    for kind, keep in (("clip-model", ""), ("clip-text", "text_model."), ("clip-vision", "vision_model.")):
        run(program, "import", folder / "clip.pt", "--network", kind, "-o", folder / "m.safetensors")
        wanted = {k: v.float() for k, v in model.state_dict().items() if k.startswith(keep) or (kind == "clip-vision" and k.startswith("visual_projection"))}
        same(load_file(folder / "m.safetensors"), {k: v for k, v in wanted.items() if "position_ids" not in k}, f"OpenAI's {kind}")
        print(f"OpenAI's archive, {kind}: {len(wanted)} tensors to the bit")


if __name__ == "__main__":
    diffusers.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for kind in NETWORKS:
        with tempfile.TemporaryDirectory() as place:
            check(sys.argv[1], kind, Path(place))
    with tempfile.TemporaryDirectory() as place:
        check_openai(sys.argv[1], Path(place))
