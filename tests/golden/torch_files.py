"""Writes the files of torch/ as PyTorch, diffusers and transformers do; tests/test_core_torch.c reads them.

    python torch_files.py         (torch 2.15.0, safetensors 0.8.0)

`tensors` is in every one of archive.pt, protocol4.pt, deflated.pt, old.pt and, its plain part, in the shards. Element k of any of them is
k / 7 - 1 in the order of the *storage*, so that a view tells whether its strides were followed.
"""
import json
import os
import pickle
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent / "torch"


def ramp(n, dtype=torch.float32):
    return (torch.arange(n, dtype=torch.float64) / 7 - 1).to(dtype)


def plain():
    return {
        "f32": ramp(24).reshape(2, 3, 4), "f16": ramp(24, torch.float16), "bf16": ramp(24, torch.bfloat16).reshape(4, 6),
        "f64": ramp(24, torch.float64), "i64": torch.arange(24) * (1 << 40), "i32": torch.arange(24, dtype=torch.int32) - 12,
        "u8": torch.arange(5, dtype=torch.uint8) * 10, "bool": torch.arange(3) > 0, "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3),
    }


def views():
    shared = ramp(24)
    return {
        "transposed": shared.reshape(4, 6).t(), "slice": shared.reshape(4, 6)[1:3, 2:5], "stepped": shared[3::5], "tail": shared[20:],
        "permuted": ramp(24, torch.float16).reshape(2, 3, 4).permute(2, 0, 1), "parameter": torch.nn.Parameter(shared[:6].reshape(2, 3)),
        "repeated": torch.ones(1, 1).expand(5, 1), "complex": torch.zeros(2, dtype=torch.complex64), "seven": torch.zeros(1, 1, 1, 1, 1, 1, 1),
    }


def checkpoint():
    inner = OrderedDict(plain())
    inner["net"] = defaultdict(list, {"conv": {"weight": ramp(6).reshape(1, 6)}, "list": [ramp(2), None, ramp(3)]})
    inner.update(views())
    inner._metadata = {"version": 1}
    return {"epoch": 3, "lr": 1e-4, "big": 1 << 100, "negative": -(1 << 70), "bytes": b"\0\1", "set": {1, 2}, "none": None,
            "optimizer": {"state": {0: {"exp_avg": ramp(2)}}}, "state_dict": inner}


class Evil:                                         # what any reader that runs pickles would run
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Opaque:                                       # a class that nobody else has
    def __init__(self):
        self.state = 1


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 1)
        self.blocks = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Linear(3, 4, bias=False))
        with torch.no_grad():
            for p in self.parameters():
                p.copy_(ramp(p.numel()).reshape(p.shape))

    def forward(self, x):
        return self.blocks(self.conv(x))


def deflate(source, target):
    with zipfile.ZipFile(source) as a, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as b:
        for name in a.namelist():
            b.writestr(zipfile.ZipInfo(name), a.read(name), zipfile.ZIP_DEFLATED)


def evil():
    call = Evil(os.system, "touch evil-was-run")
    torch.save(call, HERE / "evil.pt")
    torch.save({"state_dict": plain(), "extra": call}, HERE / "evil_beside.pt")
    torch.save({"f32": ramp(24), "x": Evil(eval, "1+1")}, HERE / "evil_eval.pt")
    torch.save(call, HERE / "evil_old.pt", _use_new_zipfile_serialization=False)
    (HERE / "evil.pkl").write_bytes(pickle.dumps(call, protocol=4))
    (HERE / "plain.pkl").write_bytes(pickle.dumps({"a": 1}, protocol=2))
    torch.save({"f32": ramp(24).reshape(2, 3, 4), "opaque": Opaque(), "call": Evil(divmod, 7, 2)}, HERE / "opaque.pt")


def nets():                                         # of the network of tests/test_cli_folder.c
    net = {"conv.weight": ramp(6).reshape(3, 2, 1, 1), "conv.bias": ramp(3)}
    torch.save({"state_dict": {k: v.half() for k, v in net.items()}, "global_step": 7}, HERE / "net.ckpt")
    torch.save(net | {"conv.bias": Opaque()}, HERE / "net_opaque.ckpt")
    torch.save({"conv.weight": net["conv.weight"] * float("nan"), "conv.bias": net["conv.bias"]}, HERE / "net_nan.ckpt")
    torch.save({"conv.weight": net["conv.weight"], "conv.bias": ramp(4), "more": ramp(1), "conv.position_ids": torch.arange(3)}, HERE / "net_misfit.ckpt")


def shards(folder, end, save):
    folder.mkdir(exist_ok=True)
    tensors = plain()
    names = [sorted(tensors)[0::2], sorted(tensors)[1::2]]
    index = {"metadata": {"total_size": 1}, "weight_map": {}}
    for i, part in enumerate(names):
        file = f"{end[0]}-0000{i + 1}-of-00002.{end[1]}"
        save({n: tensors[n] for n in part}, folder / file)
        index["weight_map"].update({n: file for n in part})
    (folder / f"{end[0]}.{end[1]}.index.json").write_text(json.dumps(index, indent=1))
    (folder / "config.json").write_text(json.dumps({"_class_name": "UNet2DConditionModel", "in_channels": 9}))


def main():
    HERE.mkdir(exist_ok=True)
    torch.save(checkpoint(), HERE / "archive.pt")
    torch.save(checkpoint(), HERE / "protocol4.pt", pickle_protocol=4)
    torch.save(checkpoint(), HERE / "old.pt", _use_new_zipfile_serialization=False)
    deflate(HERE / "archive.pt", HERE / "deflated.pt")
    torch.save(ramp(6), HERE / "tensor.pt")
    torch.save(Net(), HERE / "module.pt")
    torch.jit.script(Net().eval()).save(str(HERE / "script.pt"))
    evil()
    nets()
    shards(HERE / "shards", ("diffusion_pytorch_model", "safetensors"), save_file)
    shards(HERE / "bins", ("pytorch_model", "bin"), torch.save)


main()
