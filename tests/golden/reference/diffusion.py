"""Reference of the diffusion kinds: diffusers' schedulers in double, and the formulae around them in PyTorch."""
import contextlib
import importlib

import diffusers
import numpy as np
import torch

diffusers.logging.set_verbosity_error()         # keys of other schedulers are no news

RANDOM = ("DDPMScheduler", "EulerAncestralDiscreteScheduler")


@contextlib.contextmanager
def in_double():
    """diffusers says float32 where it makes its tables: for a while that means float64."""
    kept = torch.float32, np.float32, torch.get_default_dtype()
    torch.float32, np.float32 = torch.float64, np.float64
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.float32, np.float32 = kept[:2]
        torch.set_default_dtype(kept[2])


def draws(config):
    return (config["_class_name"] in RANDOM or (config["_class_name"] == "DDIMScheduler" and config.get("eta", 0) > 0)
            or (config["_class_name"] == "DPMSolverMultistepScheduler" and config.get("algorithm_type") == "sde-dpmsolver++"))


def opened(config):
    """The scheduler, at its first step; in_double."""
    kind = getattr(diffusers, config["_class_name"])
    defaults = dict(skip_prk_steps=True) if kind is diffusers.PNDMScheduler else {}
    s = kind.from_config({**defaults, **{k: v for k, v in config.items() if k not in ("num_inference_steps", "eta", "timesteps")}})
    s.set_timesteps(**(dict(timesteps=config["timesteps"]) if config.get("timesteps") else dict(num_inference_steps=config["num_inference_steps"])))
    if hasattr(s, "set_begin_index"):
        s.set_begin_index(0)
    return s


def calls(config):
    with in_double():
        return len(opened(config).timesteps)


def scheduler(sample, outputs, noise, config, variances=None):
    """variances: what the network says of them, for variance_type learned_range."""
    learned = config.get("variance_type") == "learned_range"
    more = dict(eta=config.get("eta", 0)) if config["_class_name"] == "DDIMScheduler" else {}
    inputs, samples = [], []
    with in_double():
        s = opened(config)
        module = importlib.import_module(type(s).__module__)
        kept = getattr(module, "randn_tensor", None)
        try:
            for k, t in enumerate(s.timesteps):
                module.randn_tensor = lambda *_, **__: noise[k]
                inputs.append(s.scale_model_input(sample, t))
                sample = s.step(torch.cat([outputs[k], variances[k]], 1) if learned else outputs[k], t, sample, **more).prev_sample
                samples.append(sample)
        finally:
            module.randn_tensor = kept
        return dict(timesteps=s.timesteps.double(), init_noise_sigma=torch.tensor(float(s.init_noise_sigma)),
                    model_inputs=torch.stack(inputs), samples=torch.stack(samples))


# ---- training

def alpha_bar(config):
    """Without the 2^-24 that samplers put in the place of 0."""
    n, first, last = config.get("num_train_timesteps", 1000), config.get("beta_start", 0.00085), config.get("beta_end", 0.012)
    kind = config.get("beta_schedule", "scaled_linear")
    with in_double():
        s = diffusers.DDIMScheduler(num_train_timesteps=n, beta_start=first, beta_end=last, beta_schedule=kind,
                                    rescale_betas_zero_snr=config.get("rescale_betas_zero_snr", False))
    return s.alphas_cumprod


def by_sample(x):
    return x[:, None, None, None]


def mixtures(x0, noise, timestep, config):
    a = by_sample(alpha_bar(config)[timestep.long()]).to(x0.dtype)
    return a.sqrt() * x0 + (1 - a).sqrt() * noise, a.sqrt() * noise - (1 - a).sqrt() * x0


def weights(timestep, config):
    a, gamma, kind = alpha_bar(config)[timestep.long()], config.get("snr_gamma"), config.get("prediction_type", "epsilon")
    snr = a / (1 - a)
    if gamma is None:
        return snr, torch.ones_like(snr)
    m = snr.clamp(max=gamma)
    return snr, {"epsilon": torch.where(snr == 0, torch.ones_like(m), m / snr), "v_prediction": m / (snr + 1), "sample": m}[kind]


def add_noise(x, config):
    x_t, velocity = mixtures(x["x0"], x["noise"], x["timestep"], config)
    snr, weight = weights(x["timestep"], config)
    return dict(x_t=x_t, velocity=velocity, snr=snr, weight=weight)


def loss(x, config):
    target = {"epsilon": x["noise"], "sample": x["x0"]}.get(config.get("prediction_type", "epsilon"))
    if target is None:
        target = mixtures(x["x0"], x["noise"], x["timestep"], config)[1]
    each = weights(x["timestep"], config)[1].to(target.dtype) * ((x["model_output"] - target) ** 2).mean((1, 2, 3))
    return dict(target=target, per_sample=each, loss=each.mean())


def guidance(x, config):
    mode, phi = config.get("mode", "classic"), config.get("guidance_rescale", 0)
    w = config.get("guidance_scale", 5.0 if mode == "instructdiffusion" else 7.5)
    wi = config.get("image_guidance_scale", 1.25 if mode == "instructdiffusion" else 1.5)
    if mode == "classic":
        e, whole = x["uncond"] + w * (x["cond"] - x["uncond"]), x["cond"]
    elif mode == "ip2p":
        e, whole = x["uncond"] + wi * (x["image"] - x["uncond"]) + w * (x["full"] - x["image"]), x["full"]
    else:
        e, whole = (x["image"] + x["text"]) / 2 + w * (x["full"] - x["image"]) + wi * (x["full"] - x["text"]), x["full"]
    if phi:
        std = lambda v: v.std((1, 2, 3), keepdim=True)
        e = phi * e * std(whole) / std(e) + (1 - phi) * e
    return dict(guided=e)
