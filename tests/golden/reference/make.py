"""Inputs for one probe case of each kind from a seeded generator: Maker(seed).conv2d("name", {...}) -> Case."""
import torch

import deepfill
import diffusion
from kinds import Case, expected


class Maker:
    def __init__(self, seed):
        self.g = torch.Generator().manual_seed(seed)

    # ---- numbers

    def normal(self, *shape, scale=1.0):
        return torch.randn(shape, generator=self.g) * scale

    def uniform(self, *shape, low=-1.0, high=1.0):
        return torch.rand(shape, generator=self.g) * (high - low) + low

    def int(self, low, high):
        """low <= i <= high"""
        return int(torch.randint(low, high + 1, (1,), generator=self.g))

    def choose(self, *options):
        return options[self.int(0, len(options) - 1)]

    def bytes(self, *shape):
        return torch.randint(0, 256, shape, generator=self.g, dtype=torch.uint8)

    def hole(self, n, h, w, kind="box"):
        """[n,1,h,w]: a box and scattered pixels per sample; or full, or empty"""
        if kind != "box":
            return torch.full((n, 1, h, w), float(kind == "full"))
        mask = (torch.rand(n, 1, h, w, generator=self.g) < 0.02).float()
        for m in mask:
            top, left = self.int(0, h // 2), self.int(0, w // 2)
            m[:, top:top + max(h // 3, 1), left:left + max(w // 3, 1)] = 1
        return mask

    def smooth(self, n, c, h, w):
        """Images in [-1,1] with structure: noise at a quarter of the size made larger, and a little fine noise."""
        coarse = torch.nn.functional.interpolate(self.uniform(n, c, -(-h // 4), -(-w // 4)), (h, w), mode="bilinear")
        return (coarse + 0.2 * self.normal(n, c, h, w)).clamp(-1, 1)

    # ---- a case with upstream gradients for its outputs

    def finish(self, kind, name, inputs, config=None, weights=None, grad=True, upstream=None, dtype=None):
        inputs = {k: v.to(dtype) if dtype and v.is_floating_point() else v for k, v in inputs.items()}
        case = Case(kind, name, inputs, config or {}, weights)
        if grad:
            out = expected(case)
            names = upstream or [k for k in out if not k.endswith(".u")]
            case.inputs.update({f"grad.{k}": self.normal(*out[k].shape) for k in names})
            case.grad = True
        return case

    # ---- kinds

    def conv2d(self, name, config=None, x=(2, 4, 9, 11), o=6, k=(3, 3), bias=True, **more):
        config = config or {}
        c = x[1] // config.get("groups", 1)
        inputs = dict(x=self.normal(*x), weight=self.normal(o, c, *k, scale=(c * k[0] * k[1]) ** -0.5))
        if bias:
            inputs["bias"] = self.normal(o, scale=0.1)
        return self.finish("conv2d", name, inputs, config, **more)

    def gated_conv(self, name, config=None, x=(2, 4, 9, 11), o=5, k=(3, 3), **more):
        inputs = dict(x=self.normal(*x), weight=self.normal(2 * o, x[1], *k, scale=(x[1] * k[0] * k[1]) ** -0.5),
                      bias=self.normal(2 * o, scale=0.1))
        return self.finish("gated-conv", name, inputs, config, **more)

    def resize(self, name, config, x=(2, 3, 9, 11), kind="resize", **more):
        return self.finish(kind, name, dict(x=self.normal(*x)), config, **more)

    def torch_resize(self, name, config, x=(2, 3, 9, 11)):
        return self.resize(name, config, x, "torch-resize", grad=False)

    def attention(self, name, config=None, f=(2, 5, 8, 10), b=False, mask="box", shared=False, scale=0.4, **more):
        features = lambda: self.normal(*f, scale=scale).relu()
        inputs = dict(f=features(), mask=self.hole(1 if shared else f[0], f[2], f[3], mask))
        if b:
            inputs["b"] = features()
        return self.finish("contextual-attention", name, inputs, config, **more)

    def network_weights(self, shapes, gain=2.2):
        """Uniform; gain 2.2 keeps the activations of gated layers from vanishing or growing, 1.2 those of plain ones."""
        weights = {}
        for key, shape in shapes.items():
            fan = torch.Size(shape[1:]).numel()
            weights[key] = self.uniform(*shape) * (gain * (3 / fan) ** 0.5 if len(shape) == 4 else 1.0 if key.endswith(".u") else 0.1)
        return weights

    def generator_weights(self, config, louder=1):
        return self.network_weights(deepfill.generator_shapes(config), (1.2 if config.get("conv") == "vanilla" else 2.2) * louder)

    def generator(self, name, config, image=(2, 32, 40), mask="box", shared=False, weights=None, **more):
        weights = weights or self.generator_weights(config)
        n, h, w = image
        inputs = dict(image=self.smooth(n, 3, h, w), mask=self.hole(1 if shared else n, h, w, mask))
        return self.finish("deepfillv2", name, inputs, config, weights, **more)

    def discriminator(self, name, config, image=(2, 33, 47), shared=False, weights=None, **more):
        weights = weights or self.network_weights(deepfill.discriminator_shapes(config.get("width", 64)), 1.5)
        n, h, w = image
        inputs = dict(image=self.smooth(n, 3, h, w), mask=self.hole(1 if shared else n, h, w))
        return self.finish("sn-patchgan", name, inputs, config, weights, **more)

    def gan(self, name, config, image=(2, 32, 32), shared=False, weights=None, **more):
        if weights is None:
            g = self.generator_weights(config)
            d = self.network_weights(deepfill.discriminator_shapes(config.get("width", 64)), 1.5)
            weights = {**{f"generator.{k}": v for k, v in g.items()}, **{f"discriminator.{k}": v for k, v in d.items()}}
        n, h, w = image
        inputs = dict(image=self.smooth(n, 3, h, w), mask=self.hole(1 if shared else n, h, w))
        return self.finish("deepfillv2-gan", name, inputs, config, weights, upstream=("d_loss", "g_loss"), **more)

    def hinge(self, name, kind, shape=(2, 8, 3, 2), fake_shape=None, **more):
        inputs = dict(fake=self.normal(*(fake_shape or shape)))
        inputs["fake"].view(-1)[0] = -1                 # on the kink: no gradient
        if kind == "loss/hinge-d":
            inputs["real"] = self.normal(*shape)
            inputs["real"].view(-1)[0] = 1
        return self.finish(kind, name, inputs, **more)

    def l1(self, name, config=None, shape=(2, 3, 7, 9), mask="box", shared=False, **more):
        inputs = dict(pred=self.normal(*shape), target=self.normal(*shape))
        inputs["target"].view(-1)[:5] = inputs["pred"].view(-1)[:5]         # no gradient where they agree
        if (config or {}).get("region", "all") != "all":
            inputs["mask"] = self.hole(1 if shared else shape[0], *shape[2:], mask)
        return self.finish("loss/l1", name, inputs, config, **more)

    def deepfill_g(self, name, config=None, shape=(2, 3, 8, 12), **more):
        inputs = {k: self.uniform(*shape) for k in ("image", "x1", "x2")}
        inputs["fake"] = self.normal(shape[0], 8, 2, 3)
        return self.finish("loss/deepfill-g", name, inputs, config, **more)

    def adam(self, name, kind="optim/adam", config=None, shape=(5, 7), steps=3, moments=False, **more):
        inputs = dict(param=self.normal(*shape), **{f"grad_{i}": self.normal(*shape, scale=0.1) for i in range(steps)})
        if moments:
            inputs.update(m=self.normal(*shape, scale=0.1), v=self.uniform(*shape, low=0.001, high=0.02))
        return self.finish(kind, name, inputs, config, grad=False, **more)

    def scheduler(self, name, kind, config=None, steps=4, shape=(2, 2, 2, 3), **more):
        config = {"_class_name": kind, "num_inference_steps": steps, **(config or {})}
        n = diffusion.calls(config)
        inputs = dict(sample=self.normal(*shape, scale=10 if kind.startswith("Euler") else 1), model_output=self.normal(n, *shape))
        if diffusion.draws(config):
            inputs["noise"] = self.normal(n, *shape)
        if config.get("variance_type") == "learned_range":
            inputs["variance"] = self.normal(n, *shape)
        return self.finish("scheduler", name, inputs, config, grad=False, **more)

    def noised(self, name, kind="add-noise", config=None, shape=(3, 2, 3, 2), timestep=(0, 999, 321), **more):
        inputs = {k: self.normal(*shape) for k in ("x0", "noise") + ("model_output",) * (kind == "diffusion-loss")}
        inputs["timestep"] = torch.tensor(timestep)
        return self.finish(kind, name, inputs, config, **more)

    def guidance(self, name, config=None, shape=(3, 2, 3, 4), **more):
        mode = (config or {}).get("mode", "classic")
        branches = {"classic": ("uncond", "cond"), "ip2p": ("uncond", "image", "full"), "instructdiffusion": ("full", "image", "text")}[mode]
        return self.finish("guidance", name, {k: self.normal(*shape) for k in branches}, config, **more)

    def schedule(self, name, config=None, steps=(0, 1, 2, 4, 5, 9, 10, 11, 37, 99, 100, 250)):
        return self.finish("schedule", name, dict(step=torch.tensor(steps)), config, grad=False)

    def pil_resize(self, name, config, shape=(9, 13, 3), floats=False):
        image = self.uniform(*shape, low=-50, high=300) if floats else self.bytes(*shape)
        if shape[2] == 4:                               # some pixels quite clear, some quite opaque
            image[0, :, 3], image[-1, :, 3] = 0, 255
        return self.finish("pil-resize", name, dict(image=image), config, grad=False)

    def metric(self, name, kind, config=None, shape=(2, 14, 17), mask=None, same=False):
        image = ((self.smooth(shape[0], 3, *shape[1:]) + 1) * 127.5).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
        inputs = dict(image=image)
        if kind != "tv":
            noise = self.normal(*image.shape, scale=20)
            inputs["reference"] = image.clone() if same else (image + noise).clamp(0, 255).to(torch.uint8)
        if mask:
            inputs["mask"] = self.hole(*shape, mask)[:, 0].to(torch.uint8) * self.choose(1, 128, 255)
        return self.finish(kind, name, inputs, config, grad=False)
