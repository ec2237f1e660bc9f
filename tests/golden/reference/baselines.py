"""Reference of the systems that CAT-Diffusion is compared with: diffusers' schedulers and UNet; how the known part comes in, in NumPy and PyTorch."""
import torch
import torch.nn.functional as F

import diffusion
import latent
import unet

SYSTEMS = ("glide-latent", "smartbrush")


def takes(config):
    return config["system"] in SYSTEMS or "blend" in config or "dilations" in config


def holes(x, config, steps):
    """The hole of each step: dilated by squares of 3 + 2 i, the largest first, each for its share of the steps, then itself."""
    n = config.get("dilations", 0)
    sides = [3 + 2 * i for i in range(n)][::-1] + [1]
    return [F.max_pool2d(x["mask"], side, 1, side // 2) for side in (sides[k * (n + 1) // steps] for k in range(steps))]


def clean_estimate(z, e, prediction, alpha, sigma):
    return dict(epsilon=lambda: (z - sigma * e) / alpha, v_prediction=lambda: alpha * z - sigma * e, sample=lambda: e)[prediction]()


def output_that_says(x0, z, prediction, alpha, sigma):
    return dict(epsilon=lambda: (z - alpha * x0) / sigma, v_prediction=lambda: (alpha * z - x0) / sigma, sample=lambda: x0)[prediction]()


def sample(x, config, weights):
    steps, scale, system = config.get("num_inference_steps", 50), config.get("guidance_scale", 7.5), config["system"]
    network = {k[len("unet."):]: v for k, v in weights.items()}
    published = config.get("scheduler", latent.DDIM)
    with diffusion.in_double():
        scheduler = diffusion.opened({**published, "num_inference_steps": steps})
    z, source = x["noise"], x["source"]
    alpha_bar, prediction = latent.schedule().to(z.dtype), published.get("prediction_type", "epsilon")
    timesteps = [int(t) for t in scheduler.timesteps][int(config.get("skip", 0.25) * steps) if system == "blended-latent" else 0:]
    mask, masks = x["mask"], holes(x, config, len(timesteps))
    label = dict(class_labels=torch.full((len(z),), config.get("precision", 3))) if system == "smartbrush" else {}

    def asked(seen, text, t):
        beside = {"glide-latent": lambda: [x["mask"], x["masked_latents"]], "smartbrush": lambda: [x["mask"]]}.get(system, list)()
        inputs = dict(sample=torch.cat([seen, *beside], 1), timestep=torch.tensor(t), encoder_hidden_states=text, **label)
        return unet.condition(inputs, config["unet"], network)["sample"].to(z.dtype)

    for k, t in enumerate(timesteps):
        known = lambda noise: alpha_bar[t].sqrt() * source + (1 - alpha_bar[t]).sqrt() * noise
        if system == "blended-latent":
            mask = masks[k]
            if config.get("blend", "after") == "before":
                z = mask * z + (1 - mask) * known(x["step_noise"][k])
        seen = mask * z + (1 - mask) * source if system == "smartbrush" else z
        y = asked(seen, x["cond"], t)
        e = y[:, :4]
        if scale != 1:
            empty = asked(seen, x["uncond"].expand(len(z), -1, -1), t)[:, :4]
            e = empty + scale * (e - empty)
        if system == "glide-latent":
            alpha, sigma = alpha_bar[t].sqrt(), (1 - alpha_bar[t]).sqrt()
            x0 = mask * clean_estimate(z, e, prediction, alpha, sigma) + (1 - mask) * source
            if config.get("estimate_clip", 0) > 0:
                x0 = x0.clamp(-config["estimate_clip"], config["estimate_clip"])
            e = output_that_says(x0, z, prediction, alpha, sigma)
        with diffusion.in_double():
            z = scheduler.step(e, t, z).prev_sample
        if system == "blended-latent" and config.get("blend", "after") == "after":
            z = mask * z + (1 - mask) * known(x["step_noise"][k])
        said = config.get("predicted_mask", "steps")
        if system == "smartbrush" and (said == "steps" or (said == "last" and k + 1 == len(timesteps))):
            mask = x["mask"] * (y[:, 4:] >= 0)
    return dict(latents=mask * z + (1 - mask) * source if system == "smartbrush" else z)
