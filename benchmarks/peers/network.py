"""Published networks forward in PyTorch (diffusers, transformers, pytorch-fid), to be timed beside ours: one process, one variant, the line protocol of bench-network.

    python benchmarks/peers/network.py --dtype f32|bf16 [--layout nchw|nhwc] [--compile] [--device cuda] FOLDER IN
    python benchmarks/peers/network.py --write CASE [--size 256] FOLDER IN        writes both and ends

FOLDER is what save_pretrained writes, or one file, IN one input, channels last. What makes it fast: weights and activations in bf16 without autocast, no gradients,
channels last or not, and compiled with frozen weights, which are packed once. Written for PyTorch 2.15.
"""
import argparse
import os
import pathlib
import time

import torch
from safetensors.torch import load_file, save_file

VAE = dict(down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4, block_out_channels=[128, 256, 512, 512], layers_per_block=2,
           norm_num_groups=32, latent_channels=4)


def write_vae(folder, input, shape):
    import diffusers
    diffusers.AutoencoderKL(**VAE).save_pretrained(folder)
    return {input: torch.randn(shape)}


def write_text(folder, size):
    import transformers
    transformers.CLIPTextModel(transformers.CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)).save_pretrained(folder)
    return {"ids": torch.randint(0, 49000, (1, 77), dtype=torch.int32)}


def write_vision(folder, **config):
    import transformers
    transformers.CLIPVisionModelWithProjection(transformers.CLIPVisionConfig(**config)).save_pretrained(folder)
    return {"image": torch.randn(1, 224, 224, 3)}


L14 = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, patch_size=14, projection_dim=768)
B32 = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, patch_size=32, projection_dim=512)

def write_inception(file, size):
    """One file of pytorch-fid's keys, which says which network it is."""
    import torchvision
    state = torchvision.models.inception_v3(num_classes=1008, aux_logits=False, weights=None, init_weights=False).state_dict()
    save_file({k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}, file,
              {"lacuna.network": "inception-fid", "lacuna.config": "{}", "lacuna.channel_order": "rgb"})
    return {"picture": torch.rand(16, 299, 299, 3) * 2 - 1}


def load_inception(file):
    import pytorch_fid.inception as fid
    state = load_file(file)
    fid.load_state_dict_from_url = lambda *a, **k: state
    return fid.InceptionV3([3], resize_input=False, normalize_input=False)


CASES = {"inception": write_inception,
         "vae-encode": lambda folder, size: write_vae(folder, "image", (1, size, size, 3)),
         "vae-decode": lambda folder, size: write_vae(folder, "latent", (1, size // 8, size // 8, 4)),
         "clip-text": write_text, "clip-vision-l14": lambda folder, size: write_vision(folder, **L14), "clip-vision-b32": lambda folder, size: write_vision(folder, **B32)}


def load(folder, name):
    """The network, and what is run of it on an input of that name: y, channels last or of a single row."""
    if name == "picture":
        model = load_inception(folder)
        return model, lambda x: model(x)[0].flatten(1)
    import diffusers
    import transformers
    if name == "ids":
        model = transformers.CLIPTextModel.from_pretrained(folder)
        return model, lambda x: model(x).last_hidden_state
    if "CLIPVision" in (pathlib.Path(folder) / "config.json").read_text():
        model = transformers.CLIPVisionModelWithProjection.from_pretrained(folder)
        return model, lambda x: model(x).image_embeds
    model = diffusers.AutoencoderKL.from_pretrained(folder)
    if name == "image":
        return model, lambda x: model.quant_conv(model.encoder(x))
    return model, lambda x: model.decode(x, return_dict=False)[0]


class Network:
    def __init__(self, a):
        (name, x), = load_file(a.input, a.device).items()
        dtype = torch.bfloat16 if a.dtype == "bf16" else torch.float32
        layout = torch.channels_last if a.layout == "nhwc" else torch.contiguous_format
        model, self.call = load(a.folder, name)
        model.eval().to(a.device, dtype).to(memory_format=layout).requires_grad_(False)
        self.x = x.permute(0, 3, 1, 2).to(dtype).contiguous(memory_format=layout) if x.ndim == 4 else x
        self.cuda = a.device == "cuda"
        if a.compile:
            from torch._inductor import config
            config.freezing = True
            self.call = torch.compile(self.call, mode="max-autotune" if self.cuda else "default")

    def run(self, n):
        with torch.no_grad():
            for _ in range(n):
                self.y = self.call(self.x)
        if self.cuda:
            torch.cuda.synchronize()

    def size(self):
        y = (self.y.movedim(1, -1) if self.y.ndim == 4 else self.y).double().flatten().cpu()
        p = (7919 * torch.arange(len(y)) % 1000).double() / 500 - 1
        return [(v**2).mean().sqrt().item() for v in (y, y + p)]


def serve(network, about):
    print("ready", about, flush=True)
    while (words := input_words()) and words[0] in ("run", "loss"):
        if words[0] == "loss":
            print("%.9g %.9g" % tuple(network.size()), flush=True)
            continue
        start = time.perf_counter()
        network.run(int(words[1]))
        print(f"{time.perf_counter() - start:.6f}", flush=True)


def input_words():
    try:
        return input().split()
    except EOFError:
        return []


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("folder")
    words.add_argument("input")
    words.add_argument("--dtype", choices=("f32", "bf16"), default="f32")
    words.add_argument("--layout", choices=("nchw", "nhwc"), default="nchw")
    words.add_argument("--compile", action="store_true")
    words.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    words.add_argument("--write", choices=CASES)
    words.add_argument("--size", type=int, default=256, help="with --write: pixels a side")
    a = words.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    if a.write:
        torch.manual_seed(1)
        pathlib.Path(a.folder).parent.mkdir(parents=True, exist_ok=True)
        return save_file(CASES[a.write](a.folder, a.size), a.input)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    where = f"{torch.get_num_threads()} threads"
    if a.device == "cuda":
        where = f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    serve(Network(a), f"pytorch-{torch.__version__} {a.dtype} {a.layout} {'compiled' if a.compile else 'eager'}, {where}")


if __name__ == "__main__":
    main()
