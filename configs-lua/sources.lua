-- How one comes by what configs, protocols and tables name and what does not come along: packed sets by their names, weights by their paths. `--dry-run`, and errors, say it of what is not there.
local objects = "lacuna pack openimages --root OpenImages --split validation --limit 13400 --size 512 --manifest sets/openimages-objects.jsonl"
local coco    = "lacuna pack coco --images COCO/val2017 --annotations COCO/annotations/instances_val2017.json --split validation --per-picture 100 --limit 9311 --size 512 --manifest sets/coco-objects.jsonl"
local collage = 'lacuna pack collage sets/stamps.h5 --size 64 --count 8000 --labels "$(cat data/stamps/mini-labels.txt)'
local folder  = "the folder of that name on huggingface.co, as published"

return {
  stamps  = "scripts/fetch-stamps cache && lacuna pack stamps cache --max-side 512 -o sets/stamps.h5",
  collage = collage .. '" -o sets/collage.h5',
  grounds = collage .. ',$(cat data/stamps/mini-unseen.txt)" --grounds rendered -o sets/grounds.h5',
  scenes  = "lacuna pack scenes --size 64 --count 8000 --objects 1-2 -o sets/scenes.h5",
  solids  = "lacuna pack scenes --size 64 --count 8000 --objects 1 --seed 1 -o sets/solids.h5",

  ["brushbench-inside"]  = "lacuna pack brushbench --root BrushBench --task inside -o sets/brushbench-inside.h5",
  ["brushbench-outside"] = "lacuna pack brushbench --root BrushBench --task outside -o sets/brushbench-outside.h5",
  editbench              = "lacuna pack editbench --root EditBench --size 512 -o sets/editbench.h5",
  celebahq               = "lacuna pack folder CelebA-HQ --split val -o sets/celebahq.h5",
  ["places2-val"]        = "lacuna pack folder Places365/val_large --split val -o sets/places2-val.h5",

  ["laion-aesthetics"]                = "lacuna pack folder LAION-aesthetics --captions -o sets/laion-aesthetics.h5",
  ["openimages-train-objects"]        = "lacuna pack openimages --root OpenImages --split train --every --max-side 1024 -o sets/openimages-train-objects.h5",
  ["openimages-objects-box"]          = objects .. " --masks box -o sets/openimages-objects-box.h5",
  ["openimages-objects-segmentation"] = objects .. " --masks segmentation -o sets/openimages-objects-segmentation.h5",
  ["coco-objects-box"]                = coco .. " --masks box -o sets/coco-objects-box.h5",
  ["coco-objects-segmentation"]       = coco .. " --masks segmentation -o sets/coco-objects-segmentation.h5",

  ["weights/stable-diffusion-inpainting"]           = folder .. ": stable-diffusion-v1-5/stable-diffusion-inpainting",
  ["weights/stable-diffusion-inpainting/tokenizer"] = "part of weights/stable-diffusion-inpainting",
  ["weights/stable-diffusion-v1-5"]                 = folder .. ": stable-diffusion-v1-5/stable-diffusion-v1-5",
  ["weights/pt_inception-2015-12-05-6726825d.pth"]  = "of the releases of mseitzer/pytorch-fid on github.com",
  ["weights/bpe_simple_vocab_16e6.txt.gz"]          = "clip/ of openai/CLIP on github.com",
  ["weights/clip-vit-large-patch14/model.safetensors"] = "part of weights/clip-vit-large-patch14",
  ["weights/clip-vit-large-patch14"]                = folder .. ": openai/clip-vit-large-patch14",
}
