"""Reference of inception-fid: torchvision's network changed as pytorch-fid 0.3 changes it, and the published ways from a picture to its input; tf1-resize."""
import functools

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from pytorch_fid import inception as published
from torch.func import functional_call


@functools.cache
def network():
    net = torchvision.models.inception_v3(num_classes=1008, aux_logits=False, weights=None, init_weights=False)
    for name, channels in (("5b", 32), ("5c", 64), ("5d", 64)):
        setattr(net, f"Mixed_{name}", published.FIDInceptionA({"5b": 192, "5c": 256, "5d": 288}[name], pool_features=channels))
    for name, channels in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        setattr(net, f"Mixed_{name}", published.FIDInceptionC(768, channels_7x7=channels))
    net.Mixed_7b, net.Mixed_7c = published.FIDInceptionE_1(1280), published.FIDInceptionE_2(2048)
    return net.eval()


def shapes():
    return {k: tuple(v.shape) for k, v in network().state_dict().items() if not k.endswith("num_batches_tracked")}


def tf1_resize(x, height, width):
    """float32 throughout, top and bottom by x first"""
    def axis(n, out):
        at = torch.arange(out, dtype=torch.float32) * (torch.tensor(float(n)) / torch.tensor(float(out)))
        low = at.long().clamp(max=n - 1)
        return low, (low + 1).clamp(max=n - 1), at - low
    (top, bottom, ty), (left, right, tx) = axis(x.shape[2], height), axis(x.shape[3], width)
    across = lambda rows: rows[..., left] + (rows[..., right] - rows[..., left]) * tx
    a, b = across(x[:, :, top]), across(x[:, :, bottom])
    return a + (b - a) * ty[:, None]


def received(image, recipe):
    """[N,3,299,299] in float32, as the published programs have it"""
    x = image.permute(0, 3, 1, 2).float()
    if recipe == "pytorch-fid":
        return 2 * F.interpolate(x / 255, (299, 299), mode="bilinear", align_corners=False) - 1
    if recipe == "tf":
        x = tf1_resize(x, 299, 299)
    elif recipe == "torchmetrics":
        x = F.interpolate(x, (299, 299), mode="bilinear", align_corners=False, antialias=True)
    else:
        planes = [[np.asarray(Image.fromarray(c.numpy(), "F").resize((299, c.shape[0]), Image.BICUBIC).resize((299, 299), Image.BICUBIC)) for c in p] for p in x]
        x = torch.from_numpy(np.array(planes, dtype=np.float32).reshape(len(x), 3, 299, 299)).clamp(0, 255)
    return (x - 128) / 128


def fid(x, config, weights):
    image = x["image"] if isinstance(x, dict) else x
    got = received(image, config.get("recipe", "pytorch-fid"))
    features, net = {}, network()
    keep = lambda name: lambda module, given, y: features.__setitem__(name, y.mean((2, 3)))
    hooks = [getattr(net, layer).register_forward_hook(keep(name)) for layer, name in (("maxpool1", "feat64"), ("maxpool2", "feat192"), ("Mixed_6e", "feat768"), ("Mixed_7c", "pool3"))]
    dtype = next(iter(weights.values())).dtype
    try:
        functional_call(net, weights, (got.to(dtype),)) if len(image) else None
    finally:
        for hook in hooks:
            hook.remove()
    if not len(image):
        features = {f"feat{n}": torch.zeros(0, n) for n in (64, 192, 768)} | dict(pool3=torch.zeros(0, 2048))
    unbiased = features["pool3"].to(dtype) @ weights["fc.weight"].T
    return dict(input=got, **features, logits_unbiased=unbiased, logits=unbiased + weights["fc.bias"])


KINDS = {"inception-fid": fid, "tf1-resize": lambda x, config, weights: dict(y=tf1_resize(x["x"].float(), config["height"], config["width"]))}
