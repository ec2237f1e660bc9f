"""Convolutions and their gradients by PyTorch 2.15.0 (CPU, float64, stored as float32), in our layouts: x, y [N,H,W,C], weight [O,kh,kw,I/g].

Each case K has K.x, K.weight, K.bias, K.gy, K.y, K.gx, K.gweight, K.gbias and K.attr (i32: stride h w, dilation h w, top, bottom,
left, right, groups). Inputs are bfloat16, so that both precisions start from the same numbers. Run: python conv2d.py."""
import torch
from safetensors.torch import save_file

torch.manual_seed(3)
# name: n, h, w, c, o, kh, kw, stride, dilation, pad (top, bottom, left, right), groups
CASES = {
    "plain": (2, 5, 7, 5, 7, 3, 3, (1, 1), (1, 1), (1, 1, 1, 1), 1),
    "first5": (1, 9, 10, 5, 8, 5, 5, (1, 1), (1, 1), (2, 2, 2, 2), 1),
    "down": (2, 10, 8, 6, 8, 3, 3, (2, 2), (1, 1), (0, 1, 0, 1), 1),
    "down5": (2, 9, 11, 4, 8, 5, 5, (2, 2), (1, 1), (1, 2, 2, 1), 1),
    "dilated4": (1, 9, 11, 8, 8, 3, 3, (1, 1), (4, 4), (4, 4, 4, 4), 1),
    "rgb": (1, 17, 5, 8, 3, 3, 3, (1, 1), (1, 1), (1, 1, 1, 1), 1),
    "uneven": (2, 7, 10, 4, 6, 2, 3, (3, 1), (1, 2), (0, 1, 3, 2), 1),
    "groups": (1, 8, 9, 8, 12, 3, 3, (1, 2), (2, 1), (2, 2, 1, 1), 4),
    "one": (1, 6, 5, 9, 10, 1, 1, (1, 1), (1, 1), (0, 0, 0, 0), 1),
    "valid": (1, 9, 9, 3, 4, 4, 4, (2, 2), (1, 1), (0, 0, 0, 0), 1),
    "gap": (1, 10, 10, 4, 4, 2, 2, (4, 4), (1, 1), (0, 0, 0, 0), 1),
    "tiles": (1, 9, 10, 6, 8, 3, 3, (1, 1), (1, 1), (1, 1, 1, 1), 1),
    "row7": (1, 6, 13, 32, 35, 1, 7, (1, 1), (1, 1), (0, 0, 3, 2), 1),
    "column7": (2, 11, 5, 33, 32, 7, 1, (1, 1), (1, 1), (1, 4, 0, 2), 1),
}


def rounded(*shape):
    return torch.randn(*shape).bfloat16().double()


out = {}
for name, (n, h, w, c, o, kh, kw, stride, dilation, pad, groups) in CASES.items():
    x, weight, bias = rounded(n, c, h, w), rounded(o, c // groups, kh, kw) / 4, rounded(o)
    for t in (x, weight, bias):
        t.requires_grad_()
    padded = torch.nn.functional.pad(x, (pad[2], pad[3], pad[0], pad[1]))
    y = torch.nn.functional.conv2d(padded, weight, bias, stride, 0, dilation, groups)
    gy = rounded(*y.shape)
    y.backward(gy)
    nhwc = lambda t: t.detach().permute(0, 2, 3, 1).contiguous().float()
    out[f"{name}.attr"] = torch.tensor([*stride, *dilation, *pad, groups], dtype=torch.int32)
    for key, t in {"x": x, "weight": weight, "gy": gy}.items():
        out[f"{name}.{key}"] = nhwc(t).bfloat16()
    for key, t in {"y": y, "gx": x.grad, "gweight": weight.grad}.items():
        out[f"{name}.{key}"] = nhwc(t)
    out[f"{name}.bias"], out[f"{name}.gbias"] = bias.detach().bfloat16(), bias.grad.float()
save_file(out, "conv2d.safetensors", metadata={"source": f"PyTorch {torch.__version__}"})
