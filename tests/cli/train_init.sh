# `init`: one network's part for another of the program's recipes, from runs and from files, under other names, and into a convolution that reads more channels.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"
for picture in pictures/*/*.png; do echo lion > "${picture%.png}.txt"; done
lacuna pack folder pictures -o said.h5 --name said --split-by-place --captions > .out

tower='hidden_size = 8, intermediate_size = 16, num_hidden_layers = 1, num_attention_heads = 2'
text="$tower, vocab_size = 1527, max_position_embeddings = 6, eos_token_id = 1526"
coder='block_out_channels = { 4, 8 }, down_block_types = { "DownEncoderBlock2D", "DownEncoderBlock2D" }, up_block_types = { "UpDecoderBlock2D", "UpDecoderBlock2D" }, norm_num_groups = 2'
cat > clip.lua << END2
return { name = "clip", recipe = "clip", steps = 1, precision = "f32", seed = 5, batch = { global = 2 }, data = { train = { set = "said.h5", size = 16, threads = 1 } },
         model = { clip = { projection_dim = 8, vision_config = { $tower, image_size = 16, patch_size = 8 }, text_config = { $text } },
                   tokenizer = "data/stamps/tokenizer", prompts = { max_length = 6 } }, log = { tensorboard = false } }
END2
cat > latent.lua << END2
return {
  name = "a", recipe = "latent", steps = 1, precision = "f32", batch = { global = 2 },
  data = { train = { set = "said.h5", size = 16, mask = "rect", threads = 1 }, eval = { set = "said.h5", split = "val", size = 16, mask = "rect" } },
  model = {
    vae = { config = { $coder } }, text_encoder = { config = { $text } }, tokenizer = "data/stamps/tokenizer", prompts = { max_length = 6 },
    unet = { config = { in_channels = 4, block_out_channels = { 4, 8 }, norm_num_groups = 2, layers_per_block = 1, cross_attention_dim = 8, attention_head_dim = 2,
                        down_block_types = { "DownBlock2D", "CrossAttnDownBlock2D" }, up_block_types = { "CrossAttnUpBlock2D", "UpBlock2D" } } },
  },
  optim = { unet = { lr = 1e-2 } }, log = { tensorboard = false }, validate = { loss = { every = 1, draws = 2 } },
}
END2
latent() { trainer latent.lua "$@" > .out 2> .err || fail "trainer $*: $(cat .err)"; }
clip() { trainer clip.lua "$@" > .out 2> .err || fail "trainer $*: $(cat .err)"; }
begun() { latent "name=$1" steps=0 "init={ $2 }" && lacuna export "runs/$1" --network text_encoder -o "$1.safetensors" > .out; }

# A tower out of a whole CLIP: from the run, from its file, and by a renaming that changes nothing.
clip
lacuna export runs/clip -o clip.safetensors > .out
begun run '{ from = "runs/clip", of = "clip", network = "text_encoder" }'
begun file '{ from = "clip.safetensors", of = "clip", network = "text_encoder" }'
begun renamed '{ from = "clip.safetensors", of = "clip", network = "text_encoder", rename = { ["text_model.encoder."] = "text_model.encoder." } }'
begun nothing ''
cmp run.safetensors file.safetensors || fail "the run's tower is not its file's"
cmp run.safetensors renamed.safetensors || fail "a renaming that changes nothing changes something"
cmp -s run.safetensors nothing.safetensors && fail "init changed nothing"

# A denoiser of four channels in one of nine says what it said: the channels that are new weigh nothing.
losses() { sed -n 's/.*"validate.loss.total":\([0-9.]*\),.*/\1/p' "runs/$1/log.jsonl" | tail -1; }
nine=('model.unet.config.in_channels=9' 'init={ { from = "runs/a", network = "vae" }, { from = "runs/a", network = "text_encoder" }, { from = "runs/a", network = "unet", widen = true } }')
latent
latent name=four optim.unet.lr=0 'init={ { from = "runs/a", network = "all" } }'
latent name=nine optim.unet.lr=0 "${nine[@]}"
awk -v a="$(losses four)" -v b="$(losses nine)" 'BEGIN { exit !(a > 0 && (a - b) ^ 2 < 1e-10 * a * a) }' || fail "widened: $(losses four), then $(losses nine)"
lacuna export runs/a --network unet -o unet.safetensors > .out
nine[1]=${nine[1]/'from = "runs/a", network = "unet"'/'from = "unet.safetensors", network = "unet"'}
latent name=nine-of-file optim.unet.lr=0 "${nine[@]}"
same nine nine-of-file

fails 1 "'conv_in.weight' is" trainer latent.lua name=x model.unet.config.in_channels=9 'init={ { from = "runs/a", network = "unet" } }'
fails 1 "run 'runs/clip' has no network 'text_encoder'" trainer latent.lua name=x 'init={ { from = "runs/clip", network = "text_encoder" } }'
fails 1 "'of' names one network" trainer latent.lua name=x 'init={ { from = "runs/clip", network = "all", of = "clip" } }'
fails 1 "rename['text_model.'] should be the beginning of a name" trainer latent.lua name=x 'init={ { from = "runs/clip", of = "clip", network = "text_encoder", rename = { ["text_model."] = 3 } } }'
fails 1 "no key matches" trainer latent.lua name=x 'init={ { from = "runs/clip", of = "clip", network = "vae", strict = false } }'

# CAT-Diffusion from published folders, of diffusers and of transformers: what the UNet says with RefAdapters that are fresh is what it said without; a step moves both.
latent name=published steps=4 model.unet.config.in_channels=9           # steps enough that every block says something
lacuna export runs/published --layout diffusers -o sd > .out 2> .err || fail "$(cat .err)"
lacuna export runs/clip --network clip --layout transformers -o openai > .out 2> .err || fail "$(cat .err)"
[ -f sd/unet/config.json ] && [ -f openai/config.json ] || fail "no folders: $(find sd openai)"
mlp="hidden_size = 8, intermediate_size = 10"
cat > cat.lua << END2
local given = require "latent"
local eyes = { clip_vision = { config = { $tower, image_size = 16, patch_size = 8, projection_dim = 8 } } }
local sem = { sem_inpainter = { config = { $tower, image_size = 16, patch_size = 8, spatial_mlp = { $mlp }, global_mlp = { $mlp },
                                           label_mlp = { in_channels = 8, intermediate_size = 10, out_channels = 8 } } } }
local words = { text_encoder = given.model.text_encoder, tokenizer = "sd/tokenizer", prompts = given.model.prompts }
local full = lac.extend(lac.extend(lac.extend(given.model, lac.extend(eyes, sem)), words), { system = "catdiff", visual = "truth", unet = { config = { in_channels = 9, fusion_dim = 8 } } })
return {
  name = "cat", precision = "f32", batch = given.batch, data = given.data, log = given.log, steps = 1,
  stages = {
    { stage = "distill", recipe = "distill", model = lac.extend(lac.extend(words, eyes), sem), optim = { sem_inpainter = { lr = 1e-2 } },
      init = { { from = "openai", network = "clip_vision" }, { from = "sd", network = "text_encoder" },
               { from = "openai", network = "sem_inpainter", rename = { ["vision_model."] = "fusion_model." }, strict = false } } },
    { stage = "unet", recipe = "latent", model = full, optim = { unet = { lr = 0 } }, validate = given.validate,
      init = { { from = "sd", network = "vae" }, { from = "sd", network = "unet", strict = false } } },
  },
}
END2
trainer cat.lua stages.1.steps=0 > .out 2> .err || fail "$(cat .err)"
latent name=plain optim.unet.lr=0 model.unet.config.in_channels=9 model.tokenizer=sd/tokenizer \
  'init={ { from = "sd", network = "vae" }, { from = "sd", network = "text_encoder" }, { from = "sd", network = "unet" } }'
[ -n "$(losses cat)" ] && [ "$(losses cat)" = "$(losses plain)" ] || fail "silent RefAdapters: $(losses cat), without them $(losses plain)"
sed 's/from = "openai"/from = "runs\/clip", of = "clip"/' cat.lua > cat-run.lua
trainer cat-run.lua name=cat-run stages.1.steps=0 > .out 2> .err || fail "$(cat .err)"
same cat cat-run
trainer cat.lua name=moved stages.2.optim.unet.lr=0.01 > .out 2> .err || fail "$(cat .err)"
for part in unet sem_inpainter; do
  lacuna export runs/cat --network $part -o one > .out && lacuna export runs/moved --network $part -o two > .out
  cmp -s one two && fail "$part has not learned"
done
for part in vae text_encoder clip_vision; do
  lacuna export runs/cat --network $part -o one > .out && lacuna export runs/moved --network $part -o two > .out
  cmp one two || fail "$part is frozen, and has changed"
done
