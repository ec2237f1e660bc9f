"""Cases of the systems that CAT-Diffusion is compared with: committed, refused, fresh."""
import torch

import latent_cases
import unet
import unet_cases
from latent import DDIM

CHANNELS = {"glide-latent": (9, 4), "smartbrush": (5, 5), "blended-latent": (4, 4)}
LEVELS = 4
V = {**DDIM, "prediction_type": "v_prediction"}


def small(system):
    channels_in, channels_out = CHANNELS[system]
    return {**unet_cases.SMALL, "block_out_channels": [8, 16], "in_channels": channels_in, "out_channels": channels_out, **(dict(num_class_embeds=LEVELS) if system == "smartbrush" else {})}


def stored_weights(m, system):
    return {f"unet.{k}": v for k, v in unet_cases.weights(m, unet.condition_shapes(small(system))).items()}


def sampled(m, name, system, config=None, shape=(2, 4, 6), tokens=3, steps=4, stored=None):
    n, h, w = shape
    config = dict(system=system, num_inference_steps=steps, unet=small(system), **(config or {}))
    latent = lambda: m.normal(n, 4, h, w)
    inputs = dict(noise=latent(), cond=m.normal(n, tokens, 6), mask=m.hole(n, h, w), source=latent())
    if config.get("guidance_scale", 7.5) != 1:
        inputs["uncond"] = m.normal(1, tokens, 6)
    if system == "glide-latent":
        inputs["masked_latents"] = latent()
    if system == "blended-latent":
        inputs["step_noise"] = m.normal(steps - int(config.get("skip", 0.25) * steps), n, 4, h, w)
    return m.finish("sample", name, inputs, config, stored or stored_weights(m, system), grad=False)


def labelled(m, name, sample=(3, 4, 5), labels=(2, 0, 2), **more):
    """A UNet with a table of labels."""
    config = {**unet_cases.SMALL, "num_class_embeds": LEVELS}
    inputs = dict(sample=m.normal(sample[0], 4, *sample[1:]), timestep=torch.tensor([0, 999, 31][:sample[0]]), encoder_hidden_states=m.normal(sample[0], 3, 6),
                  class_labels=torch.tensor(labels))
    return m.finish(unet_cases.CONDITION, name, inputs, config, unet_cases.weights(m, unet.condition_shapes(config)), **more)


def committed(m):
    stored = stored_weights(m, "glide-latent")
    yield sampled(m, "glide-latent", "glide-latent", stored=stored)
    yield sampled(m, "glide-latent-cut", "glide-latent", dict(estimate_clip=1, guidance_scale=1), (1, 5, 3), stored=stored)
    yield sampled(m, "glide-latent-v", "glide-latent", dict(scheduler=V, guidance_scale=3), (1, 3, 3), 1, 6, stored)
    yield sampled(m, "glide-latent-unipc", "glide-latent", dict(scheduler=latent_cases.PUBLISHED_UNIPC), (3, 2, 2), 2, 5, stored)
    stored = stored_weights(m, "smartbrush")
    yield sampled(m, "smartbrush", "smartbrush", stored=stored)
    yield sampled(m, "smartbrush-given-mask", "smartbrush", dict(predicted_mask="off", precision=0, guidance_scale=1), (1, 5, 3), stored=stored)
    yield sampled(m, "smartbrush-last", "smartbrush", dict(predicted_mask="last", precision=1, scheduler=latent_cases.PUBLISHED_UNIPC), (3, 3, 4), 1, 6, stored)
    yield sampled(m, "smartbrush-one-step", "smartbrush", dict(precision=2), (1, 1, 1), steps=1, stored=stored)
    stored = stored_weights(m, "blended-latent")
    yield sampled(m, "blended-latent-before", "blended-latent", dict(blend="before"), steps=5, stored=stored)
    yield sampled(m, "blended-latent-dilated", "blended-latent", dict(dilations=2, skip=0), (1, 9, 8), steps=7, stored=stored)
    yield sampled(m, "blended-latent-before-dilated", "blended-latent", dict(blend="before", dilations=3, guidance_scale=1), (2, 7, 6), steps=4, stored=stored)
    yield labelled(m, "labels")


def failing(m):
    from failing import changed
    base = sampled(m, "", "smartbrush", shape=(1, 2, 2), steps=2)
    yield changed(base, "smartbrush-channels", "in_channels", config=dict(unet={**base.config["unet"], "in_channels": 4}), weights={"unet.conv_in.weight": m.normal(8, 4, 3, 3)})
    yield changed(base, "smartbrush-out", "out_channels", config=dict(unet={**base.config["unet"], "out_channels": 4}), weights={"unet.conv_out.weight": m.normal(4, 8, 3, 3), "unet.conv_out.bias": m.normal(4)})
    yield changed(base, "smartbrush-levels", "num_class_embeds", config=dict(unet={**base.config["unet"], "num_class_embeds": 3}), weights={"unet.class_embedding.weight": m.normal(3, 32)})
    yield changed(base, "smartbrush-precision", "precision", config=dict(precision=4))
    yield changed(base, "smartbrush-word", "predicted_mask", config=dict(predicted_mask="first"))
    yield changed(base, "smartbrush-masked-latents", "masked_latents", inputs=dict(masked_latents=m.normal(1, 4, 2, 2)))
    yield changed(base, "smartbrush-no-source", "source", drop=("source",))
    yield changed(base, "smartbrush-dilations", "dilations", config=dict(dilations=1))
    base = sampled(m, "", "glide-latent", shape=(1, 2, 2), steps=2)
    yield changed(base, "glide-latent-no-source", "source", drop=("source",))
    yield changed(base, "glide-latent-clip", "estimate_clip", config=dict(estimate_clip=-1))
    yield changed(base, "glide-latent-precision", "precision", config=dict(precision=1))
    base = sampled(m, "", "blended-latent", shape=(1, 2, 2), steps=4)
    yield changed(base, "blended-latent-word", "before", config=dict(blend="befor"))
    yield changed(base, "blended-latent-dilations", "dilations", config=dict(dilations=65))
    base = labelled(m, "", grad=False)
    yield changed(base, "labels-missing", "class_labels", drop=("class_labels",))
    yield changed(base, "labels-large", "class_labels", inputs=dict(class_labels=torch.tensor([0, 4, 1])))
    yield changed(base, "labels-negative", "class_labels", inputs=dict(class_labels=torch.tensor([0, -1, 1])))
    yield changed(base, "labels-batch", "class_labels", inputs=dict(class_labels=torch.tensor([0, 1])))
    yield changed(base, "labels-no-table", "class_labels", config=dict(num_class_embeds=None), drop=("class_embedding.weight",))


def fresh_run(m, name):
    system = m.choose(*CHANNELS)
    config = dict(guidance_scale=m.choose(1, 3.5, 7.5))
    if system == "blended-latent":
        config.update(blend=m.choose("before", "after"), dilations=m.int(0, 3), skip=m.choose(0, 0.25, 0.5))
    elif m.int(0, 1):
        config["scheduler"] = latent_cases.PUBLISHED_UNIPC
    if system == "smartbrush":
        config.update(precision=m.int(0, 3), predicted_mask=m.choose("off", "last", "steps"))
    if system == "glide-latent":
        config["estimate_clip"] = m.choose(0, 1, 2.5)
    return sampled(m, name, system, config, (m.choose(1, 2, 3), m.int(1, 8), m.int(1, 8)), m.int(1, 7), m.int(2, 8))


def mixed(first):
    """Runs of the systems of others and of these, half of each."""
    return {**first, "sample": lambda m, name: m.choose(first["sample"], fresh_run)(m, name)}
