"""Cases of CAT-Diffusion's networks: committed, refused, fresh."""
import torch

import catdiff
import drawn
import latent_cases
import unet_cases

BLOCK, UNET, SEM = "ref-adapter-block", "ref-unet", "sem-inpainter"
SMALL_BLOCK = dict(dim=12, n_heads=2, d_head=6, context_dim=5, fusion_dim=7)
SMALL_UNET = {**unet_cases.SMALL, "block_out_channels": [8, 16], "fusion_dim": 5}         # norms of few values blow rounding up
TINY_LDM = dict(in_channels=3, out_channels=2, model_channels=32, num_res_blocks=1, attention_resolutions=[1], channel_mult=[1], num_heads=4, use_spatial_transformer=True,
                context_dim=5, fusion_dim=6)
MLP = dict(hidden_size=12, intermediate_size=20)
SMALL_SEM = dict(hidden_size=12, intermediate_size=24, num_attention_heads=3, num_hidden_layers=2, patch_size=14, image_size=56,
                 label_mlp=dict(in_channels=7, intermediate_size=9, out_channels=12), spatial_mlp=MLP, global_mlp=MLP)


def weights(m, shapes):
    """As for UNets; tables near 1."""
    stored = unet_cases.weights(m, shapes)
    return {k: (m.normal(*shapes[k]).half() if "embedding" in k else v) for k, v in stored.items()}


def drawn_weights(shapes):
    return {k: drawn.weight(shape, i) if len(shape) > 1 else drawn.positive(shape, i) for i, (k, shape) in enumerate(shapes.items())}


def block(m, name, config=None, n=2, tokens=5, text=3, refs=4, stored=None, **more):
    config = {**SMALL_BLOCK, **(config or {})}
    inputs = dict(x=m.normal(n, tokens, config["dim"]), context=m.normal(n, text, config["context_dim"]), fusion_out=m.normal(n, refs, config["fusion_dim"]))
    return m.finish(BLOCK, name, inputs, config, stored or weights(m, catdiff.block_shapes(config)), **more)


def ref_unet(m, name, config, sample=(2, 5, 6), text=3, refs=4, timestep=(0, 999), stored=None, **more):
    inputs = dict(sample=m.normal(sample[0], config.get("in_channels", 4), *sample[1:]), timestep=torch.tensor(timestep),
                  encoder_hidden_states=m.normal(sample[0], text, config.get("context_dim") or config["cross_attention_dim"]),
                  fusion_out=m.normal(sample[0], refs, config.get("fusion_dim", catdiff.FUSION)))
    return m.finish(UNET, name, inputs, config, stored or weights(m, catdiff.unet_shapes(config)), **more)


def mask(m, *shape, kind="some"):
    return (torch.rand(shape, generator=m.g) < dict(some=0.4, none=0, all=2)[kind]).long()


def sem(m, name, config=None, n=2, kind="some", stored=None, **more):
    config = {**SMALL_SEM, **(config or {})}
    c = catdiff.sem_config(config)
    width, side = c["hidden_size"], c["side"]
    inputs = dict(spatial_features=m.normal(n, 1 + side * side, width), mask_values=mask(m, n, 1, side, side, kind=kind), label_pooled=m.normal(n, c["text_tokens"], c["label_mlp"]["in_channels"]))
    if c["global_token"]:
        inputs["global_pooled"] = m.normal(n, 1, width)
    return m.finish(SEM, name, inputs, config, stored or weights(m, catdiff.sem_shapes(config)), **more)


def teacher(m, n, tokens, width, kind="some", whole=True):
    inputs = dict(pred_spatial=m.normal(n, tokens, width), target_spatial=m.normal(n, tokens, width), mask=mask(m, n, tokens, kind=kind))
    return {**inputs, **(dict(pred_global=m.normal(n, 1, width), target_global=m.normal(n, 1, width)) if whole else {})}


def distill(m, name, config=None, n=3, tokens=16, width=10, kind="some", **more):
    return m.finish("loss/distill", name, teacher(m, n, tokens, width, kind, (config or {}).get("global_token", True)), config, **more)


def loss(m, name, config=None, shape=(2, 4, 5, 3), **more):
    inputs = {k: m.normal(*shape) for k in ("model_output", "x0", "noise")}
    inputs["timestep"] = torch.tensor([m.int(0, 999) for _ in range(shape[0])])
    if (config or {}).get("kd_weight", 0):
        inputs.update(teacher(m, shape[0], 9, 6))
    return m.finish("loss/catdiff", name, inputs, config, **more)


def cosine(m, name, config=None, n=3, tokens=16, width=10, kind="some"):
    a = m.normal(n, tokens, width)
    inputs = dict(pred=a, target=a + m.normal(n, tokens, width), mask=mask(m, n, tokens, kind=kind))
    return m.finish("metric/masked-cosine", name, inputs, config, grad=False)


def smartbrush(m, name, sigma=None, h=40, w=56, hole="box"):
    return m.finish("smartbrush-mask", name, dict(mask=latent_cases.hole(m, h, w, hole)), {} if sigma is None else dict(sigma=sigma), grad=False)


def dropout(m, name, n=6, text=(3, 5), image=(4, 7)):
    u = m.uniform(n, low=0.8, high=1)
    return m.finish("condition-dropout", name, dict(u=u, text=m.normal(n, *text), null_text=m.normal(1, *text), image=m.normal(n, *image)), dict(rule="catdiff"), grad=False)


def the_rest(m):
    yield distill(m, "plain")
    yield distill(m, "masked", dict(kd_region="masked"))
    yield distill(m, "tokens-alone", dict(global_token=False), n=1)
    yield distill(m, "nothing-painted", dict(kd_region="masked"), kind="none")
    yield loss(m, "plain")
    yield loss(m, "velocity", dict(prediction_type="v_prediction"))
    yield loss(m, "both", dict(kd_weight=0.1, kd_region="masked", prediction_type="sample"))
    yield cosine(m, "plain")
    yield cosine(m, "mean", dict(plus_one=False), kind="all")
    yield cosine(m, "nothing-painted", kind="none")
    yield smartbrush(m, "object")
    yield smartbrush(m, "blurred", 3.5)
    yield smartbrush(m, "wider-than-the-picture", 8, 9, 7)
    yield smartbrush(m, "box", "box")
    yield smartbrush(m, "empty", 2, hole="empty")
    yield smartbrush(m, "empty-box", "box", hole="empty")
    yield dropout(m, "catdiff")
    for system, side in (("catdiff", (37, 50)), ("catdiff-train", (48, 48))):
        small = dict(system=system, size=48, clip_size=40, patch_size=9)
        yield latent_cases.inpaint_input(m, system, small, *side)
        yield latent_cases.inpaint_input(m, f"{system}-grey", {**small, "hole": "grey", "latent_mask": "nearest"}, *side)
        yield latent_cases.inpaint_input(m, f"{system}-other-rule", {**small, "latent_mask": "any-touch" if system == "catdiff" else "half"}, *side)
    guided = latent_cases.sampled(m, "catdiff", "catdiff")
    yield guided
    yield latent_cases.sampled(m, "catdiff-unguided", "catdiff", dict(guidance_scale=1), (1, 3, 5), stored=guided.weights, refs=1)


def committed(m):
    yield from the_rest(m)
    first = block(m, "plain")
    yield first
    yield block(m, "narrow-heads", dict(d_head=4), n=1, tokens=1, text=77, refs=64)
    yield block(m, "one-reference", n=3, refs=1, stored=first.weights, grad=False)
    first = ref_unet(m, "diffusers", SMALL_UNET)
    yield first
    yield ref_unet(m, "one-time", SMALL_UNET, timestep=7, sample=(3, 4, 3), stored=first.weights, grad=False)
    yield ref_unet(m, "published-keys", {**SMALL_UNET, **{k: v for k, v in unet_cases.PUBLISHED.items() if k not in ("_class_name", "_diffusers_version")}}, sample=(1, 4, 4),
                   timestep=(5,), refs=64, stored=first.weights, grad=False)
    yield ref_unet(m, "released", TINY_LDM, sample=(1, 3, 5), timestep=(500,), stored=drawn_weights(catdiff.unet_shapes(TINY_LDM)))
    wider = {**TINY_LDM, "channel_mult": [1, 1], "image_size": 32, "use_checkpoint": True, "legacy": False, "attention_resolutions": [2], "num_heads": 2}
    yield ref_unet(m, "released-odd", wider, sample=(2, 5, 3), timestep=3, stored=drawn_weights(catdiff.unet_shapes(wider)), grad=False)
    first = sem(m, "plain")
    yield first
    yield sem(m, "raw", dict(sample=False), stored=first.weights)
    yield sem(m, "all-painted", n=1, kind="all", stored=first.weights, grad=False)
    yield sem(m, "nothing-painted", n=3, kind="none", stored=first.weights, grad=False)
    yield sem(m, "odd-side", dict(image_size=45, patch_size=15), n=1)
    yield sem(m, "no-global-token", dict(global_token=False, text_tokens=3, hidden_act="gelu", layer_norm_eps=1e-6, use_fp16=True, attention_dropout=0.1))


def failing(m):
    from failing import changed
    base = block(m, "", grad=False)
    yield changed(base, "unknown-key", "fusion_dim", config=dict(fusion_dims=7))
    yield changed(base, "heads", "to_q", config=dict(n_heads=3))
    yield changed(base, "fusion-width", "fusion_out", inputs=dict(fusion_out=m.normal(2, 4, 6)))
    yield changed(base, "fusion-batch", "fusion_out", inputs=dict(fusion_out=m.normal(1, 4, 7)))
    yield changed(base, "no-references", "fusion_out", inputs=dict(fusion_out=m.normal(2, 0, 7)))
    yield changed(base, "no-adapter", "attn3.to_q.weight", drop=("attn3.to_q.weight",))
    base = ref_unet(m, "", SMALL_UNET, sample=(1, 2, 2), timestep=(3,), grad=False)
    yield changed(base, "no-fusion", "fusion_out", drop=("fusion_out",))
    yield changed(base, "fusion-width", "fusion_out", inputs=dict(fusion_out=m.normal(1, 4, 6)))
    yield changed(base, "fusion-shape", "attn3.to_k.weight", config=dict(fusion_dim=4))
    yield changed(base, "timestep-batch", "timestep", inputs=dict(timestep=torch.tensor([1, 2])))
    yield changed(base, "norm-missing", "norm4.bias", drop=("mid_block.attentions.0.transformer_blocks.0.norm4.bias",))
    base = ref_unet(m, "", TINY_LDM, sample=(1, 2, 2), timestep=(3,), stored={"none": torch.zeros(1)}, grad=False)         # looked at last
    yield changed(base, "released-unknown-key", "transformer_depth", config=dict(transformer_dept=1))
    yield changed(base, "released-no-text", "use_spatial_transformer", config=dict(use_spatial_transformer=False, context_dim=None))
    base = distill(m, "", grad=False)
    yield changed(base, "region", "kd_region", config=dict(kd_region="hole"))
    yield changed(base, "no-global", "target_global", drop=("target_global",))
    yield changed(base, "surplus-global", "pred_global", config=dict(global_token=False))
    yield changed(base, "mask", "mask", inputs=dict(mask=torch.zeros(3, 15, dtype=torch.int64)))
    yield changed(base, "target", "target_spatial", inputs=dict(target_spatial=m.normal(3, 16, 9)))
    base = loss(m, "", dict(kd_weight=1.0), grad=False)
    yield changed(base, "surplus", "kd_weight", config=dict(kd_weight=0))
    yield changed(base, "no-mask", "mask", drop=("mask",))
    yield changed(base, "late", "timestep", inputs=dict(timestep=torch.tensor([3, 1000])))
    yield changed(base, "timesteps", "timestep", inputs=dict(timestep=torch.tensor([3])))
    yield changed(base, "prediction", "prediction_type", config=dict(prediction_type="velocity"))
    base = cosine(m, "")
    yield changed(base, "mask-of-two", "mask", inputs=dict(mask=torch.full((3, 16), 2)))
    yield changed(base, "target", "target", inputs=dict(target=m.normal(3, 16, 9)))
    base = smartbrush(m, "", 2)
    yield changed(base, "word", "sigma", config=dict(sigma="boxes"))
    yield changed(base, "negative", "sigma", config=dict(sigma=-1))
    base = dropout(m, "")
    yield changed(base, "rule", "catdiff", config=dict(rule="cat"))
    yield changed(base, "samples", "image", inputs=dict(image=m.normal(5, 4, 7)))
    yield changed(base, "nulls", "null_text", inputs=dict(null_text=m.normal(2, 3, 5)))
    base = latent_cases.inpaint_input(m, "", dict(system="catdiff-train", size=24, clip_size=28), 24, 24)
    yield changed(base, "catdiff-size", "size", config=dict(size=32))
    yield changed(base, "catdiff-patch", "patch_size", config=dict(patch_size=29))
    yield changed(base, "catdiff-height", "height", config=dict(height=24))
    yield changed(base, "catdiff-rule", "latent_mask", config=dict(latent_mask="centre"))
    base = latent_cases.sampled(m, "", "catdiff", shape=(1, 2, 2), steps=2)
    yield changed(base, "catdiff-no-fusion", "fusion_out", drop=("fusion_out",))
    yield changed(base, "catdiff-fusion-batch", "fusion_out", inputs=dict(fusion_out=m.normal(2, 4, 5)))
    base = sem(m, "", grad=False)
    yield changed(base, "unknown-key", "text_tokens", config=dict(text_token=1))
    yield changed(base, "heads", "num_attention_heads", config=dict(num_attention_heads=5))
    yield changed(base, "label-width", "label_mlp.out_channels", config=dict(label_mlp=dict(in_channels=7, intermediate_size=9, out_channels=8)))
    yield changed(base, "spatial-width", "spatial_mlp.hidden_size", config=dict(spatial_mlp=dict(hidden_size=8, intermediate_size=20)))
    yield changed(base, "unknown-part", "intermediate_size", config=dict(spatial_mlp=dict(hidden_size=12, intermediat_size=20)))
    yield changed(base, "one-patch", "image_size", config=dict(image_size=20))
    yield changed(base, "mask-of-two", "mask_values", inputs=dict(mask_values=torch.full((2, 1, 4, 4), 2)))
    yield changed(base, "mask-float", "mask_values", inputs=dict(mask_values=torch.zeros(2, 1, 4, 4)))
    yield changed(base, "mask-size", "mask_values", inputs=dict(mask_values=torch.zeros(2, 1, 4, 5, dtype=torch.int64)))
    yield changed(base, "features", "spatial_features", inputs=dict(spatial_features=m.normal(2, 16, 12)))
    yield changed(base, "text", "label_pooled", inputs=dict(label_pooled=m.normal(2, 2, 7)))
    yield changed(base, "no-global", "global_pooled", drop=("global_pooled",))
    yield changed(base, "surplus-global", "global_pooled", config=dict(global_token=False), drop=tuple(k for k in base.weights if "global_mlp" in k or "post_layernorm" in k))
    yield changed(base, "missing-key", "fusion_model.post_layernorm.bias", drop=("fusion_model.post_layernorm.bias",))


def fresh_block(m, name):
    config = dict(dim=4 * m.int(2, 8), n_heads=m.int(1, 4), d_head=m.int(2, 10), context_dim=m.int(2, 16), fusion_dim=m.int(2, 16))
    return block(m, name, config, m.int(1, 3), m.int(1, 40), m.int(1, 77), m.int(1, 64))


def fresh_unet(m, name):
    if m.int(0, 1):
        config = {**unet_cases.fresh_condition(m, name).config, "fusion_dim": m.int(1, 12)}
    else:
        n = m.int(1, 2)
        config = {**TINY_LDM, "channel_mult": [1] + [m.int(1, 2) for _ in range(n - 1)], "attention_resolutions": [2 ** i for i in range(n) if m.int(0, 1)],
                  "context_dim": m.int(1, 12), "fusion_dim": m.int(1, 12), "in_channels": m.choose(4, 9), "num_heads": m.choose(2, 4)}
    n = m.int(1, 3)
    timestep = m.int(0, 999) if m.int(0, 1) else tuple(m.int(0, 999) for _ in range(n))
    return ref_unet(m, name, config, (n, m.int(2, 13), m.int(2, 13)), m.int(1, 20), m.int(1, 20), timestep)


def fresh_sem(m, name):
    width, heads = 8 * m.int(1, 4), m.choose(1, 2, 4)
    part = lambda: dict(hidden_act=m.choose("gelu", "quick_gelu"), hidden_size=width, intermediate_size=m.int(4, 40))
    label = dict(hidden_act=m.choose("gelu", "quick_gelu"), in_channels=m.int(2, 20), intermediate_size=m.int(4, 40), out_channels=width)
    config = dict(hidden_size=width, intermediate_size=m.int(8, 64), num_attention_heads=heads, num_hidden_layers=m.int(1, 4), patch_size=14, image_size=14 * m.int(2, 7) + m.int(0, 13),
                  hidden_act=m.choose("gelu", "quick_gelu"), label_mlp=label, spatial_mlp=part(), global_mlp=part(), sample=bool(m.int(0, 1)), global_token=bool(m.int(0, 1)),
                  text_tokens=m.int(1, 5))
    return sem(m, name, config, m.int(1, 3), m.choose("some", "some", "none", "all"))


def fresh_distill(m, name):
    return distill(m, name, dict(kd_region=m.choose("all", "masked"), global_token=bool(m.int(0, 1))), m.int(1, 4), m.int(1, 64), m.int(1, 40), m.choose("some", "none", "all"))


def fresh_loss(m, name):
    config = dict(prediction_type=m.choose("epsilon", "v_prediction", "sample"), kd_weight=m.choose(0, 0.1, 1), kd_region=m.choose("all", "masked"))
    return loss(m, name, config, (m.int(1, 4), m.int(1, 4), m.int(1, 20), m.int(1, 20)))


def fresh_cosine(m, name):
    return cosine(m, name, dict(plus_one=True), m.int(1, 4), m.int(1, 64), m.int(1, 40), m.choose("some", "none", "all"))


FRESH = {BLOCK: fresh_block, UNET: fresh_unet, SEM: fresh_sem, "loss/distill": fresh_distill, "loss/catdiff": fresh_loss, "metric/masked-cosine": fresh_cosine,
         "smartbrush-mask": lambda m, name: smartbrush(m, name, m.choose(0, "box", 1, 2.5, 8), m.int(1, 60), m.int(1, 60), m.choose("box", "full", "empty")),
         "condition-dropout": lambda m, name: dropout(m, name, m.int(1, 20), (m.int(1, 9), m.int(1, 9)), (m.int(1, 9), m.int(1, 9)))}
