"""Writes tests/golden/clip_contrast.safetensors: a tiny transformers.CLIPModel in float64, one contrastive step of it, and scores of its embeddings.

weight.*            the model's weights (f32)
image               [4, 16, 16, 3] u8; captions are CAPTIONS below, one of them twice
ids                 [4, 6] of transformers.CLIPTokenizer on data/stamps/tokenizer
loss, grad.*        1/2 (mean over pictures of H + mean over texts of H), H(l) = mean over the positives j of -log softmax(l)[j], a positive being whatever has the
                    same ids (UniCL, arXiv:2204.03610), and its gradients
plain, plain.scale  CLIP's own loss of the first three pictures, whose captions differ (CLIPModel's return_loss), and the gradient of logit_scale
embeds.*            unit embeddings [4, 8] of pictures and texts
set.a, set.b        [12, 16, 16, 3] u8; fd: the Frechet distance of their unit embeddings, covariances over n - 1, the root's trace by eigenvalues
score               [4], 2.5 max(cos, 0) of each picture and its caption
Written with torch 2.15.0, transformers 5.23.0, safetensors 0.8.0."""
import os

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

here = os.path.dirname(os.path.abspath(__file__))
CAPTIONS = ["lion", "yellow pear", "flute", "lion"]
LENGTH, EOS = 6, 1526
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]

torch.manual_seed(11)
config = CLIPConfig(
    text_config=dict(vocab_size=1527, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=LENGTH, eos_token_id=EOS,
                     bos_token_id=EOS - 1, pad_token_id=EOS, projection_dim=8),
    vision_config=dict(hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=8, projection_dim=8),
    projection_dim=8)
model = CLIPModel(config).float()
with torch.no_grad():
    for name, p in model.named_parameters():      # weights as of a model that has learnt something: no gradient is next to nothing
        if name != "logit_scale":
            p.copy_(torch.randn_like(p) * (0.3 if p.ndim > 1 else 0.1) + float("norm" in name and name.endswith("weight")))
model = model.double()

image = np.random.default_rng(5).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
tokenizer = CLIPTokenizer.from_pretrained(os.path.join(here, "../../data/stamps/tokenizer"))
words = [[EOS - 1] + tokenizer(c, add_special_tokens=False)["input_ids"] for c in CAPTIONS]
ids = torch.tensor([(w + [EOS] * LENGTH)[:LENGTH] for w in words])


def normalised(pictures):
    return ((torch.from_numpy(pictures).double() / 255 - torch.tensor(MEAN).double()) / torch.tensor(STD).double()).permute(0, 3, 1, 2)


def see(pixels):
    x = model.visual_projection(model.vision_model(pixel_values=pixels).pooler_output)
    return x / x.norm(dim=-1, keepdim=True)


pixels = normalised(image)


def embed(n):
    y = model.text_projection(model.text_model(input_ids=ids[:n], attention_mask=torch.ones_like(ids[:n])).pooler_output)
    return see(pixels[:n]), y / y.norm(dim=-1, keepdim=True)


def entropy(logits, same):
    return -(torch.log_softmax(logits, 1) * same / same.sum(1, keepdim=True)).sum(1).mean()


x, y = embed(4)
same = torch.tensor([[float((a == b).all()) for b in ids] for a in ids]).double()
logits = model.logit_scale.exp() * x @ y.T
loss = (entropy(logits, same) + entropy(logits.T, same)) / 2
loss.backward()
out = {"image": image, "ids": ids.numpy().astype(np.int32), "loss": np.array(loss.item(), np.float64), "embeds.image": x.detach().numpy().astype(np.float32),
       "embeds.text": y.detach().numpy().astype(np.float32)}
for name, p in model.named_parameters():
    out["weight." + name] = p.detach().numpy().astype(np.float32)
    out["grad." + name] = p.grad.numpy().astype(np.float32)

rng = np.random.default_rng(6)
sets = [rng.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8), (rng.integers(0, 256, (12, 16, 16, 3)) // 2 + 90).astype(np.uint8)]
with torch.no_grad():
    a, b = (see(normalised(pictures)).numpy() for pictures in sets)
    score = 2.5 * torch.clamp((x * y).sum(1), min=0)
ca, cb = np.cov(a.T), np.cov(b.T)
root = np.sqrt(np.maximum(np.linalg.eigvals(ca @ cb).real, 0)).sum()
fd = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca) + np.trace(cb) - 2 * root
out |= {"set.a": sets[0], "set.b": sets[1], "fd": np.array(fd), "score": score.numpy()}

model.zero_grad()
plain = model(input_ids=ids[:3], pixel_values=pixels[:3], attention_mask=torch.ones_like(ids[:3]), return_loss=True).loss
plain.backward()
out["plain"], out["plain.scale"] = np.array(plain.item(), np.float64), np.array(model.logit_scale.grad.item(), np.float64)
save_file(out, os.path.join(here, "clip_contrast.safetensors"))
print("loss", loss.item(), "plain", plain.item(), "scale", out["grad.logit_scale"], "ids", ids.tolist())
