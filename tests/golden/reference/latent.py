"""Reference around latent inpainting networks: Pillow and NumPy for what is bytes, PyTorch for what has gradients."""
import numpy as np
import torch
from PIL import Image

import metrics


def schedule():
    """alpha_bar of Stable Diffusion, in double."""
    return torch.cumprod(1 - torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float64) ** 2, 0)


# ---- bytes

def resized(image, height, width, kind):
    channels = image if image.ndim == 3 else image[:, :, None]
    return metrics.pil_resize(channels, dict(height=height, width=width, filter=kind)).reshape(height, width, *image.shape[2:])


def squeezed(image, size):
    return resized(image, size, size, "bicubic")


def catdiff_input(image, mask, config):
    """As released: dataset.py (train) and dataset_infer.py, on NumPy's doubles."""
    train, size, clip, patch = config["system"] == "catdiff-train", config.get("size", 512), config.get("clip_size", 224), config.get("patch_size", 14)
    if not train:
        image, mask = squeezed(image, size), squeezed(mask, size)
    v, m = image.numpy().astype(np.float64), mask.numpy().astype(np.float64)[:, :, None] / 255
    masked = v * (1 - m) / 127.5 - 1 if config.get("hole", "black") == "black" else (v / 127.5 - 1) * (1 - m)
    small, small_mask = squeezed(image, clip).numpy().astype(np.float64), squeezed(mask, clip).numpy()
    share = small_mask.astype(np.float64)[:, :, None] / 255
    n = clip // patch
    cells = (small_mask[:n * patch, :n * patch] >= 128).reshape(n, patch, n, patch).any((1, 3))
    rule = config.get("latent_mask", "any-touch" if train else "half")
    latent = mask[:size // 8 * 8:8, :size // 8 * 8:8] >= 128 if rule == "nearest" else squeezed(mask, size // 8) > (127 if rule == "half" else 0)
    return dict(masked_image=torch.from_numpy(masked).float().permute(2, 0, 1)[None].contiguous(), mask=latent.float()[None, None].contiguous(),
                clip_image=torch.from_numpy((small * (1 - share) + share * 127).astype(np.uint8)), clip_mask=torch.from_numpy(cells).long()[None, None])


def inpaint_input(x, config):
    image, mask = x["image"], x["mask"]
    if config["system"].startswith("catdiff"):
        return catdiff_input(image, mask, config)
    if config["system"] == "blended-latent":
        small = Image.fromarray(mask.numpy()).resize((mask.shape[1] // 8, mask.shape[0] // 8), Image.NEAREST)
        return dict(mask=(torch.from_numpy(np.array(small)) / 255 >= 0.5).float()[None, None])
    h, w = (config.get(k, n) // 8 * 8 for k, n in zip(("height", "width"), mask.shape))
    picture = resized(image, h, w, "lanczos").double() / 255
    hole = resized(mask, h, w, "lanczos").double() / 255 >= 0.5
    masked = (2 * picture - 1) * ~hole[:, :, None]
    return dict(masked_image=masked.permute(2, 0, 1)[None].float().contiguous(), mask=hole[::8, ::8].float()[None, None].contiguous())


def blend_paste(x, config):
    return dict(image=torch.where(x["mask"][:, :, None] >= 128, x["generated"], x["image"]))


def blend_blur(x, config):
    image, generated, hole = x["image"].numpy().astype(float), x["generated"].numpy().astype(float), x["mask"].numpy() >= 128
    kernel = np.exp(-np.arange(-10, 11) ** 2 / (2 * 3.5 ** 2))
    kernel /= kernel.sum()
    b = np.pad(hole.astype(float), 10, mode="reflect")
    b = np.apply_along_axis(np.convolve, 1, b, kernel, "valid")
    b = np.apply_along_axis(np.convolve, 0, b, kernel, "valid")
    m = 1 - (1 - hole) * (1 - b)
    blended = image * (1 - m[:, :, None]) + generated * m[:, :, None]
    return dict(weight=torch.tensor(m).float(), blended=torch.tensor(blended).float(), image=torch.tensor(blended.astype(np.uint8)))


def repaint_timesteps(x, config):
    steps, length, times = (config.get(k, d) for k, d in (("num_inference_steps", 250), ("jump_length", 10), ("jump_n_sample", 10)))
    from diffusers import RePaintScheduler
    scheduler = RePaintScheduler(num_train_timesteps=config.get("num_train_timesteps", 1000))
    scheduler.set_timesteps(steps, length, times)
    return dict(timesteps=scheduler.timesteps.to(torch.int64))


HOST = {"inpaint-input": inpaint_input, "blend/paste": blend_paste, "blend/blur": blend_blur, "repaint-timesteps": repaint_timesteps}


# ---- tensors with gradients

def blend_latent(x, config):
    at = x["timestep"] if config.get("blend_at", "t") == "t" else x["next_timestep"]
    level = schedule().to(x["z"].dtype)[at] if at >= 0 else torch.ones((), dtype=x["z"].dtype)
    known = level.sqrt() * x["source"] + (1 - level).sqrt() * x["noise"]
    return dict(z=x["mask"] * x["z"] + (1 - x["mask"]) * known)


def denoiser_input(x, config):
    mean, logvar = x["moments"].chunk(2, 1)
    latent = 0.18215 * (mean + (logvar.clamp(-30, 20) / 2).exp() * x["noise"])
    return dict(x=torch.cat([x["z"], x["mask"], latent], 1))


TAPE = {"blend/latent": blend_latent, "denoiser-input": denoiser_input}


# ---- a whole run

DDIM = dict(_class_name="DDIMScheduler", beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, clip_sample=False, set_alpha_to_one=False, steps_offset=1)


def sample(x, config, weights):
    """diffusers' scheduler and UNet; the blending in PyTorch."""
    import catdiff
    import diffusion
    import unet
    steps, scale, system = config.get("num_inference_steps", 50), config.get("guidance_scale", 7.5), config["system"]
    network = {k[len("unet."):]: v for k, v in weights.items()}
    with diffusion.in_double():
        scheduler = diffusion.opened({**config.get("scheduler", DDIM), "num_inference_steps": steps})
    alpha_bar, z = schedule().to(x["noise"].dtype), x["noise"]
    timesteps = [int(t) for t in scheduler.timesteps][int(config.get("skip", 0.25) * steps) if system == "blended-latent" else 0:]

    def answer(text, t, fusion=None):
        inputs = torch.cat([z, x["mask"], x["masked_latents"]], 1) if system in ("sd-inpaint", "catdiff") else z
        if system == "catdiff":
            prompts = dict(encoder_hidden_states=text, fusion_out=x["fusion_out"] if fusion is None else fusion)
            return catdiff.condition(dict(sample=inputs, timestep=torch.tensor(t), **prompts), config["unet"], network)["sample"].to(z.dtype)
        return unet.condition(dict(sample=inputs, timestep=torch.tensor(t), encoder_hidden_states=text), config["unet"], network)["sample"].to(z.dtype)

    def known(t, noise):
        return alpha_bar[t].sqrt() * x["source"] + (1 - alpha_bar[t]).sqrt() * noise

    for k, t in enumerate(timesteps):
        e = answer(x["cond"], t)
        if scale != 1:
            empty = answer(x["uncond"].expand(len(z), -1, -1), t, torch.zeros_like(x["fusion_out"]) if system == "catdiff" else None)
            e = empty + scale * (e - empty)
        with diffusion.in_double():
            z = scheduler.step(e, t, z).prev_sample
        if system == "sd-blend":
            z = x["mask"] * z + (1 - x["mask"]) * (known(timesteps[k + 1], x["noise"]) if k + 1 < len(timesteps) else x["source"])
        if system == "blended-latent":
            z = x["mask"] * z + (1 - x["mask"]) * known(t, x["step_noise"][k])
    return dict(latents=z)
