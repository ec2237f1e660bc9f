"""PyTorch's scaled_dot_product_attention behind the protocol of bench-attention. Usage: attention.py f32|bf16"""
import os
import sys
import time

import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 2)))
dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[sys.argv[1]]
print("ready PyTorch", torch.__version__, flush=True)
kept = {}
for line in sys.stdin:
    tq, tk, heads, d, way, n = (int(w) if w.isdigit() else w for w in line.split())
    if (tq, tk, heads, d) not in kept:
        kept[tq, tk, heads, d] = [(torch.rand(1, t, heads, d) * 2 - 1).to(dtype).transpose(1, 2) for t in (tq, tk, tk, tq)]
    *qkv, g = kept[tq, tk, heads, d]
    leaves = [x.detach().requires_grad_(way == "both") for x in qkv]
    start = time.perf_counter()
    for _ in range(n):
        y = F.scaled_dot_product_attention(*leaves)
        if way == "both":
            torch.autograd.grad(y, leaves, g)
    print(f"{time.perf_counter() - start:.9f}", flush=True)
