"""What ImageReward and HPS v2 find in the finished pictures of clip_metrics/, by small files of weights in the published containers.

    python tests/golden/rewards.py tests/golden/rewards

writes image-reward.pt (a state dict), hps.pt (a table with state_dict) and expected.json, in double; run after clip_metrics.py. PyTorch 2.15.0, transformers 5.23.0, Pillow 13.0.0. Prompts are padded
to 35 tokens and masked, as the published code has it.
"""
import json
import pathlib
import sys

import numpy
import torch
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "reference"))
import clip_cases
import reward
import reward_cases
import strings
from kinds import Case
from make import Maker

BERT = strings.KINDS["wordpiece"]


def weights(m):
    words = len(clip_cases.Tokenizer(clip_cases.VOCAB).ids)
    hps = reward_cases.hps_shapes(embed=24, image=8, patch=4, vision=(160, 1, 16), text=(64, 1, 32), words=words, context=20)
    vocabulary = len((BERT / "vocab.txt").read_text().splitlines())
    both = reward_cases.reward_shapes(image=8, patch=4, vision=(64, 1, 32), text=(64, 2, 32), words=vocabulary + 2, positions=40)
    unused = {"blip.vision_proj.weight": (8, 64), "blip.vision_proj.bias": (8,), "blip.text_proj.weight": (8, 64), "blip.text_proj.bias": (8,)}
    return {**reward_cases.fills(m, {**both, **unused}), "blip.text_encoder.embeddings.position_ids": torch.arange(40)[None]}, reward_cases.fills(m, hps)


def pixels(image, recipe, size):
    out = clip_cases.preprocess(Case("clip-preprocess", "", dict(image=torch.tensor(image)), dict(recipe=recipe, size=size)))
    return out["pixel_values"].double()[None]


def main(to):
    from transformers import BertTokenizer
    to.mkdir(exist_ok=True)
    rewards, hps = weights(Maker(74))
    torch.save(rewards, to / "image-reward.pt")
    torch.save({"state_dict": hps}, to / "hps.pt")
    double = lambda w: {k: v.double() if v.is_floating_point() else v for k, v in w.items()}
    bert = BertTokenizer(vocab={word: i for i, word in enumerate((BERT / "vocab.txt").read_text().splitlines())}, do_lower_case=True)
    clip, expected, source = clip_cases.Tokenizer(clip_cases.VOCAB), {}, HERE / "clip_metrics"
    said = json.loads((source / "said.json").read_text())
    for path in sorted((source / "images").iterdir()):
        one = said.get(path.stem)
        prompt = one if isinstance(one, str) else (one or {}).get("prompt")
        if prompt is None:
            continue
        image = numpy.asarray(Image.open(path).convert("RGB"))
        ids = torch.tensor([bert(prompt, padding="max_length", truncation=True, max_length=35)["input_ids"]])
        value = reward.image_reward(dict(pixel_values=pixels(image, "clip", 8), input_ids=ids), {}, double(rewards))["value"]
        y = reward.hps(dict(pixel_values=pixels(image, "hps", 8), input_ids=torch.tensor([clip.encode(prompt, 20)])), {}, double(hps))
        expected[path.stem] = {"image-reward": value.item(), "hps": (y["image_embeds"] * y["text_embeds"]).sum().item()}
    (to / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
