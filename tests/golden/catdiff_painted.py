"""CAT-Diffusion from picture to picture, on networks of random numbers: tests/golden/catdiff. Run: python tests/golden/catdiff_painted.py

diffusers' autoencoder, UNet and DDIM, transformers' CLIP towers and tokenizer, and SemInpainter and RefAdapter of reference/catdiff.py, all in double; Pillow's
resizing. Made with torch 2.15.0, diffusers 0.42.1, transformers 5.23.0, Pillow 13.0.0. What is drawn at random is the program's (pipeline.py has Philox).
"""
import math

import numpy as np
import torch
from PIL import Image

import painted
from painted import chw, read_text

import autoencoder
import catdiff
import diffusion
import pipeline
import towers

torch.set_default_dtype(torch.float64)
MEAN, STD = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
MLP = dict(hidden_size=16, intermediate_size=20)
CONFIG = {
    "unet": dict(in_channels=9, out_channels=4, block_out_channels=[8, 16], layers_per_block=1, norm_num_groups=4, cross_attention_dim=12, attention_head_dim=2, fusion_dim=16,
                 down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"]),
    "vae": dict(block_out_channels=[4, 8, 8, 8], layers_per_block=1, norm_num_groups=4, latent_channels=4, down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4),
    "text_encoder": painted.TEXT_ENCODER,
    "clip_vision": dict(hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14, projection_dim=8),
    "sem_inpainter": dict(hidden_size=16, intermediate_size=24, num_attention_heads=2, num_hidden_layers=2, patch_size=14, image_size=56,
                          label_mlp=dict(in_channels=12, intermediate_size=9, out_channels=16), spatial_mlp=MLP, global_mlp=MLP),
}
NETWORK = {"unet": "unet2d-condition", "vae": "autoencoder-kl", "text_encoder": "clip-text", "clip_vision": "clip-vision", "sem_inpainter": "sem-inpainter"}
SHAPES = {"unet": catdiff.unet_shapes, "vae": autoencoder.kl_shapes, "text_encoder": lambda c: towers.shapes("clip-text", c),
          "clip_vision": lambda c: towers.shapes("clip-vision", c), "sem_inpainter": catdiff.sem_shapes}
SCHEDULER = dict(_class_name="DDIMScheduler", set_alpha_to_one=False, steps_offset=1, beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, clip_sample=False)
DEFAULTS = dict(system="catdiff", seed=0, sample=0, prompt=None, negative=None, steps=3, guidance_scale=7.5, encode="sample", hole_fill="grey", mask_rule="nearest", paste="none")
CASES = {
    "three steps": dict(size=(64, 80), hole=(10, 20, 30, 44), prompt="a red star on a wall", seed=3),
    "ten steps, and what not to paint": dict(size=(64, 64), hole=(24, 5, 37, 50), prompt="a dog", negative="a photo of a cat", steps=10, guidance_scale=2.5, seed=2**40 + 4, sample=9),
    "black hole, odd sides": dict(size=(45, 70), hole=(0, 31, 29, 39), prompt="two birds", encode="mean", hole_fill="black", mask_rule="half", paste="hard", seed=5),
    "without guidance": dict(size=(32, 48), hole=(8, 8, 15, 17), prompt="a dog", guidance_scale=1, seed=6),
    "without SemInpainter": dict(size=(64, 80), hole=(10, 20, 30, 44), prompt="a red star on a wall", system="catdiff-masked", seed=3),
}


def weights(role, g):
    """Of half precision; so large that each part is heard in the picture."""
    out = {}
    for key, shape in SHAPES[role](CONFIG[role]).items():
        norm = len(shape) == 1 and key.endswith("weight")
        size = 1 if "embedding" in key and role != "unet" else 0.2 if len(shape) == 1 else math.prod(shape[1:]) ** -0.5
        size *= {"vae": 0.3 if "decoder.conv_out" in key else 1, "unet": 3 if "attn" in key or "linear_2" in key else 1}.get(role, 1)
        out[key] = (size * torch.randn(shape, generator=g) + norm).half()
    return out


# ---- the parts

def resized(a, h, w):
    """Bicubic, across first."""
    return np.asarray(Image.fromarray(a).resize((w, a.shape[0]), Image.BICUBIC).resize((w, h), Image.BICUBIC))


def noise(c, purpose, h, w, index=0):
    x = pipeline.normals(c["seed"], purpose, 4 * h * w, index, c["sample"]).astype(np.float32)
    return chw(x.reshape(h, w, 4))


def visual_prompt(model, c, image, mask, pooled):
    size, patch = CONFIG["clip_vision"]["image_size"], CONFIG["clip_vision"]["patch_size"]
    small = resized(mask, size, size)
    m = small[..., None] / 255
    seen = (resized(image, size, size) * (1 - m) + 127 * m).astype(np.uint8) / 255
    clip = towers.clip_vision(dict(pixel_values=chw((seen - MEAN) / STD)), CONFIG["clip_vision"], model["clip_vision"])
    cells = (small >= 128).reshape(size // patch, patch, size // patch, patch).any((1, 3))
    if c["system"] == "catdiff-masked":
        v = clip["last_hidden_state"][:, 1:].transpose(1, 2).unflatten(2, cells.shape)
        return torch.nn.functional.avg_pool2d(v, 2).flatten(2).transpose(1, 2)
    x = dict(spatial_features=clip["last_hidden_state"], mask_values=torch.from_numpy(cells.astype(int))[None], label_pooled=pooled[:, None], global_pooled=clip["pooler_output"][:, None])
    return catdiff.sem_inpainter(x, CONFIG["sem_inpainter"], model["sem_inpainter"])["spatial_output"]


def beside(model, c, image, mask):
    h, w = mask.shape[0] // 8, mask.shape[1] // 8
    x = chw(image) / 127.5 - 1
    x[:, :, torch.from_numpy(mask > 0)] = dict(grey=0.0, black=-1.0)[c["hole_fill"]]
    y = autoencoder.kl(dict(image=x), CONFIG["vae"], model["vae"])
    z = y["mean"] if c["encode"] == "mean" else y["mean"] + (0.5 * y["logvar"]).exp() * noise(c, "latent/encode", h, w)
    cells = mask[::8, ::8] if c["mask_rule"] == "nearest" else resized(mask, h, w)
    return torch.cat((chw((cells >= 128)[..., None]), 0.18215 * z), 1)


def sampled(model, c, z, known, text, visual):
    guided = c["guidance_scale"] != 1
    with diffusion.in_double():
        s = diffusion.opened({**SCHEDULER, "num_inference_steps": c["steps"]})
        for t in s.timesteps:
            x = torch.cat((z, known), 1).expand(1 + guided, -1, -1, -1)
            e = catdiff.ref_unet(dict(sample=x, timestep=t, encoder_hidden_states=text, fusion_out=visual), CONFIG["unet"], model["unet"])["sample"]
            e = e[:1] + c["guidance_scale"] * (e[1:] - e[:1]) if guided else e
            z = s.step(e, t, z).prev_sample
    return z


def paint(model, words, c, image, mask):
    whole, hole = painted.on_whole_cells(image, mask)
    said = [read_text(model, words, c[k]) for k in ("negative", "prompt")]
    v = visual_prompt(model, c, whole, hole, said[1]["pooler_output"])
    guided = slice(0 if c["guidance_scale"] != 1 else 1, 2)
    text, visual = torch.cat([s["last_hidden_state"] for s in said][guided]), torch.cat([torch.zeros_like(v), v][guided])
    z = sampled(model, c, noise(c, "latent/start", hole.shape[0] // 8, hole.shape[1] // 8), beside(model, c, whole, hole), text, visual)
    y = painted.bytes_of(autoencoder.kl(dict(latent=z / 0.18215), CONFIG["vae"], model["vae"])["decoded"][0].permute(1, 2, 0).numpy(), image)
    return np.where(mask[..., None] > 0, y, image) if c["paste"] == "hard" else y


# ---- what is written

def without(model, word):
    """The same networks, what has the word in its name at zero."""
    return {role: {k: torch.zeros_like(v) if word in k else v for k, v in w.items()} for role, w in model.items()}


def heard(model, words, c, image, mask, y):
    """How many grey levels each part makes in the hole."""
    parts = ("attn3.to_out", "attn2.to_out", "spatial_mlp.fc2", "global_mlp.fc2", "label_mlp.fc2", "mask_embedding", "encoder.mid_block")
    if c["system"] != "catdiff" or c["guidance_scale"] == 1:
        return {}
    return {p: float(abs(paint(without(model, p), words, c, image, mask).astype(int) - y)[mask > 0].mean().round(2)) for p in parts}


def main():
    folder, g, words = painted.HERE / "catdiff", torch.Generator().manual_seed(8400), painted.tokenizer()
    folder.mkdir(exist_ok=True)
    stored = {role: weights(role, g) for role in CONFIG}
    painted.save_model(stored, folder, "catdiff", NETWORK, CONFIG, dict(scheduler=SCHEDULER))
    painted.paint_all(folder, stored, CASES, DEFAULTS, lambda m, *given: paint(m, words, *given), lambda m, *given: heard(m, words, *given))


main()
