"""Whether a CompVis checkpoint of three networks is read as diffusers reads it: python tests/golden/checkpoint.py build/lacuna

A pipeline of diffusers with drawn weights is imported, its networks are exported under CompVis' names and saved by torch as one .ckpt among the tensors that
Stable Diffusion's has beside them. diffusers' own converters must make the pipeline's tensors of it again, and `lacuna import` the same model as of the
pipeline. Run with torch 2.15.0, diffusers 0.42.1, transformers 5.23.0; no test runs it.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionInpaintPipeline, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.loaders import single_file_utils
from safetensors.torch import load_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

WORDS = Path(__file__).parents[2] / "data" / "stamps" / "tokenizer"


def pipeline(channels):
    torch.manual_seed(channels)
    unet = UNet2DConditionModel(in_channels=channels, out_channels=4, block_out_channels=(32, 64), layers_per_block=1, cross_attention_dim=64, sample_size=64,
                                down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
    vae = AutoencoderKL(block_out_channels=(32, 32, 64, 64), down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
    text = CLIPTextModel(CLIPTextConfig(vocab_size=1527, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=1,
                                        max_position_embeddings=12, eos_token_id=2, bos_token_id=0, pad_token_id=1))
    words = CLIPTokenizer.from_pretrained(WORDS, model_max_length=12)
    make = StableDiffusionInpaintPipeline if channels == 9 else StableDiffusionPipeline
    return make(vae=vae, unet=unet, text_encoder=text, tokenizer=words, safety_checker=None, feature_extractor=None, requires_safety_checker=False,
                scheduler=PNDMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1))


def same(a, b, what):
    assert sorted(a) == sorted(b), (what, sorted(set(a) ^ set(b))[:8])
    assert all(torch.equal(a[k].reshape(b[k].shape), b[k]) for k in b), what
    print(f"{what}: {len(b)} tensors, equal")


def check(program, channels, folder):
    run = lambda *words: subprocess.run([program, *map(str, words)], check=True)
    pipe = pipeline(channels)
    pipe.save_pretrained(folder / "pipe")
    for name in ("vocab.json", "merges.txt"):
        (folder / "pipe" / "tokenizer" / name).write_bytes((WORDS / name).read_bytes())
    run("import", folder / "pipe", "-o", folder / "model.safetensors")
    state = {"betas": torch.zeros(1000), "model_ema.decay": torch.tensor(0.9999)}
    for role, layout, prefix in (("unet", "compvis", "model.diffusion_model."), ("vae", "compvis", "first_stage_model.")):
        run("export", folder / "model.safetensors", "--network", role, "--layout", layout, "-o", folder / "part.safetensors")
        state |= {k if k.startswith(prefix) else prefix + k: v for k, v in load_file(folder / "part.safetensors").items()}
    state |= {f"cond_stage_model.transformer.{k if k.startswith('text_model.') else 'text_model.' + k}": v for k, v in pipe.text_encoder.state_dict().items()}
    torch.save({"state_dict": state, "global_step": 7, "callbacks": {}}, folder / "model.ckpt")

    same(single_file_utils.convert_ldm_unet_checkpoint(dict(state), pipe.unet.config), pipe.unet.state_dict(), "unet by diffusers")
    same(single_file_utils.convert_ldm_vae_checkpoint(dict(state), pipe.vae.config), pipe.vae.state_dict(), "vae by diffusers")
    run("import", folder / "model.ckpt", "--tokenizer", WORDS, "-o", folder / "again.safetensors")
    same(load_file(folder / "again.safetensors"), load_file(folder / "model.safetensors"), f"checkpoint of {channels} channels")


if __name__ == "__main__":
    for n in (9, 4):
        with tempfile.TemporaryDirectory() as place:
            check(sys.argv[1], n, Path(place))
