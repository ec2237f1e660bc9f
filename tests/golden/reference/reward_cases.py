"""Cases of ImageReward and HPS v2: committed, failing, fresh."""
import torch

import clip_cases
from reward import LAYERS

HEADS = dict(vision_heads=2, text_heads=3)


def fills(m, shapes):
    """Half precision, as in tower_cases.py."""
    w = {}
    for key, shape in shapes.items():
        norm = ("norm" in key.lower() or ".ln_" in key or key.startswith("ln_")) and len(shape) == 1
        if norm and key.endswith("weight"):
            w[key] = m.uniform(*shape, low=0.7, high=1.3)
        elif len(shape) == 1 or "embed" in key and "proj" not in key or "token" in key:
            w[key] = m.normal(*shape, scale=0.3)
        else:
            w[key] = m.normal(*shape, scale=torch.Size(shape[1:]).numel() ** -0.5)
    return {k: v.half() for k, v in w.items()}


def linear(name, o, i):
    return {f"{name}.weight": (o, i), f"{name}.bias": (o,)}


def norm(name, c):
    return {f"{name}.weight": (c,), f"{name}.bias": (c,)}


def reward_shapes(image=16, patch=8, vision=(32, 2, 40), text=(24, 2, 36), words=30, positions=12, head=(20, 12, 8, 6)):
    (wide, blocks, mlp), (width, layers, hidden) = vision, text
    v, t = "blip.visual_encoder.", "blip.text_encoder."
    s = {v + "cls_token": (1, 1, wide), v + "pos_embed": (1, (image // patch) ** 2 + 1, wide), v + "patch_embed.proj.weight": (wide, 3, patch, patch),
         v + "patch_embed.proj.bias": (wide,), **norm(v + "norm", wide), t + "embeddings.word_embeddings.weight": (words, width),
         t + "embeddings.position_embeddings.weight": (positions, width), **norm(t + "embeddings.LayerNorm", width)}
    for i in range(blocks):
        k = f"{v}blocks.{i}."
        s |= {**norm(k + "norm1", wide), **norm(k + "norm2", wide), **linear(k + "attn.qkv", 3 * wide, wide), **linear(k + "attn.proj", wide, wide),
              **linear(k + "mlp.fc1", mlp, wide), **linear(k + "mlp.fc2", wide, mlp)}
    for i in range(layers):
        k = f"{t}encoder.layer.{i}."
        for name, seen in (("attention", width), ("crossattention", wide)):
            s |= {**linear(k + name + ".self.query", width, width), **linear(k + name + ".self.key", width, seen), **linear(k + name + ".self.value", width, seen),
                  **linear(k + name + ".output.dense", width, width), **norm(k + name + ".output.LayerNorm", width)}
        s |= {**linear(k + "intermediate.dense", hidden, width), **linear(k + "output.dense", width, hidden), **norm(k + "output.LayerNorm", width)}
    for i, (a, b) in zip(LAYERS, zip((width, *head), (*head, 1))):
        s |= linear(f"mlp.layers.{i}", b, a)
    return s


def hps_shapes(embed=16, image=16, patch=8, vision=(32, 2, 40), text=(24, 2, 36), words=30, context=12):
    s = {"logit_scale": (), "visual.conv1.weight": (vision[0], 3, patch, patch), "visual.class_embedding": (vision[0],),
         "visual.positional_embedding": ((image // patch) ** 2 + 1, vision[0]), "visual.proj": (vision[0], embed), "token_embedding.weight": (words, text[0]),
         "positional_embedding": (context, text[0]), "text_projection": (text[0], embed), **norm("visual.ln_pre", vision[0]), **norm("visual.ln_post", vision[0]),
         **norm("ln_final", text[0])}
    for prefix, (c, n, mlp) in (("visual.", vision), ("", text)):
        for i in range(n):
            k = f"{prefix}transformer.resblocks.{i}."
            s |= {**norm(k + "ln_1", c), **norm(k + "ln_2", c), k + "attn.in_proj_weight": (3 * c, c), k + "attn.in_proj_bias": (3 * c,),
                  **linear(k + "attn.out_proj", c, c), **linear(k + "mlp.c_fc", mlp, c), **linear(k + "mlp.c_proj", c, mlp)}
    return s


def padded(m, n, length, words):
    ids = torch.zeros(n, length, dtype=torch.int64)
    for row in ids:
        k = m.int(min(2, length), length)
        row[:k] = torch.randint(1, words, (k,), generator=m.g)
    return ids


def reward(m, name, n=2, length=9, w=None, config=HEADS, ids=None, **more):
    w = w or fills(m, reward_shapes())
    patch = w["blip.visual_encoder.patch_embed.proj.weight"].shape[-1]
    side = round((w["blip.visual_encoder.pos_embed"].shape[1] - 1) ** 0.5) * patch
    ids = ids if ids is not None else padded(m, n, length, len(w["blip.text_encoder.embeddings.word_embeddings.weight"]))
    return m.finish("image-reward", name, dict(pixel_values=m.normal(len(ids), 3, side, side), input_ids=ids), config, w, **more)


def hps(m, name, n=2, w=None, config=HEADS, **more):
    w = w or fills(m, hps_shapes())
    side = round((len(w["visual.positional_embedding"]) - 1) ** 0.5) * w["visual.conv1.weight"].shape[-1]
    inputs = dict(pixel_values=m.normal(n, 3, side, side), input_ids=clip_cases.ids_of(m, n, len(w["positional_embedding"]), len(w["token_embedding.weight"])))
    return m.finish("hps", name, inputs, config, w, **more)


def committed(m):
    w = fills(m, reward_shapes())
    yield reward(m, "padded", 3, 12, w)
    yield reward(m, "full", w=w, ids=torch.randint(1, 30, (2, 12), generator=m.g), grad=False)
    yield reward(m, "one-token", 1, 1, w, grad=False)
    yield reward(m, "only-padding", w=w, ids=torch.zeros(1, 5, dtype=torch.int64), grad=False)
    unused = {"blip.vision_proj.weight": m.normal(8, 32).half(), "blip.vision_proj.bias": m.normal(8).half(), "blip.text_proj.weight": m.normal(8, 24).half(),
              "blip.text_proj.bias": m.normal(8).half(), "blip.text_encoder.embeddings.position_ids": torch.arange(12)[None]}
    yield reward(m, "whole-file", 1, 7, {**w, **unused}, grad=False)
    yield reward(m, "no-picture", 0, 5, w, grad=False)
    yield reward(m, "heads-by-width", 1, 6, fills(m, reward_shapes(vision=(64, 1, 16), text=(64, 1, 16), patch=16, words=12)), {}, grad=False)

    w = fills(m, hps_shapes())
    yield hps(m, "plain", 3, w)
    yield hps(m, "one", 1, w, grad=False)
    yield hps(m, "no-picture", 0, w, grad=False)
    yield hps(m, "heads-by-width", 1, fills(m, hps_shapes(vision=(80, 1, 16), text=(64, 1, 16), patch=16, words=12)), {}, grad=False)


def failing(m):
    from failing import changed
    base = reward(m, "", 1, 4, grad=False)
    first = "blip.text_encoder.encoder.layer.1.crossattention.self.key.weight"
    qkv = "blip.visual_encoder.blocks.0.attn.qkv.weight"
    yield changed(base, "missing", first, drop=(first,))
    yield changed(base, "missing-thirds", qkv, drop=(qkv,))
    yield changed(base, "misshapen", first, weights={first: m.normal(24, 24)})
    yield changed(base, "misshapen-thirds", qkv, weights={qkv: m.normal(64, 32)})
    yield changed(base, "class-token-rank", "cls_token", weights={"blip.visual_encoder.cls_token": m.normal(32)})
    yield changed(base, "surplus", "blip.text_encoder.pooler.dense.weight", weights={"blip.text_encoder.pooler.dense.weight": m.normal(24, 24)})
    yield changed(base, "nan", first, weights={first: torch.full((24, 32), float("nan"))})
    yield changed(base, "no-head", "image-reward", drop=("mlp.layers.0.weight",))
    yield changed(base, "vision-heads", "vision_heads", config=dict(vision_heads=5))
    yield changed(base, "text-heads", "text_heads", config=dict(text_heads=5))
    yield changed(base, "id-too-large", "input_ids", inputs=dict(input_ids=torch.tensor([[1, 30, 2, 2]])))
    yield changed(base, "too-long", "input_ids", inputs=dict(input_ids=torch.ones(1, 13, dtype=torch.int64)))
    yield changed(base, "no-tokens", "input_ids", inputs=dict(input_ids=torch.ones(1, 0, dtype=torch.int64)))
    yield changed(base, "two-texts", "input_ids", inputs=dict(input_ids=torch.ones(2, 4, dtype=torch.int64)))
    yield changed(base, "picture-size", "pixel_values", inputs=dict(pixel_values=m.normal(1, 3, 16, 17)))
    no_weights = changed(base, "no-weights", "weights")
    no_weights.weights = None
    yield no_weights

    base = hps(m, "", 1, grad=False)
    first = "visual.transformer.resblocks.1.mlp.c_fc.weight"
    yield changed(base, "missing", first.replace("c_fc", "c_proj"), drop=(first.replace("c_fc", "c_proj"),))
    yield changed(base, "misshapen", first, weights={first: m.normal(40, 31)})
    yield changed(base, "surplus", "score_predictor.weight", weights={"score_predictor.weight": m.normal(1, 16)})
    yield changed(base, "no-tower", "hps", drop=("visual.conv1.weight",))
    yield changed(base, "heads", "num_attention_heads", config=dict(vision_heads=5))
    yield changed(base, "two-texts", "input_ids", inputs=dict(input_ids=torch.ones(2, 12, dtype=torch.int64)))


# ---- fresh

def fresh_towers(m):
    v, t = m.int(1, 3), m.int(1, 3)
    return (v * m.int(4, 12), m.int(1, 3), m.int(1, 60)), (t * m.int(4, 12), m.int(1, 3), m.int(1, 60)), dict(vision_heads=v, text_heads=t)


def fresh_reward(m, name):
    vision, text, heads = fresh_towers(m)
    patch, words, positions = m.int(2, 9), m.int(5, 80), m.int(2, 40)
    shapes = reward_shapes(patch * m.int(1, 4), patch, vision, text, words, positions, tuple(m.int(2, 30) for _ in range(4)))
    return reward(m, name, m.choose(1, 2, 3, 9), m.int(1, positions), fills(m, shapes), heads)


def fresh_hps(m, name):
    vision, text, heads = fresh_towers(m)
    patch = m.int(2, 9)
    return hps(m, name, m.choose(1, 2, 3), fills(m, hps_shapes(m.int(2, 40), patch * m.int(1, 4), patch, vision, text, m.int(5, 80), m.int(3, 77))), heads)


FRESH = {"image-reward": fresh_reward, "hps": fresh_hps}
