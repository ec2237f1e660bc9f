# The recipe `glide`: base, upsampler and text encoder in one run; two stages; grids, going on to the bit, and the model that comes of it.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"
for picture in pictures/*/*.png; do printf 'lion\nyellow pear\n' > "${picture%.png}.txt"; done
lacuna pack folder pictures -o said.h5 --name said --split-by-place --captions > .out

unet() { echo "config = { in_channels = $1, out_channels = 6, block_out_channels = { 4, 8 }, norm_num_groups = 2, layers_per_block = 1, cross_attention_dim = 8, attention_head_dim = 2,
  down_block_types = { \"DownBlock2D\", \"CrossAttnDownBlock2D\" }, up_block_types = { \"CrossAttnUpBlock2D\", \"UpBlock2D\" } }"; }
cat > glide.lua << END2
return {
  name = "a", recipe = "glide", steps = 4, precision = "f32", batch = { global = 4, micro = 2 },
  data = { train = { set = "said.h5", size = 16, mask = "rect", threads = 1 }, eval = { set = "said.h5", split = "val", size = 16, mask = "rect" } },
  model = {
    settings = { factor = 2, steps = 2, upsampler_sections = { 1, 2 } }, unet = { $(unet 7) }, upsampler = { $(unet 10) },
    text_encoder = { config = { vocab_size = 1527, hidden_size = 8, intermediate_size = 16, num_hidden_layers = 1, num_attention_heads = 2,
                                max_position_embeddings = 6, eos_token_id = 1526 } },
    tokenizer = "data/stamps/tokenizer", prompts = { max_length = 6 }, train_text = true,
  },
  optim = { unet = { lr = 1e-2, ema = 0.9, groups = { { match = "text_encoder/*", lr = 1e-3 } } }, upsampler = { lr = 1e-2 } },
  log = { every = 1, tensorboard = false }, sample = { every = 4, images = 2 }, validate = { every = 4, metrics = { "psnr" }, loss = { every = 4, draws = 2 } },
  checkpoint = { every = 1, keep = 9 },
}
END2
glide() { trainer glide.lua "$@" > .out 2> .err || fail "trainer $*: $(cat .err)"; }

glide
grep -q '"validate.psnr":[0-9]' runs/a/log.jsonl || fail "no validation: $(cat runs/a/log.jsonl)"
grep -q '"validate.loss.upsampler_vlb":[0-9]' runs/a/log.jsonl || fail "no loss on data.eval: $(cat runs/a/log.jsonl)"
grep -q 'lion\|yellow pear' runs/a/samples/step-000004.json || fail "the grid tells no prompts"
mkdir -p runs/again/ckpt
cp runs/a/ckpt/step-000002.h5 runs/again/ckpt/
glide name=again threads=2
same a again

# One after the other: the upsampler stands still in the first stage, base and text in the second.
small='{ stage = "small", steps = 2, model = { train_upsampler = false } }' large='{ stage = "large", steps = 2, model = { train_unet = false, train_text = false } }'
plain=('optim.unet.groups={}' optim.unet.ema=0)           # stages hand on the weights themselves, not their average
glide name=small "stages={ $small }" "${plain[@]}"
glide name=two "stages={ $small, $large }" "${plain[@]}"
for network in unet upsampler text_encoder; do
  for run in small two; do lacuna export runs/$run --network $network -o $run.safetensors > .out; done
  if [ $network = upsampler ]; then cmp -s small.safetensors two.safetensors && fail "the upsampler did not learn"
  else cmp small.safetensors two.safetensors || fail "$network moved in the upsampler's stage"; fi
done

# One model: the same picture from the run and from the file, another one for another prompt and seed.
lacuna export runs/a -o model.safetensors > .out
lacuna pack masks -o masks -n 1 --size 24 --seed 3 > .out
picture=$(find pictures -name '*.png' | sort | head -1) mask=$(find masks -name '*.png' | head -1)
paint() { lacuna inpaint "$1" -i "$picture" -m "$mask" -o "$2" --precision f32 "${@:3}" > .out 2> .err || fail "inpaint: $(cat .err)"; }
paint runs/a one.png --prompt lion --seed 1
paint model.safetensors two.png --prompt lion --seed 1 --system glide
cmp one.png two.png || fail "the model's file paints otherwise than the run"
paint model.safetensors pear.png --prompt 'yellow pear' --seed 1
paint model.safetensors other.png --prompt lion --seed 2
cmp -s two.png other.png && fail "the seed changes nothing"
paint model.safetensors more.png --prompt lion --seed 1 --steps 3 --setting 'upsampler_sections=[2, 2]'
cmp -s two.png more.png && fail "steps change nothing"
fails 1 "'factor' is 3" lacuna inpaint model.safetensors -i "$picture" -m "$mask" -o x.png --setting factor=3
