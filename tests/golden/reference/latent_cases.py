"""Cases around latent inpainting networks: committed, failing, fresh."""
import torch

from latent import DDIM

BATCHES = (1, 2, 3)


def picture(m, h, w):
    return ((m.smooth(1, 3, h, w) + 1) * 127.5)[0].permute(1, 2, 0).to(torch.uint8).contiguous()


def hole(m, h, w, kind="box"):
    """White where the box is, with grey pixels on both sides of the middle."""
    mask = m.hole(1, h, w, kind)[0, 0] * 255
    if kind == "box":
        mask[m.int(0, h - 1)] = m.int(1, 254)
        mask[:, m.int(0, w - 1)] = m.choose(127, 128)
    return mask.to(torch.uint8)


def inpaint_input(m, name, config, h=24, w=32, mask="box"):
    return m.finish("inpaint-input", name, dict(image=picture(m, h, w), mask=hole(m, h, w, mask)), config, grad=False)


def pasted(m, name, kind="blend/paste", h=24, w=37, mask="box"):
    return m.finish(kind, name, dict(image=picture(m, h, w), generated=m.bytes(h, w, 3), mask=hole(m, h, w, mask)), grad=False)


def blend_latent(m, name, config=None, shape=(2, 4, 5, 6), masks=None, timestep=501, to=None, soft=False, **more):
    n, _, h, w = shape
    inputs = {k: m.normal(*shape) for k in ("z", "source", "noise")}
    inputs["mask"] = m.uniform(n if masks is None else masks, 1, h, w, low=0, high=1) if soft else m.hole(n if masks is None else masks, h, w)
    inputs["timestep"] = torch.tensor(timestep)
    if to is not None:
        inputs["next_timestep"] = torch.tensor(to)
    return m.finish("blend/latent", name, inputs, config, **more)


def repaint(m, name, config=None):
    return m.finish("repaint-timesteps", name, {}, config, grad=False)


def denoiser_input(m, name, shape=(2, 5, 6), **more):
    n, h, w = shape
    inputs = dict(z=m.normal(n, 4, h, w), moments=m.normal(n, 8, h, w), noise=m.normal(n, 4, h, w), mask=m.hole(n, h, w))
    if inputs["moments"].numel():
        inputs["moments"][0, 4:, 0, 0] = torch.tensor([-31.0, 21.0, -30.5, 3.0])        # three are clamped
    return m.finish("denoiser-input", name, inputs, dict(system="sd-inpaint"), **more)


def sampled(m, name, system, config=None, shape=(2, 4, 6), tokens=3, steps=4, stored=None, refs=4):
    import catdiff
    import unet
    import unet_cases
    n, h, w = shape
    nine, visual = system in ("sd-inpaint", "catdiff"), system == "catdiff"
    config = dict(system=system, num_inference_steps=steps, unet={**unet_cases.SMALL, "in_channels": 9 if nine else 4, **(dict(fusion_dim=5) if visual else {})}, **(config or {}))
    latent = lambda: m.normal(n, 4, h, w)
    inputs = dict(noise=latent(), cond=m.normal(n, tokens, 6), mask=m.hole(n, h, w))
    if config.get("guidance_scale", 7.5) != 1:
        inputs["uncond"] = m.normal(1, tokens, 6)
    inputs["masked_latents" if nine else "source"] = latent()
    if visual:
        inputs["fusion_out"] = m.normal(n, refs, 5)
    if system == "blended-latent":
        inputs["step_noise"] = m.normal(steps - int(config.get("skip", 0.25) * steps), n, 4, h, w)
    stored = stored or {f"unet.{k}": v for k, v in unet_cases.weights(m, (catdiff.unet_shapes if visual else unet.condition_shapes)(config["unet"])).items()}
    return m.finish("sample", name, inputs, config, stored, grad=False)


PUBLISHED_UNIPC = dict(_class_name="UniPCMultistepScheduler", _diffusers_version="0.42.1", beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012,
                       steps_offset=1, timestep_spacing="leading", solver_order=2, trained_betas=None)


def runs(m):
    nine = sampled(m, "sd-inpaint", "sd-inpaint")
    four = sampled(m, "sd-blend", "sd-blend")
    yield nine
    yield four
    yield sampled(m, "sd-inpaint-unguided", "sd-inpaint", dict(guidance_scale=1), (1, 5, 3), stored=nine.weights)
    yield sampled(m, "sd-inpaint-unipc", "sd-inpaint", dict(scheduler=PUBLISHED_UNIPC, guidance_scale=3), (3, 3, 2), 1, 6, nine.weights)
    yield sampled(m, "sd-inpaint-one-step", "sd-inpaint", steps=1, shape=(1, 1, 1), stored=nine.weights)
    yield sampled(m, "sd-blend-unipc", "sd-blend", dict(scheduler=PUBLISHED_UNIPC), (1, 4, 4), 2, 5, four.weights)
    yield sampled(m, "blended-latent", "blended-latent", steps=5, stored=four.weights)
    yield sampled(m, "blended-latent-whole", "blended-latent", dict(skip=0, scheduler={**DDIM, "steps_offset": 0}), (1, 3, 5), 3, 3, four.weights)
    yield sampled(m, "blended-latent-half", "blended-latent", dict(skip=0.5, guidance_scale=1), (2, 2, 2), 3, 5, four.weights)


def committed(m):
    for system in ("sd-inpaint", "blended-latent"):
        yield inpaint_input(m, system, dict(system=system))
        yield inpaint_input(m, f"{system}-odd", dict(system=system), 29, 43)
        yield inpaint_input(m, f"{system}-empty", dict(system=system), 16, 8, "empty")
        yield inpaint_input(m, f"{system}-full", dict(system=system), 8, 16, "full")
    yield inpaint_input(m, "sd-inpaint-resized", dict(system="sd-inpaint", height=40, width=19))
    yield inpaint_input(m, "sd-inpaint-one-side", dict(system="sd-inpaint", width=16), 64, 40)
    yield pasted(m, "plain")
    yield pasted(m, "empty", h=3, w=2, mask="empty")
    yield pasted(m, "plain", "blend/blur", 30, 41)
    yield pasted(m, "smaller-than-its-radius", "blend/blur", 5, 3)
    yield pasted(m, "one-pixel", "blend/blur", 1, 1)
    yield blend_latent(m, "plain")
    yield blend_latent(m, "soft-mask", soft=True)
    yield blend_latent(m, "one-mask", masks=1, soft=True, shape=(3, 4, 3, 3))
    yield blend_latent(m, "next", dict(blend_at="t_next"), to=481, soft=True)
    yield blend_latent(m, "clean-source", dict(blend_at="t_next"), to=-19, soft=True, timestep=1)
    yield blend_latent(m, "ends", timestep=999, shape=(1, 4, 1, 1))
    yield blend_latent(m, "first", timestep=0, dtype=torch.float64)
    yield blend_latent(m, "empty-batch", shape=(0, 4, 3, 2), masks=1)
    yield from runs(m)
    yield denoiser_input(m, "sd-inpaint")
    yield denoiser_input(m, "one-cell", (1, 1, 1))
    yield denoiser_input(m, "empty-batch", (0, 2, 3))
    yield repaint(m, "published")
    yield repaint(m, "short", dict(num_inference_steps=11, jump_length=3, jump_n_sample=2, num_train_timesteps=100))
    yield repaint(m, "no-jumps", dict(num_inference_steps=7, jump_n_sample=1))
    yield repaint(m, "jump-too-long", dict(num_inference_steps=5, jump_length=5, jump_n_sample=3))
    yield repaint(m, "one-step", dict(num_inference_steps=1, num_train_timesteps=1))


def failing(m):
    from failing import changed
    base = inpaint_input(m, "", dict(system="sd-inpaint"), 16, 24)
    yield changed(base, "system-word", "sd-inpaint", config=dict(system="sd-inpain"))
    no_system = changed(base, "no-system", "system")
    no_system.config = {}
    yield no_system
    yield changed(base, "height-of-another", "height", config=dict(system="blended-latent", height=16))
    yield changed(base, "height-small", "height", config=dict(height=7))
    yield changed(base, "height-half", "height", config=dict(height=16.5))
    yield changed(base, "mask-size", "mask", inputs=dict(mask=hole(m, 16, 16)))
    yield changed(base, "mask-rank", "mask", inputs=dict(mask=hole(m, 16, 24)[None]))
    yield changed(base, "float-image", "image", inputs=dict(image=m.uniform(16, 24, 3)))
    yield changed(base, "four-channels", "image", inputs=dict(image=m.bytes(16, 24, 4)))
    yield changed(base, "too-small", "multiple", inputs=dict(image=picture(m, 7, 24), mask=hole(m, 7, 24)))
    yield changed(base, "grad", "grad", grad=True)
    base = pasted(m, "", h=4, w=5)
    yield changed(base, "generated-size", "generated", inputs=dict(generated=m.bytes(4, 4, 3)))
    yield changed(base, "mask-size", "mask", inputs=dict(mask=m.bytes(5, 4)))
    yield changed(base, "no-mask", "mask", drop=("mask",))
    base = blend_latent(m, "", shape=(2, 4, 3, 3), grad=False)
    yield changed(base, "word", "t_next", config=dict(blend_at="tnext"))
    yield changed(base, "no-next", "next_timestep", config=dict(blend_at="t_next"))
    yield changed(base, "next-not-asked", "next_timestep", inputs=dict(next_timestep=torch.tensor(3)))
    yield changed(base, "late", "timestep", inputs=dict(timestep=torch.tensor(1000)))
    yield changed(base, "early", "timestep", inputs=dict(timestep=torch.tensor(-1)))
    yield changed(base, "list", "timestep", inputs=dict(timestep=torch.tensor([5])))
    yield changed(base, "channels", "noise", inputs=dict(noise=m.normal(2, 3, 3, 3)))
    yield changed(base, "shape", "source", inputs=dict(source=m.normal(2, 4, 3, 2)))
    yield changed(base, "masks", "mask", inputs=dict(mask=m.hole(3, 3, 3)))
    base = sampled(m, "", "sd-inpaint", shape=(1, 2, 2), steps=2)
    yield changed(base, "system-word", "sd-inpaint", config=dict(system="inpaint"))
    yield changed(base, "channels", "in_channels", config=dict(unet={**base.config["unet"], "in_channels": 4}), weights={"unet.conv_in.weight": m.normal(4, 4, 3, 3)})
    yield changed(base, "no-masked-latents", "masked_latents", drop=("masked_latents",))
    yield changed(base, "source", "source", inputs=dict(source=m.normal(1, 4, 2, 2)))
    yield changed(base, "no-uncond", "uncond", drop=("uncond",))
    yield changed(base, "uncond-not-asked", "uncond", config=dict(guidance_scale=1))
    yield changed(base, "uncond-batch", "uncond", inputs=dict(uncond=m.normal(2, 3, 6)))
    yield changed(base, "cond-batch", "cond", inputs=dict(cond=m.normal(2, 3, 6)))
    yield changed(base, "mask-size", "mask", inputs=dict(mask=m.hole(1, 2, 3)))
    yield changed(base, "skip", "skip", config=dict(skip=0.5))
    yield changed(base, "steps", "num_inference_steps", config=dict(num_inference_steps=0))
    yield changed(base, "random", "scheduler", config=dict(scheduler={**DDIM, "_class_name": "DDPMScheduler", "variance_type": "fixed_small"}))
    yield changed(base, "scheduler-word", "DDIMScheduler", config=dict(scheduler={**DDIM, "_class_name": "DDIMSchedule"}))
    yield changed(base, "unet-key", "layers_per_block", config=dict(unet={**base.config["unet"], "layers_per_blok": 1}))
    yield changed(base, "missing-key", "unet.conv_in.bias", drop=("unet.conv_in.bias",))
    yield changed(base, "grad", "grad", grad=True)
    base = sampled(m, "", "blended-latent", shape=(1, 2, 2), steps=4)
    yield changed(base, "step-noise", "step_noise", inputs=dict(step_noise=m.normal(4, 1, 4, 2, 2)))
    yield changed(base, "no-step-noise", "step_noise", drop=("step_noise",))
    base = denoiser_input(m, "", grad=False)
    yield changed(base, "system-word", "sd-inpaint", config=dict(system="sd"))
    yield changed(base, "moments", "moments", inputs=dict(moments=m.normal(2, 4, 5, 6)))
    yield changed(base, "mask", "mask", inputs=dict(mask=m.hole(1, 5, 6)))
    yield changed(base, "noise", "noise", inputs=dict(noise=m.normal(2, 4, 5, 5)))
    base = repaint(m, "")
    yield changed(base, "steps", "num_inference_steps", config=dict(num_inference_steps=1001))
    yield changed(base, "none", "num_inference_steps", config=dict(num_inference_steps=0))
    yield changed(base, "length", "jump_length", config=dict(jump_length=0))
    yield changed(base, "too-many", "jump_n_sample", config=dict(num_inference_steps=1000, jump_length=1, jump_n_sample=1000000))
    yield changed(base, "input", "timesteps", inputs=dict(timesteps=torch.tensor([1])))


def fresh_input(m, name):
    config, h, w = dict(system=m.choose("sd-inpaint", "blended-latent", "catdiff", "catdiff-train")), m.int(8, 90), m.int(8, 90)
    if config["system"].startswith("catdiff"):
        config.update(size=8 * m.int(1, 12), clip_size=m.int(14, 70), patch_size=m.int(1, 14), hole=m.choose("black", "grey"), latent_mask=m.choose("half", "any-touch", "nearest"))
        if config["system"] == "catdiff-train":
            h = w = config["size"]
    if config["system"] == "sd-inpaint" and m.int(0, 1):
        config.update(height=m.int(8, 100), width=m.int(8, 100))
    return inpaint_input(m, name, config, h, w)


def fresh_blend(m, name):
    n, at = m.choose(*BATCHES), m.choose("t", "t_next")
    return blend_latent(m, name, dict(blend_at=at), (n, 4, m.int(1, 20), m.int(1, 20)), m.choose(None, 1), m.int(0, 999),
                        m.int(-20, 999) if at == "t_next" else None, soft=bool(m.int(0, 1)))


def fresh_repaint(m, name):
    training = m.choose(1000, 300)
    return repaint(m, name, dict(num_inference_steps=m.int(1, 250), jump_length=m.int(1, 12), jump_n_sample=m.int(1, 10), num_train_timesteps=training))


def fresh_run(m, name):
    system = m.choose("sd-inpaint", "sd-blend", "blended-latent", "catdiff")
    config = dict(guidance_scale=m.choose(1, 3.5, 7.5))
    if system != "blended-latent" and m.int(0, 1):
        config["scheduler"] = PUBLISHED_UNIPC
    if system == "blended-latent":
        config["skip"] = m.choose(0, 0.25, 0.5)
    return sampled(m, name, system, config, (m.choose(*BATCHES), m.int(1, 8), m.int(1, 8)), m.int(1, 7), m.int(2, 8))


FRESH = {
    "sample": fresh_run,
    "denoiser-input": lambda m, name: denoiser_input(m, name, (m.choose(*BATCHES), m.int(1, 20), m.int(1, 20))),
    "inpaint-input": fresh_input, "blend/latent": fresh_blend, "repaint-timesteps": fresh_repaint,
    **{kind: lambda m, name, kind=kind: pasted(m, name, kind, m.int(1, 60), m.int(1, 60)) for kind in ("blend/paste", "blend/blur")},
}
