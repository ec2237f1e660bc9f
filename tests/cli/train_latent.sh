# The recipe `latent`: an autoencoder, then a denoiser with its text encoder over it; grids with prompts, going on to the bit, and the model that comes of it.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"
for picture in pictures/*/*.png; do printf 'lion\nyellow pear\n' > "${picture%.png}.txt"; done
lacuna pack folder pictures -o said.h5 --name said --split-by-place --captions > .out

coder='block_out_channels = { 4, 8 }, down_block_types = { "DownEncoderBlock2D", "DownEncoderBlock2D" }, up_block_types = { "UpDecoderBlock2D", "UpDecoderBlock2D" }, norm_num_groups = 2'
cat > vae.lua << END2
return { name = "first", recipe = "autoencoder", steps = 2, precision = "f32", batch = { global = 2 }, data = { train = { set = "said.h5", size = 16, threads = 1 } },
         model = { kl = { $coder } }, loss = { perceptual = 0, gan = 0 }, log = { tensorboard = false } }
END2
cat > latent.lua << END2
return {
  name = "a", recipe = "latent", steps = 4, precision = "f32", batch = { global = 4, micro = 2 },
  data = { train = { set = "said.h5", size = 16, mask = "rect", threads = 1 }, eval = { set = "said.h5", split = "val", size = 16, mask = "rect" } },
  model = {
    settings = { steps = 2, guidance_scale = 2 }, vae = { config = { $coder } },
    unet = { config = { in_channels = 9, block_out_channels = { 4, 8 }, norm_num_groups = 2, layers_per_block = 1, cross_attention_dim = 8, attention_head_dim = 2,
                        down_block_types = { "DownBlock2D", "CrossAttnDownBlock2D" }, up_block_types = { "CrossAttnUpBlock2D", "UpBlock2D" } } },
    text_encoder = { config = { vocab_size = 1527, hidden_size = 8, intermediate_size = 16, num_hidden_layers = 1, num_attention_heads = 2,
                                max_position_embeddings = 6, eos_token_id = 1526 } },
    tokenizer = "data/stamps/tokenizer", prompts = { max_length = 6 }, train_text = true,
  },
  optim = { unet = { lr = 1e-2, ema = 0.9, groups = { { match = "text_encoder/*", lr = 1e-3 } } } },
  init = { { from = "runs/first", network = "vae" } },
  log = { every = 1, tensorboard = false }, sample = { every = 4, images = 2 }, validate = { every = 4, metrics = { "psnr" } }, checkpoint = { every = 1, keep = 9 },
}
END2
latent() { trainer latent.lua "$@" > .out 2> .err || fail "trainer $*: $(cat .err)"; }

trainer vae.lua > .out 2> .err || fail "trainer vae.lua: $(cat .err)"
latent
grep -q '"validate.psnr":[0-9]' runs/a/log.jsonl || fail "no validation: $(cat runs/a/log.jsonl)"
grep -q 'lion\|yellow pear' runs/a/samples/step-000004.json || fail "the grid tells no prompts"
lacuna export runs/first -o first.safetensors > .out
lacuna export runs/a --network vae -o held.safetensors > .out
cmp first.safetensors held.safetensors || fail "the autoencoder is not what init brought"

mkdir -p runs/again/ckpt
cp runs/a/ckpt/step-000002.h5 runs/again/ckpt/
latent name=again threads=2
same a again

# The loss on data.eval: beside the training loss in log and report, with the averaged weights, and nothing of the run differs for it.
losses() { sed -n 's/.*"validate.loss.total":\([0-9.]*\),"validate.loss.denoise":\1}/\1/p' "runs/$1/log.jsonl"; }
latent name=watched 'validate.loss={ every = 2, draws = 3 }'
grep -q 'step 4: loss [0-9.]* on 3 pictures of data.eval' .out || fail "not said: $(cat .out)"
[ "$(losses watched | wc -l)" = 2 ] || fail "log: $(cat runs/watched/log.jsonl)"
grep -q 'denoise, validation' runs/watched/report.html || fail "the report shows no validation of the loss"
same a watched
mkdir -p runs/watched-on/ckpt
cp runs/watched/ckpt/step-000002.h5 runs/watched-on/ckpt/
latent name=watched-on 'validate.loss={ every = 2, draws = 3 }'
[ "$(losses watched | tail -1)" = "$(losses watched-on)" ] || fail "gone on: $(losses watched), $(losses watched-on)"
latent name=still steps=1 optim.unet.lr=0 'optim.unet.groups={}' 'init={ { from = "runs/watched", network = "all" } }' 'validate.loss={ every = 1, draws = 3 }'
[ "$(losses watched | tail -1)" = "$(losses still)" ] || fail "not of the averaged weights: $(losses watched), $(losses still)"
says 'the loss on 2 pictures of data.eval every 5 steps' trainer latent.lua name=x --dry-run 'validate.loss={ every = 5, limit = 2 }'
says 'latents of 3 pictures of data.eval' trainer latent.lua name=x --dry-run validate.loss.every=5 model.cache=pictures data.train.crop=center
fails 1 "data.eval: size must be that of data.train, 16" trainer latent.lua name=x validate.loss.every=1 data.eval.size=24
fails 1 "validate.loss.every = 1 wants data.eval" trainer vae.lua name=x validate.loss.every=1

# One model: the same picture from the run and from the file, another one for another prompt and seed.
lacuna export runs/a -o model.safetensors > .out
lacuna pack masks -o masks -n 1 --size 24 --seed 3 > .out
picture=$(find pictures -name '*.png' | sort | head -1) mask=$(find masks -name '*.png' | head -1)
paint() { lacuna inpaint "$1" -i "$picture" -m "$mask" -o "$2" --precision f32 "${@:3}" > .out 2> .err || fail "inpaint: $(cat .err)"; }
paint runs/a one.png --prompt lion --seed 1
paint model.safetensors two.png --prompt lion --seed 1
cmp one.png two.png || fail "the model's file paints otherwise than the run"
paint model.safetensors pear.png --prompt 'yellow pear' --seed 1
paint model.safetensors seed.png --prompt lion --seed 2
cmp -s one.png pear.png && fail "prompts change nothing"
cmp -s one.png seed.png && fail "seeds change nothing"

# States of texts that are read once, the encoder frozen: the same run to the bit, in bf16 too.
precisions=(f32)
if grep -q avx512_bf16 /proc/cpuinfo; then precisions+=(bf16); fi
for p in "${precisions[@]}"; do
  frozen=("precision=$p" model.train_text=false 'optim.unet.groups={}' 'validate.loss={ every = 2 }')
  latent "name=read-$p" "${frozen[@]}"
  says 'states of 6 texts' trainer latent.lua "name=kept-$p" "${frozen[@]}" model.cache_texts=true --dry-run          # of train and of val, each with the empty one
  grep -q '6 are made before the first step' .out || fail "dry run: $(cat .out)"
  latent "name=kept-$p" "${frozen[@]}" model.cache_texts=true
  for how in read kept; do lacuna export "runs/$how-$p" --network unet -o "$how.safetensors" > .out; done
  cmp read.safetensors kept.safetensors || fail "$p: other weights on kept texts"
  [ "$(losses "read-$p")" = "$(losses "kept-$p")" ] || fail "$p: other losses on kept texts"
done
latent name=both precision=f32 model.train_text=false 'optim.unet.groups={}' model.cache=latents model.cache_texts=true data.train.crop=center
says 'which are there' trainer latent.lua name=x precision=f32 model.train_text=false 'optim.unet.groups={}' model.cache_texts=true --dry-run
fails 1 "the text encoder of 'sd-inpaint' is trained" trainer latent.lua name=x model.cache_texts=true
fails 1 "model.tokenizer" trainer latent.lua name=x model.tokenizer=
fails 1 "in_channels is 8, expected 4, or 9" trainer latent.lua name=x model.unet.config.in_channels=8
fails 2 "did you mean 'sd-inpaint'" trainer latent.lua name=x model.system=sd-inpait

# SmartBrush: it trains, its grids and validations paint, and so does the model that comes of it.
sed -e 's/name = "a"/name = "brush"/' -e 's/in_channels = 9,/in_channels = 5, out_channels = 5, num_class_embeds = 4,/' -e 's/model = {/loss = { whole = 0.2 }, model = { system = "smartbrush",/' \
    latent.lua > brush.lua
trainer brush.lua > .out 2> .err || fail "trainer brush.lua: $(cat .err)"
grep -q '"loss.dice":[0-9]' runs/brush/log.jsonl && grep -q '"validate.psnr":[0-9]' runs/brush/log.jsonl || fail "no dice or no validation: $(cat runs/brush/log.jsonl)"
lacuna export runs/brush -o brush.safetensors > .out
paint brush.safetensors brushed.png --prompt lion --setting predicted_mask=last --setting precision=1
fails 1 'precision' lacuna inpaint brush.safetensors -i "$picture" -m "$mask" -o x.png --setting precision=4
fails 1 "expected 5, with the hole" trainer brush.lua name=x model.unet.config.in_channels=9

# CAT-Diffusion of five networks: the run, and the model that comes of it, paint what --prompt says, one seed or several, with SemInpainter and without.
sed -e 's/name = "a"/name = "cat"/' -e 's/cross_attention_dim = 8,/cross_attention_dim = 8, fusion_dim = 12,/' -e 's/train_text = true,/train_text = false,/' -e 's/, groups = {.*} } } },/ } },/' \
    -e 's/model = {/model = { system = "catdiff",\
    clip_vision = { config = { hidden_size = 12, intermediate_size = 16, num_hidden_layers = 1, num_attention_heads = 2, image_size = 12, patch_size = 4 } },\
    sem_inpainter = { config = { hidden_size = 12, intermediate_size = 16, num_attention_heads = 2, num_hidden_layers = 1, patch_size = 4, image_size = 12,\
      label_mlp = { in_channels = 8, intermediate_size = 9, out_channels = 12 }, spatial_mlp = { hidden_size = 12, intermediate_size = 10 },\
      global_mlp = { hidden_size = 12, intermediate_size = 10 } } },/' latent.lua > cat.lua
trainer cat.lua > .out 2> .err || fail "trainer cat.lua: $(cat .err)"
lacuna export runs/cat -o cat.safetensors > .out
paint runs/cat one.png --prompt lion --seed 2
paint cat.safetensors many.png --prompt lion --seed 1 --count 3
cmp one.png many-2.png || fail "the model's file paints otherwise than the run, or a result otherwise than alone"
cmp -s many-1.png many-2.png && fail "seeds change nothing"
paint cat.safetensors pear.png --prompt 'yellow pear' --seed 2
cmp -s one.png pear.png && fail "prompts change nothing"
paint cat.safetensors without.png --prompt lion --seed 2 --system catdiff-masked
cmp -s one.png without.png && fail "SemInpainter changes nothing"
fails 1 "RefAdapters" lacuna inpaint cat.safetensors -i "$picture" -m "$mask" -o x.png --system sd-inpaint
if [ "${#precisions[@]}" = 2 ]; then lacuna inpaint cat.safetensors -i "$picture" -m "$mask" -o any.png --prompt lion --precision bf16 > .out 2> .err || fail "bf16: $(cat .err)"; fi
