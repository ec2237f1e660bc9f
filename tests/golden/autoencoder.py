"""A small AutoencoderKL of diffusers, a picture in tiles, latents: tests/golden/autoencoder.safetensors.
Made with torch 2.15 and diffusers 0.42.1 in double (stored as f32); pictures channels last. Run: python tests/golden/autoencoder.py"""
import os

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

torch.manual_seed(7)
config = dict(down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2, block_out_channels=[4, 8], norm_num_groups=4,
              latent_channels=3, sample_size=16, scaling_factor=0.5)
model = AutoencoderKL(**config).double().eval()
for p in model.parameters():                    # numbers that f32 holds
    p.data = (p.data * 4096).round() / 4096
last = lambda x: x.movedim(1, -1).float().contiguous()
image, noise = torch.randn(2, 3, 26, 40).float().double(), torch.randn(2, 3, 13, 20).float().double()
with torch.no_grad():
    posterior = model.encode(image).latent_dist
    latent = 0.5 * (posterior.mean + posterior.std * noise)
    picture = model.decode(latent / 0.5).sample
    model.enable_tiling()
    moments = model.encode(image).latent_dist.parameters
    decoded = model.decode(noise).sample
out = {f"weights.{k}": v.float().contiguous() for k, v in model.state_dict().items()}
out.update(image=last(image), noise=last(noise), latent=last(latent), picture=last(picture), tiled_moments=last(moments), tiled_decoded=last(decoded))
save_file(out, os.path.join(os.path.dirname(__file__), "autoencoder.safetensors"))
