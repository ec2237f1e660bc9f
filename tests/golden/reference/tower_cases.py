"""Cases of text and vision towers: committed, failing, fresh."""
import torch

import towers

BATCHES = (1, 2, 3)
TEXT = dict(vocab_size=60, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3, max_position_embeddings=11, eos_token_id=59)
VISION = dict(hidden_size=24, intermediate_size=40, projection_dim=14, num_hidden_layers=2, num_attention_heads=2, image_size=14, patch_size=4)
MODEL = dict(text_config=TEXT, vision_config=VISION, projection_dim=10)
BERT = dict(n_embed=24, n_layer=2, vocab_size=50, max_seq_len=12, heads=3, dim_head=10)
INERT = dict(bos_token_id=0, pad_token_id=1, initializer_range=0.02, initializer_factor=1.0, attention_dropout=0.0, architectures=["CLIPTextModel"],
             model_type="clip_text_model", torch_dtype="float32", transformers_version="4.22.0.dev0", id2label={"0": "LABEL_0"}, _name_or_path="openai/clip")


def weights_of(m, kind, config):
    """Half precision: read as exactly these numbers by both sides, in half the space."""
    weights = {}
    for key, shape in towers.shapes(kind, config).items():
        if key == "logit_scale":
            weights[key] = torch.tensor(2.6592)
        elif len(shape) == 1 and key.endswith("weight"):
            weights[key] = 1 + m.normal(*shape, scale=0.2)
        elif len(shape) < 2 or "embedding" in key or "_emb" in key:
            weights[key] = m.normal(*shape, scale=0.3)
        else:
            weights[key] = m.normal(*shape, scale=torch.Size(shape[1:]).numel() ** -0.5)
    return {k: v.half() for k, v in weights.items()}


def ids_of(m, n, length, vocabulary, eos=None):
    """With the end token where it usually is: somewhere, and from there on."""
    ids = torch.randint(0, vocabulary, (n, length), generator=m.g)
    for row in ids if eos is not None else ():
        row[m.int(min(1, length - 1), length - 1):] = eos
    return ids


def text(m, name, config=TEXT, n=2, length=9, weights=None, kind="clip-text", ids=None, **more):
    ids = ids if ids is not None else ids_of(m, n, length, config["vocab_size"], config.get("eos_token_id") if kind == "clip-text" else None)
    return m.finish(kind, name, dict(input_ids=ids), config, weights or weights_of(m, kind, config), **more)


def vision(m, name, config=VISION, n=2, weights=None, **more):
    s = config["image_size"]
    return m.finish("clip-vision", name, dict(pixel_values=m.normal(n, config.get("num_channels", 3), s, s)), config,
                    weights or weights_of(m, "clip-vision", config), **more)


def model(m, name, config=MODEL, texts=2, images=2, length=7, weights=None, **more):
    s, c = config["vision_config"]["image_size"], config["text_config"]
    inputs = dict(input_ids=ids_of(m, texts, length, c["vocab_size"], c["eos_token_id"]), pixel_values=m.normal(images, 3, s, s))
    return m.finish("clip-model", name, inputs, config, weights or weights_of(m, "clip-model", config), **more)


def committed(m):
    w = weights_of(m, "clip-text", TEXT)
    yield text(m, "plain", weights=w)
    yield text(m, "whole-length-i32", length=11, n=3, weights=w, ids=ids_of(m, 3, 11, 60, 59).int(), grad=False)
    yield text(m, "one-token", length=1, n=1, weights=w)
    yield text(m, "no-end", weights=w, ids=ids_of(m, 2, 6, 40), grad=False)
    yield text(m, "eos-of-the-first-files", {**TEXT, **INERT, "eos_token_id": 2}, weights=w, ids=ids_of(m, 3, 8, 60, 59))
    yield text(m, "eos-2-is-in-the-text", {**TEXT, "eos_token_id": 2}, weights=w, ids=torch.tensor([[5, 2, 7, 59, 2, 59]]), grad=False)
    yield text(m, "gelu-one-layer", dict(TEXT, hidden_act="gelu", num_hidden_layers=1, layer_norm_eps=1e-3), n=1)
    yield text(m, "only-pooled", weights=w, upstream=("pooler_output",))
    yield text(m, "only-penultimate-recomputed", dict(TEXT, recompute=True), weights=w, upstream=("penultimate_hidden_state",))
    yield text(m, "empty-batch", weights=w, ids=torch.zeros(0, 5, dtype=torch.int64), grad=False)
    ignored = {**w, "text_model.embeddings.position_ids": torch.arange(11)[None]}
    yield m.finish("clip-text", "position-ids", dict(input_ids=ids_of(m, 1, 4, 60, 59)), TEXT, ignored, grad=False)

    flat = {k.removeprefix("text_model."): v for k, v in w.items()}         # as transformers 5 saves it
    w = weights_of(m, "clip-vision", VISION)
    yield vision(m, "remainder", weights=w)
    yield vision(m, "batch-of-three", n=3, weights=w, grad=False)
    yield vision(m, "recomputed", dict(VISION, recompute=True), n=1, weights=w)
    yield vision(m, "one-patch-of-one-channel", dict(VISION, image_size=5, patch_size=5, num_channels=1, hidden_act="gelu", num_hidden_layers=1), n=2)
    yield vision(m, "only-embeds", weights=w, n=1, upstream=("image_embeds",))
    yield vision(m, "empty-batch", weights=w, n=0, grad=False)

    w = weights_of(m, "clip-model", MODEL)
    yield model(m, "plain", weights=w)
    yield model(m, "three-texts-one-picture", texts=3, images=1, weights=w)
    yield model(m, "one-pair", texts=1, images=1, weights=w, grad=False)
    yield model(m, "only-loss", dict(MODEL, logit_scale_init_value=2.6592), texts=3, images=3, weights=w, upstream=("loss",))

    w = weights_of(m, "bert-encoder", BERT)
    yield text(m, "plain", BERT, weights=w, kind="bert-encoder")
    yield text(m, "whole-length", BERT, n=3, length=12, weights=w, kind="bert-encoder", grad=False)
    yield text(m, "one-token", BERT, n=1, length=1, weights=w, kind="bert-encoder")
    yield text(m, "recomputed", dict(BERT, recompute=True), n=1, length=5, weights=w, kind="bert-encoder")
    yield text(m, "empty-batch", BERT, weights=w, kind="bert-encoder", ids=torch.zeros(0, 5, dtype=torch.int64), grad=False)
    ignored = {**w, "to_logits.weight": m.normal(50, 24).half(), "to_logits.bias": m.normal(50).half()}
    yield m.finish("bert-encoder", "to-logits", dict(input_ids=ids_of(m, 2, 6, 50)), BERT, ignored, grad=False)
    yield text(m, "without-its-module", weights=flat, n=1, length=4)


def failing(m):
    from failing import changed
    one_layer = dict(TEXT, num_hidden_layers=1)
    base = text(m, "", one_layer, n=1, length=4, grad=False)
    first = "text_model.encoder.layers.0.mlp.fc1.weight"
    yield changed(base, "id-too-large", "input_ids", inputs=dict(input_ids=torch.tensor([[1, 60]])))
    yield changed(base, "id-negative", "input_ids", inputs=dict(input_ids=torch.tensor([[-1, 3]])))
    yield changed(base, "too-long", "input_ids", inputs=dict(input_ids=torch.zeros(1, 12, dtype=torch.int64)))
    yield changed(base, "no-tokens", "input_ids", inputs=dict(input_ids=torch.zeros(1, 0, dtype=torch.int64)))
    yield changed(base, "float-ids", "input_ids", inputs=dict(input_ids=m.normal(1, 4)))
    yield changed(base, "ids-rank", "input_ids", inputs=dict(input_ids=torch.zeros(4, dtype=torch.int64)))
    yield changed(base, "missing-weight", first, drop=(first,))
    yield changed(base, "misshapen-weight", first, weights={first: m.normal(40, 23)})
    short = first.removeprefix("text_model.")
    flat = changed(base, "without-its-module-missing", short)
    flat.weights = {k.removeprefix("text_model."): v for k, v in base.weights.items() if k != first}
    yield flat
    yield changed(base, "surplus-weight", "text_projection.weight", weights={"text_projection.weight": m.normal(10, 24)})
    yield changed(base, "nan-weight", first, weights={first: torch.full((40, 24), float("nan"))})
    yield changed(base, "infinite-weight", first, weights={first: torch.full((40, 24), float("inf"))})
    yield changed(base, "act-word", "quick_gelu", config=dict(hidden_act="quickgelu"))
    yield changed(base, "heads", "num_attention_heads", config=dict(num_attention_heads=5))
    yield changed(base, "unknown-key", "vocab_size", config=dict(vocab_siz=60))
    yield changed(base, "no-layers", "num_hidden_layers", config=dict(num_hidden_layers=0))
    yield changed(base, "upstream-of-nothing", "grad.text_embeds", inputs={"grad.text_embeds": m.normal(1, 24)}, grad=True)
    no_weights = changed(base, "no-weights", "weights")
    no_weights.weights = None
    yield no_weights

    base = vision(m, "", dict(VISION, num_hidden_layers=1), n=1, grad=False)
    yield changed(base, "size", "pixel_values", inputs=dict(pixel_values=m.normal(1, 3, 15, 14)))
    yield changed(base, "channels", "pixel_values", inputs=dict(pixel_values=m.normal(1, 4, 14, 14)))
    yield changed(base, "rank", "pixel_values", inputs=dict(pixel_values=m.normal(3, 14, 14)))
    yield changed(base, "patch-too-large", "patch_size", config=dict(patch_size=15))
    yield changed(base, "act-word", "gelu", config=dict(hidden_act="geluu"))

    small = dict(MODEL, text_config=one_layer, vision_config=dict(VISION, num_hidden_layers=1))
    base = model(m, "", small, texts=1, images=1, grad=False)
    yield changed(base, "inner-key", "hidden_size", config=dict(text_config=dict(one_layer, hiden_size=3)))
    yield changed(base, "inner-heads", "text_config", config=dict(text_config=dict(one_layer, num_attention_heads=5)))
    yield changed(base, "id-too-large", "input_ids", inputs=dict(input_ids=torch.tensor([[60]])))
    yield changed(base, "no-scale", "logit_scale", drop=("logit_scale",))
    yield changed(base, "no-pictures", "pixel_values", inputs=dict(pixel_values=torch.zeros(0, 3, 14, 14)))
    uneven = model(m, "", small, texts=2, images=1, grad=False)
    yield changed(uneven, "no-loss", "grad.loss", inputs={"grad.loss": torch.tensor(1.0)}, grad=True)

    base = text(m, "", dict(BERT, n_layer=1), n=1, length=4, kind="bert-encoder", grad=False)
    yield changed(base, "id-too-large", "input_ids", inputs=dict(input_ids=torch.tensor([[50]])))
    yield changed(base, "too-long", "input_ids", inputs=dict(input_ids=torch.zeros(1, 13, dtype=torch.int64)))
    yield changed(base, "missing-weight", "norm.bias", drop=("norm.bias",))
    yield changed(base, "heads-zero", "heads", config=dict(heads=0))
    no_width = changed(base, "no-width", "n_embed")
    no_width.config = dict(n_layer=1)
    yield no_width


# ---- fresh

def fresh_text_config(m, layers=3):
    heads = m.int(1, 4)
    return dict(vocab_size=m.int(5, 200), hidden_size=heads * m.int(1, 12), intermediate_size=m.int(1, 70), num_hidden_layers=m.int(1, layers), num_attention_heads=heads,
                max_position_embeddings=m.int(3, 77), hidden_act=m.choose("gelu", "quick_gelu"))


def wide(config, m):
    """A row of one number has no norm: its variance is 0 whatever it is."""
    return dict(config, hidden_size=config["num_attention_heads"] * m.int(4, 12))


def fresh_text(m, name):
    config = wide(fresh_text_config(m), m)
    config["eos_token_id"] = m.choose(2, config["vocab_size"] - 1)
    ids = ids_of(m, m.choose(*BATCHES), m.int(1, config["max_position_embeddings"]), config["vocab_size"], config["vocab_size"] - 1)
    return text(m, name, config, ids=ids)


def fresh_vision_config(m):
    patch = m.int(1, 9)
    config = wide(fresh_text_config(m), m)
    for key in ("vocab_size", "max_position_embeddings"):
        del config[key]
    return dict(config, projection_dim=m.int(2, 30), patch_size=patch, image_size=patch * m.int(1, 4) + m.int(0, patch - 1))


def fresh_vision(m, name):
    return vision(m, name, dict(fresh_vision_config(m), num_channels=m.choose(3, 3, 1, 4)), m.choose(*BATCHES))


def fresh_model(m, name):
    t = wide(fresh_text_config(m, 2), m)
    t["eos_token_id"] = t["vocab_size"] - 1
    config = dict(text_config=t, vision_config=fresh_vision_config(m), projection_dim=m.int(4, 30))
    n = m.choose(*BATCHES)
    return model(m, name, config, n, m.choose(n, *BATCHES), m.int(1, t["max_position_embeddings"]))


def fresh_bert(m, name):
    config = dict(n_embed=m.int(4, 40), n_layer=m.int(1, 3), vocab_size=m.int(5, 100), max_seq_len=m.int(1, 77), heads=m.int(1, 4), dim_head=m.int(1, 20))
    return text(m, name, config, m.choose(*BATCHES), m.int(1, config["max_seq_len"]), kind="bert-encoder")


FRESH = {"clip-text": fresh_text, "clip-vision": fresh_vision, "clip-model": fresh_model, "bert-encoder": fresh_bert}
