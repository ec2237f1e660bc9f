"""Writes tests/golden/samplers.json and samplers.safetensors: what diffusers' schedulers make, in double, of given noise and outputs.

    python tests/golden/samplers.py

Every sampler with every spacing, prediction and a few numbers of steps, and its own options. One sample [1,1,2,2] (times the scheduler's sigma), one
sequence of outputs and one of noise serve all; a case is its config, and the rows of `timesteps` and `samples` from `at` on that are its calls'.
Written with diffusers 0.42.1, PyTorch 2.15.0, NumPy 2.4.6.
"""
import itertools
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "reference"))
import diffusion

SD = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
NARROW = ("PNDM", "EulerAncestralDiscrete")
STEPS = {"DDPM": (1, 7), "DDIM": (1, 4, 10), "PNDM": (2, 6, 11), "DPMSolverMultistep": (1, 6, 16), "UniPCMultistep": (1, 6, 16), "EulerDiscrete": (1, 7),
         "EulerAncestralDiscrete": (2, 7)}
OPTIONS = {
    "DDPM": (dict(variance_type="fixed_large"), dict(variance_type="learned_range"), dict(timesteps=[998, 700, 650, 40, 1, 0]),
             dict(variance_type="learned_range", beta_schedule="squaredcos_cap_v2", clip_sample=True, timestep_spacing="linspace", num_inference_steps=9),
             dict(variance_type="learned_range", timesteps=[997, 800, 300, 44, 22, 0], prediction_type="v_prediction"), dict(clip_sample=True, clip_sample_range=0.7), dict(beta_schedule="squaredcos_cap_v2"),
             dict(rescale_betas_zero_snr=True, prediction_type="v_prediction", timestep_spacing="trailing")),
    "DDIM": (dict(eta=0.4), dict(eta=1.0, prediction_type="sample"), dict(clip_sample=True), dict(clip_sample=True, prediction_type="v_prediction", eta=0.5),
             dict(set_alpha_to_one=False), dict(rescale_betas_zero_snr=True, prediction_type="v_prediction", timestep_spacing="trailing"),
             dict(num_train_timesteps=60, beta_schedule="linear")),
    "PNDM": (dict(set_alpha_to_one=True), dict(set_alpha_to_one=True, prediction_type="v_prediction")),
    "DPMSolverMultistep": tuple(dict(solver_order=o, **more) for o in (1, 2, 3) for more in (
        {}, dict(solver_type="heun"), dict(use_karras_sigmas=True), dict(final_sigmas_type="sigma_min"), dict(euler_at_final=True), dict(lower_order_final=False),
        dict(use_karras_sigmas=True, final_sigmas_type="sigma_min", lower_order_final=False))) + tuple(
        dict(algorithm_type="sde-dpmsolver++", solver_order=o, **more) for o in (1, 2) for more in ({}, dict(use_karras_sigmas=True), dict(prediction_type="v_prediction")))
        + (dict(rescale_betas_zero_snr=True, prediction_type="v_prediction"), dict(rescale_betas_zero_snr=True, timestep_spacing="trailing")),
    "UniPCMultistep": tuple(dict(solver_order=o, **more) for o in (1, 2, 3, 4) for more in (
        {}, dict(use_karras_sigmas=True), dict(final_sigmas_type="sigma_min"), dict(final_sigmas_type="sigma_min", lower_order_final=False),
        dict(solver_type="bh1", final_sigmas_type="sigma_min"), dict(disable_corrector=[0, 2])))
        + (dict(rescale_betas_zero_snr=True, prediction_type="v_prediction", timestep_spacing="trailing"),),
    "EulerDiscrete": (dict(use_karras_sigmas=True), dict(use_karras_sigmas=True, timestep_spacing="leading"), dict(final_sigmas_type="sigma_min"),
                      dict(rescale_betas_zero_snr=True, prediction_type="v_prediction", timestep_spacing="trailing")),
    "EulerAncestralDiscrete": (dict(rescale_betas_zero_snr=True, timestep_spacing="trailing"),),
}


def configs():
    for name, counts in STEPS.items():
        base = {"_class_name": f"{name}Scheduler", **SD, "steps_offset": 1}
        if name in ("DDPM", "DDIM"):
            base["clip_sample"] = False
        predictions = ("epsilon", "v_prediction") + ("sample",) * (name not in NARROW)
        for spacing, prediction, steps in itertools.product(("leading", "trailing", "linspace"), predictions, counts):
            yield {**base, "timestep_spacing": spacing, "prediction_type": prediction, "num_inference_steps": steps}
        for more in OPTIONS[name]:
            yield {**base, "num_inference_steps": 6, **more}
    yield from ({"_class_name": f"{name}Scheduler", "num_inference_steps": 5} for name in STEPS)           # all defaults


def main():
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(7)
    draw = lambda *shape: torch.randn(shape, generator=g, dtype=torch.float64).float()
    given = dict(sample=draw(1, 1, 2, 2), output=draw(17, 1, 1, 2, 2), noise=draw(17, 1, 1, 2, 2), variance=draw(17, 1, 1, 2, 2))
    lines, timesteps, samples, at = [], [], [], 0
    for config in configs():
        with diffusion.in_double():
            sigma = float(diffusion.opened(config).init_noise_sigma)
        x = diffusion.scheduler(given["sample"].double() * sigma, given["output"].double(), given["noise"].double(), config, given["variance"].double())
        assert torch.isfinite(x["samples"]).all(), config
        lines.append(json.dumps(dict(config=config, at=at, sigma=sigma)))
        timesteps.append(x["timesteps"].float())
        samples.append(x["samples"].float().flatten(1))
        at += len(x["timesteps"])
    (HERE / "samplers.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    save_file({**given, "timesteps": torch.cat(timesteps), "samples": torch.cat(samples)}, HERE / "samplers.safetensors")
    print(len(lines), "cases", at, "calls")


if __name__ == "__main__":
    main()
