"""Committed and failing cases of the diffusion kinds."""
import torch

SD = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)


def samplers(m):
    """One of each, as a user calls them; tests/golden/samplers.py has the rest."""
    published = dict(trained_betas=None, thresholding=False, sample_max_value=1.0, dynamic_thresholding_ratio=0.995, _diffusers_version="0.42.1")
    yield m.scheduler("ddpm", "DDPMScheduler", published)
    yield m.scheduler("ddim-eta", "DDIMScheduler", {**SD, "eta": 0.5, "clip_sample": False, "set_alpha_to_one": False, "variance_type": None})
    yield m.scheduler("pndm", "PNDMScheduler", {**SD, "clip_sample": False, "skip_prk_steps": True}, steps=6)
    yield m.scheduler("dpm", "DPMSolverMultistepScheduler", {**published, "lambda_min_clipped": float("-inf"), "variance_type": None, "use_lu_lambdas": False}, steps=5)
    yield m.scheduler("dpm-sde", "DPMSolverMultistepScheduler", dict(algorithm_type="sde-dpmsolver++", use_karras_sigmas=True))
    yield m.scheduler("unipc", "UniPCMultistepScheduler", {**published, "solver_p": None, "predict_x0": True, "sigma_min": None}, steps=5)
    yield m.scheduler("euler", "EulerDiscreteScheduler", dict(interpolation_type="linear", timestep_type="discrete", use_beta_sigmas=False), steps=3)
    yield m.scheduler("euler-leading", "EulerDiscreteScheduler", SD, steps=3, dtype=torch.float16)
    yield m.scheduler("euler-ancestral", "EulerAncestralDiscreteScheduler", SD, steps=3)
    yield m.scheduler("one-step", "PNDMScheduler", steps=1)
    yield m.scheduler("empty-batch", "DDIMScheduler", steps=2, shape=(0, 2, 2, 2))


def training(m):
    for kind in ("add-noise", "diffusion-loss"):
        for prediction in ("epsilon", "v_prediction", "sample"):
            yield m.noised(prediction, kind, dict(prediction_type=prediction, snr_gamma=5))
        yield m.noised("plain", kind)
        yield m.noised("zero-snr", kind, dict(rescale_betas_zero_snr=True, snr_gamma=5.0))
        yield m.noised("cosine", kind, dict(beta_schedule="squaredcos_cap_v2", num_train_timesteps=50, snr_gamma=1), timestep=(0, 49, 20))
        yield m.noised("linear-f64", kind, dict(beta_schedule="linear", beta_start=1e-4, beta_end=0.02), dtype=torch.float64)
    yield m.noised("only-the-loss", "diffusion-loss", upstream=("loss",))
    for mode in ("classic", "ip2p", "instructdiffusion"):
        yield m.guidance(mode, dict(mode=mode))
        yield m.guidance(f"{mode}-rescaled", dict(mode=mode, guidance_scale=3, image_guidance_scale=1.2, guidance_rescale=0.7))
    yield m.guidance("default")


def committed(m):
    yield from samplers(m)
    yield from training(m)
    ends = dict(rescale_betas_zero_snr=True, timestep_spacing="trailing", beta_schedule="linear")
    yield m.scheduler("ddim-cut-where-there-is-noise-alone", "DDIMScheduler", dict(ends, clip_sample=True))
    yield m.scheduler("ddpm-cut-where-there-is-noise-alone", "DDPMScheduler", dict(ends, clip_sample=True))
    yield m.scheduler("dpm-karras-to-a-given-end", "DPMSolverMultistepScheduler", dict(ends, use_karras_sigmas=True))


def failing(m):
    from failing import changed
    base = m.scheduler("", "DDIMScheduler")
    wrong = lambda name, word, **change: changed(base, name, word, **change)
    without = lambda name, word, key: copy_without(base, name, word, key)
    yield without("no-class", "_class_name", "_class_name")
    yield without("no-steps", "num_inference_steps", "num_inference_steps")
    yield wrong("class-word", "DDIMScheduler", config={"_class_name": "DDIMSheduler"})
    yield wrong("unknown-key", "prediction_type", config=dict(prediction_typ="epsilon"))
    yield wrong("prediction-word", "v_prediction", config=dict(prediction_type="v_predictio"))
    yield wrong("spacing-word", "trailing", config=dict(timestep_spacing="trailin"))
    yield wrong("schedule-word", "beta_schedule", config=dict(beta_schedule="sigmoid"))
    yield wrong("thresholding", "thresholding", config=dict(thresholding=True))
    yield wrong("trained-betas", "trained_betas", config=dict(trained_betas=[0.1]))
    yield wrong("flow-shift", "flow_shift", config=dict(flow_shift=3.0))
    yield wrong("steps-zero", "num_inference_steps", config=dict(num_inference_steps=0))
    yield wrong("steps-half", "num_inference_steps", config=dict(num_inference_steps=2.5))
    yield wrong("too-many-steps", "num_inference_steps", config=dict(num_inference_steps=1001))
    yield wrong("offset", "steps_offset", config=dict(steps_offset=900))
    yield wrong("eta", "eta", config=dict(eta=-1))
    yield wrong("beta", "beta_end", config=dict(beta_end=1.5))
    yield wrong("zero-snr", "rescale_betas_zero_snr", config=dict(rescale_betas_zero_snr=True, timestep_spacing="trailing", clip_sample=False))
    yield wrong("noise-not-asked", "noise", inputs=dict(noise=torch.zeros(4, 2, 2, 2, 3)))
    yield wrong("no-noise", "noise", config=dict(eta=0.5))
    yield wrong("calls", "model_output", config=dict(num_inference_steps=5))
    yield wrong("output-shape", "model_output", inputs=dict(model_output=torch.zeros(4, 2, 2, 2, 2)))
    yield wrong("sample-rank", "sample", inputs=dict(sample=torch.zeros(2, 2, 2)))
    yield wrong("grad", "grad", grad=True)
    base = m.scheduler("", "PNDMScheduler")
    yield changed(base, "runge-kutta", "skip_prk_steps", config=dict(skip_prk_steps=False))
    yield changed(base, "pndm-sample", "prediction_type", config=dict(prediction_type="sample"))
    base = m.scheduler("", "DPMSolverMultistepScheduler")
    yield changed(base, "dpm-order", "solver_order", config=dict(solver_order=4))
    yield changed(base, "sde-order", "solver_order", config=dict(solver_order=3, algorithm_type="sde-dpmsolver++"))
    yield changed(base, "dpm-algorithm", "dpmsolver++", config=dict(algorithm_type="dpmsolver"))
    base = m.scheduler("", "UniPCMultistepScheduler")
    yield changed(base, "unipc-final", "lower_order_final", config=dict(lower_order_final=False))
    yield changed(base, "unipc-type", "bh1", config=dict(solver_type="bh3"))

    base = m.noised("", grad=False)
    yield changed(base, "late", "timestep", inputs=dict(timestep=torch.tensor([0, 1000, 3])))
    yield changed(base, "early", "timestep", inputs=dict(timestep=torch.tensor([0, -1, 3])))
    yield changed(base, "batch", "timestep", inputs=dict(timestep=torch.tensor([0, 1])))
    yield changed(base, "real-timestep", "timestep", inputs=dict(timestep=torch.zeros(3)))
    yield changed(base, "shape", "noise", inputs=dict(noise=torch.zeros(3, 2, 3, 3)))
    yield changed(base, "gamma", "snr_gamma", config=dict(snr_gamma=-1))
    base = m.noised("", "diffusion-loss", grad=False)
    yield changed(base, "shape", "x0", inputs=dict(x0=torch.zeros(3, 2, 3, 3)))
    yield changed(base, "upstream-of-nothing", "grad.x_t", inputs={"grad.x_t": torch.zeros(3, 2, 3, 2)}, grad=True)
    base = m.guidance("", grad=False)
    yield changed(base, "mode-word", "ip2p", config=dict(mode="ip2"))
    yield changed(base, "no-cond", "cond", drop=("cond",))
    yield changed(base, "surplus", "text", inputs=dict(text=torch.zeros(3, 2, 3, 4)))
    yield changed(base, "shape", "cond", inputs=dict(cond=torch.zeros(3, 2, 3, 3)))


def copy_without(case, name, word, key):
    from failing import changed
    case = changed(case, name, word)
    case.config = {k: v for k, v in case.config.items() if k != key}
    return case
