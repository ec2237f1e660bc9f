"""Whether diffusers paints with an exported model as the program does: python tests/golden/pipeline.py build/lacuna MODEL [PROMPT]

Exports the model (one of several networks: weights/mini-inpaint.safetensors) to a folder, loads that strictly as a pipeline, and paints one picture with
both from the same start noise and the mean of the encoder. Prints how far the two pictures are apart; ends with 1 where a pixel differs by more than one
grey level. Run with torch 2.15.0, diffusers 0.42.1, transformers 5.23.0; no test runs it.
"""
import json
import subprocess
import sys
import tempfile

import numpy as np
import torch
from diffusers import DiffusionPipeline
from PIL import Image

SEED, STEPS, GUIDANCE = 5, 10, 3.0


def philox(seed, step, sample, block, purpose):
    """Philox4x32-10 of Salmon et al. 2011, from its description; blocks [n] give words [n, 4]."""
    c = [np.full(block.shape, step, np.uint64), np.full(block.shape, sample, np.uint64), block.astype(np.uint64), np.full(block.shape, purpose, np.uint64)]
    k, low = [seed & 0xFFFFFFFF, seed >> 32], np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(b >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]), b & low, (a >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]), a & low]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, 1)


def normals(seed, purpose, n, step=0, sample=0):
    """Box and Muller over words (0, 1) and (2, 3) of each block."""
    h = 2166136261
    for byte in purpose.encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    word = philox(seed, step, sample, np.arange((n + 3) // 4), h).reshape(-1, 2)
    top = (word >> np.uint64(8)).astype(np.float64)
    r, turn = np.sqrt(-2 * np.log((top[:, 0] + 1) * 2.0 ** -24)), 2 * np.pi * top[:, 1] * 2.0 ** -24
    return np.stack([r * np.cos(turn), r * np.sin(turn)], 1).reshape(-1)[:n]


def main(program, model, prompt="a teddy bear"):
    with tempfile.TemporaryDirectory() as folder:
        pipe_folder, picture_file, mask_file, out = (f"{folder}/{n}" for n in ("pipe", "picture.png", "mask.png", "out.png"))
        subprocess.run([program, "export", model, "--layout", "diffusers", "-o", pipe_folder], check=True)
        pipe = DiffusionPipeline.from_pretrained(pipe_folder, safety_checker=None)
        for name in ("unet", "vae", "text_encoder"):
            part, notes = type(getattr(pipe, name)).from_pretrained(f"{pipe_folder}/{name}", output_loading_info=True)
            assert not any(notes.values()), (name, notes)
            print(f"{name}: {sum(p.numel() for p in part.parameters())} parameters, none missing, none surplus")
        pipe.set_progress_bar_config(disable=True)
        y, x = np.mgrid[0:96, 0:96]
        picture = np.stack([40 + x, 90 + y, 200 - x // 2 - y // 2], 2).astype(np.uint8)
        mask = ((abs(y - 48) < 28) & (abs(x - 48) < 28)).astype(np.uint8) * 255
        Image.fromarray(picture).save(picture_file)
        Image.fromarray(mask).save(mask_file)
        subprocess.run([program, "inpaint", model, "-i", picture_file, "-m", mask_file, "-o", out, "--prompt", prompt, "--seed", str(SEED), "--steps", str(STEPS),
                        "--guidance", str(GUIDANCE), "--precision", "f32", "--setting", "encode=mean", "--setting", "paste=none"], check=True)
        side = 96 // pipe.vae_scale_factor
        noise = normals(SEED, "latent/start", 4 * side * side).reshape(1, side, side, 4).transpose(0, 3, 1, 2)
        encode = pipe.vae.encode

        def mean(*args, **kwargs):
            found = encode(*args, **kwargs)
            found.latent_dist.sample = lambda generator=None: found.latent_dist.mean
            return found

        pipe.vae.encode = mean
        theirs = pipe(prompt=prompt, image=Image.fromarray(picture), mask_image=Image.fromarray(mask), height=96, width=96, num_inference_steps=STEPS,
                      guidance_scale=GUIDANCE, strength=1.0, latents=torch.tensor(noise, dtype=torch.float32), output_type="np").images[0]
        ours = np.asarray(Image.open(out)).astype(np.float64)
        apart = abs(ours - np.clip(theirs.astype(np.float64) * 255, 0, 255).round())
        print(json.dumps({"pixels": ours.size, "equal": int((apart == 0).sum()), "worst": apart.max(), "hole of ours": ours[mask > 0].mean().round(2)}))
        return int(apart.max() > 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
