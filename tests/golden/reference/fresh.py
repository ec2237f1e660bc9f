"""Random cases: sizes, options and numbers drawn from a seed, so that no implementation fits only the committed ones."""
import baselines_cases
import latent_cases
import perceptual_cases
import reward_cases
import autoencoder_cases
import catdiff_cases
import clip_cases
import masks
import distributions_cases
import strings
import unet_cases
import tower_cases
from make import Maker

BATCHES = (1, 2, 3)


def conv_config(m):
    """maps of 13 and more hold every dilated kernel up to 5x5"""
    config = {}
    if m.int(0, 1):
        config["stride"] = m.choose(2, [1, 2], [3, 1])
    if m.int(0, 2) == 0:
        config["dilation"] = m.choose(2, [2, 1], 3)
    config["pad_mode"] = m.choose("zeros", "zeros", "reflect", "symmetric", "replicate")
    config["padding"] = m.choose("same", "same", 1, [2, 1], [0, 1, 2, 3])
    return config


def conv2d(m, name):
    groups = m.choose(1, 1, 2, 4)
    c, k = groups * m.int(1, 5), (m.int(1, 5), m.int(1, 5))
    x = (m.choose(*BATCHES), c, m.int(13, 24), m.int(13, 24))
    config = conv_config(m)
    if groups > 1:
        config["groups"] = groups
    return m.conv2d(name, config, x, groups * m.int(1, 5), k, bias=bool(m.int(0, 2)))


def resize(m, name):
    mode = m.choose("nearest", "bilinear", "bicubic", "area")
    config = dict(height=m.int(1, 40), width=m.int(1, 40), mode=mode, align_corners=bool(m.int(0, 1)))
    return m.resize(name, config, (m.choose(*BATCHES), m.int(1, 5), m.int(2, 31), m.int(2, 31)))


def gated_conv(m, name):
    k = (m.choose(1, 3, 5),) * 2
    x = (m.choose(*BATCHES), m.int(1, 9), m.int(13, 24), m.int(13, 24))
    config = dict(conv_config(m), activation=m.choose("elu", "relu"), upsample=bool(m.int(0, 1)))
    return m.gated_conv(name, config, x, m.int(1, 9), k)


def attention_config(m):
    return dict(fuse=bool(m.int(0, 1)), mode=m.choose("tf", "torch"), overlap=m.choose("fixed", "exact"),
                masked_keys=m.choose("zero", "exclude"), mask_down=m.choose("nearest", "max"),
                softmax_scale=m.choose(10, 5, 1.5))


def attention(m, name):
    rate = m.choose(1, 2, 2, 2, 3, 4)
    config = dict(attention_config(m), rate=rate, ksize=m.choose(3, 3, 1, 5))
    f = (m.choose(*BATCHES), m.int(1, 12), rate * m.int(1, 8), rate * m.int(1, 8))
    return m.attention(name, config, f, b=bool(m.int(0, 1)), mask=m.choose("box", "box", "box", "empty", "full"),
                       shared=bool(m.int(0, 1)), scale=0.3)


def generator_config(m):
    conv = m.choose("gated", "vanilla")
    return dict(attention_config(m), conv=conv, cnum=m.choose(4, 8, 12), output=m.choose("tanh", "clip"),
                input_aux=bool(m.int(0, 2)), stage2_aux=bool(m.int(0, 1)))


def generator(m, name):
    image = (m.choose(*BATCHES), 8 * m.int(1, 8), 8 * m.int(1, 8))
    return m.generator(name, generator_config(m), image, mask=m.choose("box", "box", "empty", "full"), shared=bool(m.int(0, 1)))


def discriminator(m, name):
    config = dict(width=m.int(1, 9), mode=m.choose("tf", "torch"), update_u=bool(m.int(0, 1)), sn_grad=m.choose("detached", "full"))
    return m.discriminator(name, config, (m.choose(*BATCHES), m.int(8, 90), m.int(8, 90)), shared=bool(m.int(0, 1)))


def gan(m, name):
    config = dict(cnum=m.choose(4, 8, 12), width=m.int(1, 8), gan_weight=m.choose(1, 0.1), l1_weight=m.choose(1, 1.2))
    return m.gan(name, config, (m.choose(*BATCHES), 8 * m.int(1, 5), 8 * m.int(1, 5)), shared=bool(m.int(0, 1)))


def l1(m, name):
    shape = (m.choose(*BATCHES), m.int(1, 4), m.int(3, 50), m.int(3, 50))
    return m.l1(name, dict(region=m.choose("all", "hole", "valid")), shape, shared=bool(m.int(0, 1)))


def adam(m, name, kind):
    config = dict(lr=m.choose(1e-4, 1e-3, 0.1), betas=m.choose([0.5, 0.999], [0.9, 0.999], [0, 0.9]), weight_decay=m.choose(0, 0.01),
                  t0=m.choose(1, 2, 1000), dt=m.choose(1, 2))
    if kind == "optim/adam":
        config["form"] = m.choose("torch", "tf")
    return m.adam(name, kind, config, (m.int(1, 40), m.int(1, 40)), m.int(1, 12), moments=bool(m.int(0, 1)))


def schedule(m, name):
    kind = m.choose("constant", "linear", "cosine", "step", "multistep")
    config = dict(kind=kind, lr=m.choose(1e-4, 0.3), warmup=m.int(0, 40), total=m.int(50, 300), final=m.choose(0, 1e-5),
                  every=m.int(1, 60), gamma=m.choose(0.1, 0.7), milestones=sorted({m.int(1, 200) for _ in range(3)}))
    return m.schedule(name, config, tuple(range(0, 400, m.int(1, 7))))


def pil_resize(m, name):
    channels = m.choose(1, 3, 4)
    config = dict(width=m.int(1, 60), height=m.int(1, 60), passes=m.choose("horizontal-first", "pillow-13"),
                  filter=m.choose("box", "bilinear", "hamming", "bicubic", "lanczos"))
    return m.pil_resize(name, config, (m.int(1, 50), m.int(1, 50), channels), floats=channels == 1 and bool(m.int(0, 1)))


def torch_resize(m, name):
    config = dict(height=m.int(1, 40), width=m.int(1, 40), mode=m.choose("bilinear", "bicubic"), antialias=bool(m.int(0, 1)))
    return m.torch_resize(name, config, (m.choose(*BATCHES), m.int(1, 4), m.int(2, 40), m.int(2, 40)))


def metric(m, name, kind):
    config = dict(region=m.choose("whole", "hole", "known"))
    if kind == "ssim":
        config["variant"] = m.choose("valid", "zero", "reflect", "uniform7")
    return m.metric(name, kind, config, (m.choose(*BATCHES), m.int(11, 60), m.int(11, 60)),
                    mask=None if config["region"] == "whole" else "box")


def ms_ssim(m, name):
    return m.metric(name, "ms-ssim", dict(variant=m.choose("valid", "reflect")), (m.choose(*BATCHES), m.int(176, 230), m.int(176, 230)))


SAMPLERS = ("DDPMScheduler", "DDIMScheduler", "PNDMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler", "EulerDiscreteScheduler",
            "EulerAncestralDiscreteScheduler")


def scheduler(m, name):
    kind = m.choose(*SAMPLERS)
    narrow = kind in ("PNDMScheduler", "EulerAncestralDiscreteScheduler")
    config = dict(prediction_type=m.choose("epsilon", "v_prediction", *([] if narrow else ["sample"])), timestep_spacing=m.choose("leading", "trailing", "linspace"),
                  steps_offset=m.int(0, 1), beta_schedule=m.choose("linear", "scaled_linear"), clip_sample=bool(m.int(0, 1)), set_alpha_to_one=bool(m.int(0, 1)))
    if kind == "DDPMScheduler":
        config["variance_type"] = m.choose("fixed_small", "fixed_large", "learned_range")
    if kind == "DDIMScheduler":
        config["eta"] = m.choose(0, 0.3, 1)
    if kind in ("DPMSolverMultistepScheduler", "UniPCMultistepScheduler"):
        config.update(solver_order=m.int(1, 3), use_karras_sigmas=bool(m.int(0, 1)), final_sigmas_type=m.choose("zero", "sigma_min"))
    if kind == "DPMSolverMultistepScheduler":
        config.update(solver_type=m.choose("midpoint", "heun"), euler_at_final=bool(m.int(0, 1)))
    if kind == "UniPCMultistepScheduler":
        config.update(solver_type=m.choose("bh1", "bh2"), disable_corrector=m.choose([], [0], [1, 2]))
        if config["solver_type"] == "bh1":          # to zero it is NaN in diffusers, infinity times nothing
            config["final_sigmas_type"] = "sigma_min"
    if kind == "EulerDiscreteScheduler":
        config.update(use_karras_sigmas=bool(m.int(0, 1)), final_sigmas_type=m.choose("zero", "sigma_min"))
    return m.scheduler(name, kind, config, m.choose(2, 5, 10, 20, 25, 50), (m.choose(*BATCHES), m.int(1, 4), m.int(1, 9), m.int(1, 9)))


def objective(m, name, kind):
    config = dict(prediction_type=m.choose("epsilon", "v_prediction", "sample"), rescale_betas_zero_snr=bool(m.int(0, 1)),
                  beta_schedule=m.choose("linear", "scaled_linear", "squaredcos_cap_v2"), snr_gamma=m.choose(None, 1, 5.0))
    n = m.choose(*BATCHES)
    return m.noised(name, kind, config, (n, m.int(1, 4), m.int(1, 20), m.int(1, 20)), tuple(m.int(0, 999) for _ in range(n)))


def guidance(m, name):
    config = dict(mode=m.choose("classic", "ip2p", "instructdiffusion"), guidance_rescale=m.choose(0, 0.7, 1), guidance_scale=m.choose(1, 3.5, 9))
    return m.guidance(name, config, (m.choose(*BATCHES), m.int(1, 4), m.int(2, 20), m.int(2, 20)))


KINDS = {
    **baselines_cases.mixed(latent_cases.FRESH), **perceptual_cases.FRESH,
    **autoencoder_cases.FRESH,
    **unet_cases.FRESH,
    **catdiff_cases.FRESH,
    **distributions_cases.FRESH,
    **reward_cases.FRESH,
    **tower_cases.FRESH,
    **masks.FRESH,
    **clip_cases.FRESH,
    "scheduler": scheduler, "guidance": guidance,
    **{kind: lambda m, name, kind=kind: objective(m, name, kind) for kind in ("add-noise", "diffusion-loss")},
    "conv2d": conv2d, "resize": resize, "gated-conv": gated_conv, "contextual-attention": attention, "deepfillv2": generator,
    "sn-patchgan": discriminator, "deepfillv2-gan": gan, "loss/l1": l1, "schedule": schedule, "pil-resize": pil_resize,
    "torch-resize": torch_resize,
    "loss/hinge-d": lambda m, name: m.hinge(name, "loss/hinge-d", (m.int(1, 4), m.int(1, 300)), (m.int(1, 9000),)),
    "loss/hinge-g": lambda m, name: m.hinge(name, "loss/hinge-g", (m.int(1, 9000),)),
    "loss/deepfill-g": lambda m, name: m.deepfill_g(name, dict(l1_weight=m.choose(1, 0.3)), (m.choose(*BATCHES), 3, m.int(2, 40), m.int(2, 40))),
    **{kind: lambda m, name, kind=kind: adam(m, name, kind) for kind in ("optim/adam", "optim/adamw")},
    "ms-ssim": ms_ssim,
    **{kind: lambda m, name, kind=kind: metric(m, name, kind) for kind in ("mse", "l1", "psnr", "tv", "ssim")},
    **{kind: lambda m, name, kind=kind: strings.fresh(m, kind, name) for kind in strings.KINDS},
}


def fresh(seed, n, word=""):
    for kind, make in KINDS.items():
        for i in range(n if word in kind else 0):
            yield make(Maker(1000 * seed + i), f"fresh-{seed}-{i}")


def large(seed):
    """The published sizes."""
    m = Maker(seed)
    yield m.generator("cnum-48", dict(cnum=48), (1, 256, 256))
    yield m.discriminator("width-64", dict(width=64), (2, 256, 256))
    yield m.gan("full-size", dict(cnum=48, width=64), (1, 64, 64))
    yield m.attention("full-size", dict(), (1, 96, 64, 64), scale=0.1)
