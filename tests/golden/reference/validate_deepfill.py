"""Holds deepfill.py against the known answers (means over activations, single pixels, spectral norms, gradients) that
were stated independently of it. Prints every gap; exit status 1 if one exceeds what the stated digits allow."""
import sys

import torch

import deepfill as d
import known

LAYERS = {  # mean, mean abs, after the activation
    "conv1": (0.068063, 0.362022), "conv2_downsample": (0.088100, 0.304546), "conv4_downsample": (0.011533, 0.178067),
    "conv6": (0.017294, 0.114886), "conv10_atrous": (-0.000506, 0.025645), "conv13_upsample": (-0.001375, 0.037383),
    "conv16": (0.012373, 0.033427), "conv17": (-0.030521, 0.135988), "xconv2_downsample": (0.038765, 0.229425),
    "xconv10_atrous": (-0.000521, 0.028981), "pmconv4_downsample": (0.019776, 0.144045), "pmconv6": (0.056510, 0.056510),
    "contextual attention": (0.052334, 0.052334), "pmconv10": (-0.006700, 0.050293), "allconv11": (0.002997, 0.040283),
    "allconv16": (0.014715, 0.036755), "allconv17": (0.113284, 0.113941)}
SIGMA = {1: (1.369069, 1.020444, 1.057377, 1.003511, 1.023515, 1.019809),
         2: (1.541551, 1.079918, 1.119873, 1.042767, 1.058656, 1.054048),
         52: (1.740691, 1.261967, 1.277840, 1.184518, 1.193837, 1.192075)}
CRITIC = ((0.130953, 0.192133), (0.090615, 0.136734), (0.070829, 0.098382), (0.047835, 0.069597), (0.028920, 0.044823),
          (0.023502, 0.034008))
worst = 0.0


def compare(what, found, stated, digits=6):
    """The numbers are stated to so many decimals: half a unit of the last, and float32's own 2e-7."""
    global worst
    found = torch.as_tensor(found).detach().double().flatten()
    stated = torch.as_tensor(stated, dtype=torch.float64).flatten()
    gap = (found - stated).abs().max().item()
    allowed = 0.5 * 10.0**-digits + 3e-7 * max(1.0, stated.abs().max().item())
    worst = max(worst, gap / allowed)
    print(f"{'ok ' if gap <= allowed else 'BAD'} {what:40s} gap {gap:.1e} of {allowed:.1e}")


def moments(x):
    return x.mean(), x.abs().mean()


def check_counts():
    count = lambda shapes: sum(torch.Size(s).numel() for k, s in shapes.items() if not k.endswith(".u"))
    compare("parameters of the generator", count(d.generator_shapes({})), 4052478)
    compare("parameters of DeepFill v1", count(d.generator_shapes(dict(conv="vanilla", stage2_aux=True))), 3601542)
    compare("parameters of the discriminator", count(d.discriminator_shapes(64)), 5946816)


def check_generator():
    params = known.generator_params(d.generator_shapes({}))
    compare("conv1 weights", known.r(4, 0) * 1.8 * (3 / 125) ** 0.5, (-0.2745241, 0.0682188, -0.2622493, -0.2449890), 7)
    compare("conv1 biases", params["conv1.bias"][:3], (-0.0993012, 0.0397736, -0.0615025), 7)
    mask, trace = known.box(64, 64, 16, 39, 20, 51), {}
    x1, x2, _ = d.generator(params, known.nhwc(1, 64, 64, 3, 5000), mask, trace=trace)
    for name, stated in LAYERS.items():
        compare(name, moments(trace[name]), stated)
    compare("x1", moments(x1), (-0.029085, 0.133990))
    compare("x1[20,30]", x1[0, :, 20, 30], (0.119984, -0.252952, 0.015953))
    compare("x1[0,0]", x1[0, :, 0, 0], (0.038180, -0.106044, 0.115091))
    compare("x1[63,63]", x1[0, :, 63, 63], (0.077196, -0.159627, -0.023947))
    compare("x2", moments(x2), (0.111939, 0.112595))
    compare("x2[20,30]", x2[0, :, 20, 30], (0.215971, 0.028037, 0.073046))
    compare("x2[0,0]", x2[0, :, 0, 0], (0.113272, -0.002180, -0.001888))
    compare("x2[63,63]", x2[0, :, 63, 63], (0.095258, 0.069011, 0.045423))
    unfused = d.generator(params, known.nhwc(1, 64, 64, 3, 5000), mask, dict(fuse=False))[1]
    compare("what fusing changes", (unfused - x2).abs().max(), 0.0343, 4)
    wide = d.generator(params, known.nhwc(1, 64, 96, 3, 5000), known.box(64, 96, 16, 39, 20, 51))[1]
    compare("64x96 x2", wide.mean(), 0.111761)
    compare("64x96 x2[20,30]", wide[0, :, 20, 30], (0.218942, 0.020765, 0.080535))


def check_attention():
    stated = {True: (45.527672, (0.046647, 0.514291, 0.136455, 0.223428), -1.619876, (0.126762, -0.169360, 0.178000, -0.084307)),
              False: (46.343830, (0.040860, 0.319714, 0.074415, 0.188184), -1.332541, (0.210374, -0.247863, 0.143820, -0.055244))}
    g = known.nhwc(1, 8, 8, 4, 7001)
    for fuse, (total, pixel, product, gradient) in stated.items():
        f = known.nhwc(1, 8, 8, 4, 7000).relu().requires_grad_()
        y = d.contextual_attention(f, f, known.box(8, 8, 2, 4, 3, 6), dict(fuse=fuse))
        (y * g).sum().backward()
        compare(f"attention, fuse {fuse}: sum", y.sum(), total)
        compare(f"attention, fuse {fuse}: [3,4]", y[0, :, 3, 4], pixel)
        compare(f"attention, fuse {fuse}: <y,g>", (y * g).sum(), product)
        compare(f"attention, fuse {fuse}: dF[6,1]", f.grad[0, :, 6, 1], gradient)
        if fuse:
            compare("attention: [0,0]", y[0, :, 0, 0], (0.126750, 0, 0, 0.108966))
            compare("attention: dF[0,0]", f.grad[0, :, 0, 0], (0.382718, -0.021284, -0.091504, 0.363002))
    f = known.nhwc(1, 8, 8, 4, 7000).relu()
    compare("attention, everything masked", d.contextual_attention(f, f, torch.ones(1, 1, 8, 8)).abs().max(), 0)


def check_discriminator():
    params = known.discriminator_params(d.discriminator_shapes(64))
    mask, real, fake = known.box(64, 64, 16, 39, 20, 51), known.nhwc(1, 64, 64, 3, 5000), known.nhwc(1, 64, 64, 3, 5001)
    complete, trace = fake * mask + real * (1 - mask), []
    for n in range(1, 53):
        layers, sigma, us = d.discriminator_weights(params)
        if n == 1:
            both = d.discriminate(layers, torch.cat([real, complete]), mask, trace=trace)
        if n in SIGMA:
            compare(f"sigma of forward {n}", sigma, SIGMA[n])
        params.update({f"conv{i}.u": u for i, u in enumerate(us, 1)})
    for i, stated in enumerate(CRITIC):
        compare(f"discriminator conv{i + 1}", moments(trace[i]), stated)
    pos, neg = both.chunk(2)
    compare("mean logits", (pos.mean(), neg.mean()), (0.0236524, 0.0233513), 7)
    compare("d_loss, g_loss", (d.hinge_d(pos, neg), d.hinge_g(neg)), (0.9998493, -0.0233513), 7)


def check_indices():
    at = d.nearest_index(64, 32, True).tolist()
    compare("64 -> 32", at, [*range(0, 31, 2), *range(33, 64, 2)])
    at = d.nearest_index(256, 64, True).tolist()
    compare("256 -> 64", at[:6] + at[30:34] + at[-4:], (0, 4, 8, 12, 16, 20, 121, 125, 130, 134, 243, 247, 251, 255))


torch.set_num_threads(1)
check_counts()
check_indices()
check_generator()
check_attention()
check_discriminator()
sys.exit(worst > 1)
