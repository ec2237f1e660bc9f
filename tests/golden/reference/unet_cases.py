"""Cases of the UNets: committed, refused, fresh."""
import torch

import unet

CONDITION, LDM = "unet2d-condition", "unet-ldm"
SMALL = dict(down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"], block_out_channels=[4, 8],
             layers_per_block=1, norm_num_groups=2, cross_attention_dim=6, attention_head_dim=2)
# every other key of a published file, at diffusers' default
PUBLISHED = dict(_class_name="UNet2DConditionModel", _diffusers_version="0.42.1", sample_size=64, upcast_attention=True, center_input_sample=False, act_fn="silu", downsample_padding=1,
                 mid_block_scale_factor=1, mid_block_type="UNetMidBlock2DCrossAttn", dropout=0.0, only_cross_attention=False, dual_cross_attention=False,
                 class_embed_type=None, addition_embed_type=None, addition_time_embed_dim=None, addition_embed_type_num_heads=64, num_class_embeds=None,
                 encoder_hid_dim=None, encoder_hid_dim_type=None, resnet_time_scale_shift="default", resnet_skip_time_act=False, resnet_out_scale_factor=1.0,
                 time_embedding_type="positional", time_embedding_dim=None, time_embedding_act_fn=None, timestep_post_act=None, time_cond_proj_dim=None,
                 conv_in_kernel=3, conv_out_kernel=3, projection_class_embeddings_input_dim=None, attention_type="default", class_embeddings_concat=False,
                 mid_block_only_cross_attention=None, cross_attention_norm=None, reverse_transformer_layers_per_block=None, num_attention_heads=None,
                 norm_eps=1e-5, flip_sin_to_cos=True, freq_shift=0, use_linear_projection=False, transformer_layers_per_block=1)
TINY_LDM = dict(in_channels=3, out_channels=2, model_channels=32, num_res_blocks=1, attention_resolutions=[], channel_mult=[1], num_heads=4)


def weights(m, shapes):
    """Each layer keeps the size of what goes through it; norms are near 1. In half precision: read as these numbers by both sides."""
    out = {}
    for key, shape in shapes.items():
        fan = torch.Size(shape[1:]).numel()
        x = m.uniform(*shape) * ((3 / fan) ** 0.5 if len(shape) > 1 else 0.2)
        out[key] = (x + (1 if len(shape) == 1 and key.endswith("weight") and ("norm" in key or is_norm(key)) else 0)).half()
    return out


def is_norm(key):
    """CompVis numbers its norms: in_layers.0, out_layers.0, out.0"""
    return any(key.endswith(end) for end in ("in_layers.0.weight", "out_layers.0.weight", "out.0.weight"))


def case(m, kind, name, config, sample, tokens, timestep, stored=None, **more):
    shapes, context = (unet.condition_shapes, config.get("cross_attention_dim", 1280)) if kind == CONDITION else (unet.ldm_shapes, config.get("context_dim"))
    inputs = dict(sample=m.normal(sample[0], config.get("in_channels", 4), *sample[1:]), timestep=torch.tensor(timestep))
    if context:
        inputs["encoder_hidden_states"] = m.normal(sample[0], tokens, context)
    return m.finish(kind, name, inputs, config, stored or weights(m, shapes(config)), **more)


def condition(m, name, config=None, sample=(2, 6, 8), tokens=3, timestep=(0, 999), **more):
    return case(m, CONDITION, name, {**SMALL, **(config or {})}, sample, tokens, timestep, **more)


def ldm(m, name, config=None, sample=(2, 4, 6), tokens=3, timestep=(1, 500), **more):
    return case(m, LDM, name, {**TINY_LDM, **(config or {})}, sample, tokens, timestep, **more)


def committed(m):
    first = condition(m, "plain")
    yield first
    shared = dict(stored=first.weights, grad=False)
    yield condition(m, "odd", sample=(1, 5, 7), timestep=(37.25,), tokens=1, **shared)
    yield condition(m, "one-pixel", sample=(3, 1, 1), timestep=(1, 2, 3), **shared)
    yield condition(m, "one-row", sample=(1, 1, 9), timestep=(500,), **shared)
    yield condition(m, "published", PUBLISHED, sample=(1, 4, 4), timestep=(999,), tokens=77, **shared)
    yield condition(m, "sines-first", dict(flip_sin_to_cos=False, freq_shift=1), sample=(1, 3, 4), timestep=(12,), **shared)
    yield condition(m, "f16-input", sample=(1, 4, 5), timestep=(0.5,), dtype=torch.float16, **shared)
    yield condition(m, "heads-by-level", dict(attention_head_dim=[1, 4]), sample=(1, 4, 4), timestep=(7,), **shared)
    yield condition(m, "three-levels", dict(
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"], up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        block_out_channels=[4, 4, 8], layers_per_block=2, attention_head_dim=[1, 2, 4]), sample=(1, 9, 6), timestep=(20,), grad=False)
    yield condition(m, "linear-projection", dict(use_linear_projection=True, transformer_layers_per_block=2, in_channels=9, norm_num_groups=1),
                    sample=(1, 6, 5), timestep=(3,))
    yield condition(m, "one-level", dict(down_block_types=["CrossAttnDownBlock2D"], up_block_types=["CrossAttnUpBlock2D"], block_out_channels=[4], norm_eps=1e-3),
                    sample=(1, 5, 3), timestep=(3,), grad=False)
    yield ldm(m, "attention-blocks", dict(attention_resolutions=[1], use_scale_shift_norm=True), grad=False)
    yield ldm(m, "resblock-updown", dict(channel_mult=[1, 1], resblock_updown=True, use_spatial_transformer=True, context_dim=5, attention_resolutions=[2], num_heads=-1,
                                         num_head_channels=16, image_size=32, legacy=False, use_checkpoint=True), sample=(1, 4, 6), timestep=(3.5,), grad=False)


def failing(m):
    from failing import changed
    base = condition(m, "", sample=(2, 2, 2), grad=False)
    wrong = lambda name, word, **change: changed(base, name, word, **change)
    yield wrong("unknown-key", "layers_per_block", config=dict(layers_per_blok=2))
    yield wrong("up-types", "up_block_types", config=dict(up_block_types=["UpBlock2D"]))
    yield wrong("down-types", "down_block_types", config=dict(down_block_types=["CrossAttnDownBlock2D"]))
    yield wrong("channels-length", "block_out_channels", config=dict(block_out_channels=[4, 8, 8]))
    yield wrong("heads-length", "attention_head_dim", config=dict(attention_head_dim=[1, 2, 2]))
    yield wrong("heads-do-not-divide", "attention_head_dim", config=dict(attention_head_dim=3))
    yield wrong("heads-key", "num_attention_heads", config=dict(num_attention_heads=8))
    yield wrong("type-word", "CrossAttnDownBlock2D", config=dict(down_block_types=["CrossAttnDownBlok2D", "DownBlock2D"]))
    yield wrong("middle", "mid_block_type", config=dict(mid_block_type="UNetMidBlock2D"))
    yield wrong("groups", "norm_num_groups", config=dict(norm_num_groups=3))
    yield wrong("act", "act_fn", config=dict(act_fn="gelu"))
    yield wrong("dropout", "dropout", config=dict(dropout=0.1))
    yield wrong("class-embed", "class_embed_type", config=dict(class_embed_type="timestep"))
    yield wrong("time-shift", "resnet_time_scale_shift", config=dict(resnet_time_scale_shift="scale_shift"))
    yield wrong("freq-shift", "freq_shift", config=dict(freq_shift=2))
    yield wrong("sample-channels", "sample", inputs=dict(sample=m.normal(2, 3, 2, 2)))
    yield wrong("sample-rank", "sample", inputs=dict(sample=m.normal(2, 4, 2)))
    yield wrong("sample-empty", "sample", inputs=dict(sample=m.normal(2, 4, 0, 2)))
    yield wrong("sample-integer", "sample", inputs=dict(sample=torch.zeros(2, 4, 2, 2, dtype=torch.int64)))
    yield wrong("timestep-batch", "timestep", inputs=dict(timestep=torch.tensor([1])))
    yield wrong("timestep-u8", "timestep", inputs=dict(timestep=torch.zeros(2, dtype=torch.uint8)))
    yield wrong("context-width", "encoder_hidden_states", inputs=dict(encoder_hidden_states=m.normal(2, 3, 5)))
    yield wrong("context-batch", "encoder_hidden_states", inputs=dict(encoder_hidden_states=m.normal(1, 3, 6)))
    yield wrong("no-tokens", "encoder_hidden_states", inputs=dict(encoder_hidden_states=m.normal(2, 0, 6)))
    yield wrong("no-context", "encoder_hidden_states", drop=("encoder_hidden_states",))
    yield wrong("missing-key", "mid_block.attentions.0.proj_in.bias", drop=("mid_block.attentions.0.proj_in.bias",))
    yield wrong("projection-shape", "proj_in.weight", config=dict(use_linear_projection=True))
    yield wrong("infinite", "conv_out.bias", weights={"conv_out.bias": torch.full((4,), float("inf"))})
    yield wrong("upstream-of-nothing", "grad.y", inputs={"grad.y": m.normal(2, 4, 2, 2)}, grad=True)
    unweighted = wrong("no-weights", "weights")
    unweighted.weights = None
    yield unweighted
    base = ldm(m, "", dict(channel_mult=[1, 1]), sample=(1, 2, 2), timestep=(3,), grad=False)
    base.weights = {}                       # looked at last
    yield wrong_ldm(base, "no-heads", "num_heads", num_heads=-1)
    yield wrong_ldm(base, "heads-do-not-divide", "num_heads", num_heads=5)
    yield wrong_ldm(base, "head-channels", "num_head_channels", num_head_channels=5)
    yield wrong_ldm(base, "context-alone", "context_dim", context_dim=4)
    yield wrong_ldm(base, "no-context", "context_dim", use_spatial_transformer=True)
    yield wrong_ldm(base, "dims", "dims", dims=3)
    yield wrong_ldm(base, "order", "use_new_attention_order", use_new_attention_order=True)
    yield wrong_ldm(base, "unknown-key", "channel_mult", channel_mul=[1])
    yield wrong_ldm(base, "groups", "model_channels", model_channels=48)
    yield changed(base, "missing-keys", "input_blocks.0.0.bias")
    without = changed(base, "no-width", "model_channels")
    without.config = {k: v for k, v in without.config.items() if k != "model_channels"}
    yield without
    whole = ldm(m, "", dict(channel_mult=[1]), sample=(1, 1, 1), timestep=(3,), grad=False)
    yield changed(whole, "surplus-context", "encoder_hidden_states", inputs=dict(encoder_hidden_states=m.normal(1, 2, 3)))


def wrong_ldm(base, name, word, **config):
    from failing import changed
    return changed(base, name, word, config=config)


def fresh_condition(m, name):
    n = m.int(1, 3)
    channels = [8 * m.int(1, 3) for _ in range(n)]        # norms of few values blow rounding up, PyTorch's too
    attention = [bool(m.int(0, 1)) for _ in range(n)]
    up = [bool(m.int(0, 1)) for _ in range(n)]
    config = dict(down_block_types=[("CrossAttnDownBlock2D" if a else "DownBlock2D") for a in attention], up_block_types=[("CrossAttnUpBlock2D" if a else "UpBlock2D") for a in up],
                  block_out_channels=channels, layers_per_block=m.int(1, 2), norm_num_groups=m.choose(1, 2), cross_attention_dim=m.int(1, 12), norm_eps=m.choose(1e-5, 1e-6),
                  attention_head_dim=m.choose(1, 2, 4, [m.choose(1, 2, 4) for _ in range(n)]), transformer_layers_per_block=m.int(1, 2), in_channels=m.choose(4, 8, 9, 5), out_channels=m.int(1, 8),
                  use_linear_projection=bool(m.int(0, 1)), flip_sin_to_cos=bool(m.int(0, 1)), freq_shift=m.int(0, 1))
    batch = m.int(1, 3)
    timestep = tuple(m.int(0, 999) for _ in range(batch)) if m.int(0, 1) else tuple(m.int(0, 9990) / 10 for _ in range(batch))
    return case(m, CONDITION, name, config, (batch, m.int(1, 17), m.int(1, 17)), m.int(1, 80), timestep)


def fresh_ldm(m, name):
    n, transformer, batch = m.int(1, 3), bool(m.int(0, 1)), m.int(1, 2)
    config = dict(in_channels=m.int(1, 8), out_channels=m.int(1, 4), model_channels=32, num_res_blocks=m.int(1, 2), channel_mult=[1] + [m.int(1, 2) for _ in range(n - 1)],
                  attention_resolutions=[2 ** i for i in range(n) if m.int(0, 1)], use_spatial_transformer=transformer, resblock_updown=bool(m.int(0, 1)),
                  use_scale_shift_norm=bool(m.int(0, 1)), **(dict(context_dim=m.int(1, 12), transformer_depth=m.int(1, 2)) if transformer else {}),
                  **m.choose(dict(num_heads=4), dict(num_head_channels=8), dict(num_heads=2, num_head_channels=16)))
    f = 2 ** (n - 1)
    return case(m, LDM, name, config, (batch, f * m.int(2, 5), f * m.int(2, 5)), m.int(1, 20), tuple(m.int(0, 999) for _ in range(batch)))


FRESH = {CONDITION: fresh_condition, LDM: fresh_ldm}
