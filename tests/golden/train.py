"""Writes tests/golden/train_optim.safetensors and train_schedule.safetensors.

Optimizers: torch.optim.Adam and AdamW on 37 f32 numbers over 6 gradients; `tf` is the TensorFlow form written out in numpy double
(tensorflow/core/kernels/training_ops: lr_t = lr sqrt(1 - b2^t) / (1 - b1^t), eps not corrected). `clip`: clip_grad_norm_ to 0.5, `ema`:
torch.optim.swa_utils.get_ema_multi_avg_fn(0.9). Schedules: torch.optim.lr_scheduler chained as a user would write them.
Written with torch 2.15.0, numpy 2.4.6, safetensors 0.8.0."""
import os

import numpy as np
import torch
from safetensors.numpy import save_file

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(3)
N, STEPS = 37, 6
start = rng.standard_normal(N).astype(np.float32)
grads = (rng.standard_normal((STEPS, N)) * np.array([1, 0.1, 3, 1e-3, 1, 2])[:, None]).astype(np.float32)
out = {"param": start, "grads": grads}


def torch_run(name, make, clip=None):
    p = torch.nn.Parameter(torch.from_numpy(start.copy()))
    o = make([p])
    ema = p.detach().clone()
    average = torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)
    for g in grads:
        p.grad = torch.from_numpy(g.copy())
        if clip:
            torch.nn.utils.clip_grad_norm_([p], clip)
        o.step()
        average([ema], [p.detach()], 1)
    out[name + ".param"], out[name + ".ema"] = p.detach().numpy(), ema.numpy()
    out[name + ".m"], out[name + ".v"] = o.state[p]["exp_avg"].numpy(), o.state[p]["exp_avg_sq"].numpy()


def tf_run(name, lr, b1, b2, eps, t0, dt):
    p, m, v = start.astype(np.float64), np.zeros(N), np.zeros(N)
    for i, g in enumerate(grads.astype(np.float64)):
        t = t0 + i * dt
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        p = p - lr * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps)
    out[name + ".param"], out[name + ".m"], out[name + ".v"] = (x.astype(np.float32) for x in (p, m, v))


torch_run("adam", lambda p: torch.optim.Adam(p, lr=1e-2, betas=(0.5, 0.999), eps=1e-8))
torch_run("adam_decay", lambda p: torch.optim.Adam(p, lr=1e-2, betas=(0.9, 0.95), eps=1e-6, weight_decay=0.1))
torch_run("adamw", lambda p: torch.optim.AdamW(p, lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.3))
torch_run("adam_clip", lambda p: torch.optim.Adam(p, lr=1e-2, betas=(0.5, 0.9), eps=1e-8), clip=0.5)
tf_run("tf", 1e-2, 0.5, 0.999, 1e-4, 1, 1)
tf_run("tf_shared", 1e-2, 0.5, 0.999, 1e-8, 2, 2)
save_file(out, os.path.join(here, "train_optim.safetensors"))

S = torch.optim.lr_scheduler
def curve(make, n=60):
    o = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    s = make(o)
    lr = []
    for _ in range(n):
        lr.append(s.get_last_lr()[0])
        o.step()
        s.step()
    return np.array(lr)


def warm(o, then):      # 10 steps of s / 10: LinearLR cannot start at 0, so LambdaLR
    return S.SequentialLR(o, [S.LambdaLR(o, lambda s: s / 10), then], milestones=[10])


save_file({
    "cosine": curve(lambda o: S.CosineAnnealingLR(o, 60, eta_min=0.1)),
    "linear": curve(lambda o: S.LinearLR(o, 1.0, 0.25, total_iters=40)),
    "step": curve(lambda o: S.StepLR(o, 13, gamma=0.5)),
    "multistep": curve(lambda o: S.MultiStepLR(o, [5, 20, 21], gamma=0.3)),
    "warm_cosine": curve(lambda o: warm(o, S.CosineAnnealingLR(o, 50, eta_min=0.0))),
}, os.path.join(here, "train_schedule.safetensors"))
