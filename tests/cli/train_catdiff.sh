# CAT-Diffusion's lesson and its denoiser with CLIP's features made once: in f32 and bf16 the same weights and the same losses on data.eval, and what that costs is said before.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"
for picture in pictures/*/*.png; do printf 'lion\nyellow pear\n' > "${picture%.png}.txt"; done
lacuna pack folder pictures -o said.h5 --name said --split-by-place --captions > .out
lacuna pack masks -o . -n 4 --size 16 --seed 3 > .out

cat > lesson.lua << 'END2'
return {
  name = "lesson", recipe = "distill", steps = 4, batch = { global = 4, micro = 2 },
  data = { train = { set = "said.h5", size = 16, crop = "center", flip = true, mask = "file:union-4-seed3-16.png", threads = 1 }, eval = { set = "said.h5", split = "val", size = 16, mask = "rect" } },
  model = {
    clip_vision = { config = { hidden_size = 12, intermediate_size = 16, num_hidden_layers = 1, num_attention_heads = 2, image_size = 12, patch_size = 4 } },
    sem_inpainter = { config = { hidden_size = 12, intermediate_size = 16, num_attention_heads = 2, num_hidden_layers = 1, patch_size = 4, image_size = 12,
      label_mlp = { in_channels = 8, intermediate_size = 9, out_channels = 12 }, spatial_mlp = { hidden_size = 12, intermediate_size = 10 },
      global_mlp = { hidden_size = 12, intermediate_size = 10 } } },
    text_encoder = { config = { vocab_size = 1527, hidden_size = 8, intermediate_size = 16, num_hidden_layers = 1, num_attention_heads = 2,
                                max_position_embeddings = 6, eos_token_id = 1526 } },
    tokenizer = "data/stamps/tokenizer", prompts = { max_length = 6 },
  },
  optim = { sem_inpainter = { lr = 1e-2 } }, validate = { loss = { every = 2 } }, log = { every = 1, tensorboard = false },
}
END2

# The UNet with its RefAdapters, which read CLIP's features of the truth.
sed -e 's/name = "lesson", recipe = "distill"/name = "unet", recipe = "latent"/' -e 's/optim = { sem_inpainter/loss = { whole = 0.25, prompt_dropout = 0.25 }, optim = { unet/' \
    -e 's/model = {/model = { system = "catdiff", ref_zero_init = false,\
    vae = { config = { block_out_channels = { 4, 8 }, norm_num_groups = 2, down_block_types = { "DownEncoderBlock2D", "DownEncoderBlock2D" }, up_block_types = { "UpDecoderBlock2D", "UpDecoderBlock2D" } } },\
    unet = { config = { in_channels = 9, block_out_channels = { 4, 8 }, norm_num_groups = 2, layers_per_block = 1, cross_attention_dim = 8, attention_head_dim = 2, fusion_dim = 12,\
                        down_block_types = { "DownBlock2D", "CrossAttnDownBlock2D" }, up_block_types = { "CrossAttnUpBlock2D", "UpBlock2D" } } },/' lesson.lua > unet.lua

# learns CONFIG NETWORK PRECISION KEY=VALUE...: looked at in every step, and once: to the bit where the batches are as large.
losses() { grep -o '"validate.loss.total":[0-9.]*' "runs/$1/log.jsonl"; }
learns() {
  local name=${1%.lua}-$3-$4
  trainer "$1" "name=$name" "precision=$3" "${@:5}" > .out 2> .err || fail "trainer $1: $(cat .err)"
  if [ "$3" = f32 ]; then
    says "features of $looks pictures: " trainer "$1" "name=kept-$name" "precision=$3" "${@:5}" "model.cache_features=$4" --dry-run
    grep -qF "features of $held pictures of data.eval: " .out || fail "dry run: $(cat .out)"
  fi
  trainer "$1" "name=kept-$name" "precision=$3" "${@:5}" "model.cache_features=$4" > .out 2> .err || fail "trainer $1: $(cat .err)"
  lacuna export "runs/$name" --network "$2" -o looked.safetensors > .out
  lacuna export "runs/kept-$name" --network "$2" -o kept.safetensors > .out
  cmp looked.safetensors kept.safetensors || fail "$name: other weights on kept features"
  [ "$(losses "$name")" = "$(losses "kept-$name")" ] && [ -n "$(losses "$name")" ] || fail "$name: other losses on kept features: $(losses "$name"), $(losses "kept-$name")"
}
precisions=(f32)
if grep -q avx512_bf16 /proc/cpuinfo; then precisions+=(bf16); fi
for p in "${precisions[@]}"; do
  looks=20 held=6 learns lesson.lua sem_inpainter "$p" both
  looks=10 held=3 learns lesson.lua sem_inpainter "$p" pictures
  looks=10 held=3 learns unet.lua unet "$p" pictures model.visual=truth
  looks=10 held=3 learns unet.lua sem_inpainter "$p" both model.train_sem_inpainter=true
done
says 'in cache/' trainer lesson.lua name=x precision=f32 model.cache_features=both --dry-run
grep -q 'which are there' .out || fail "dry run: $(cat .out)"
fails 1 "data.train: features cannot be kept: crop:" trainer lesson.lua name=x data.train.crop=random model.cache_features=pictures
fails 1 "should be one of off|pictures|both" trainer lesson.lua name=x model.cache_features=latents
