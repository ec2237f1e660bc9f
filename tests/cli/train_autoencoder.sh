# The recipe `autoencoder`: a run that goes on to the bit before and after the discriminator's first step, grids of two columns, what becomes of a run.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"

cat > vae.lua << 'END2'
return {
  name = "a", recipe = "autoencoder", steps = 4, precision = "f32", batch = { global = 2 },
  data = { train = { set = "tiny.h5", size = 16, mask = "rect", threads = 1 }, eval = { set = "tiny.h5", split = "val", size = 16, mask = "rect" } },
  model = { kl = { block_out_channels = { 4, 8 }, down_block_types = { "DownEncoderBlock2D", "DownEncoderBlock2D" },
                   up_block_types = { "UpDecoderBlock2D", "UpDecoderBlock2D" }, norm_num_groups = 2 }, discriminator = { ndf = 2, n_layers = 1 } },
  loss = { perceptual = 0, disc_start = 2 }, optim = { vae = { ema = 0.9 } },
  log = { every = 1, tensorboard = false }, sample = { every = 4, images = 2 }, validate = { every = 2, metrics = { "psnr" } },
  checkpoint = { every = 1, keep = 9 },
}
END2
vae() { trainer vae.lua "$@" > .out 2> .err || fail "trainer $*: $(cat .err)"; }

vae
[ "$(grep -c '"loss.d_real":null' runs/a/log.jsonl)" = 2 ] && [ "$(grep -c '"shown.gan_weight":[0-9]' runs/a/log.jsonl)" = 2 ] || fail "the log: $(cat runs/a/log.jsonl)"
[ "$(grep -c '"validate.psnr":[0-9]' runs/a/log.jsonl)" = 2 ] || fail "no validation: $(cat runs/a/log.jsonl)"
# A PNG's width is its bytes 17 to 20: two pictures beside what was made of them, 2 pixels between.
width=$(od -An -tu1 -j16 -N4 runs/a/samples/step-000004.png | awk '{ print $3 * 256 + $4 }')
[ "$width" -ge 70 ] && [ "$width" -lt 90 ] || fail "the grid is $width pixels wide"
[ -s runs/a/ckpt/best.safetensors ] && [ -s runs/a/report.html ] || fail "no best weights or no report"

# Whole pictures are scored, whatever the mask.
scores() { grep -o '"validate.psnr":[0-9.]*' "runs/$1/log.jsonl"; }
vae name=other sample.every=0 data.eval.mask=brush
[ "$(scores a)" = "$(scores other)" ] || fail "the mask changes what a reconstruction scores: $(scores a; scores other)"

for at in 1 2 3; do
  mkdir -p "runs/from-$at/ckpt"
  cp "runs/a/ckpt/step-00000$at.h5" "runs/from-$at/ckpt/"
  vae "name=from-$at" threads=2
  same a "from-$at"
done

# What becomes of a run: its network alone, its scores, a picture through it.
lacuna export runs/a -o a.safetensors > .out
lacuna export runs/a --network discriminator -o d.safetensors > .out
lacuna eval runs/a --metrics psnr > .out 2> .err || fail "eval: $(cat .out .err)"
lacuna pack masks -o masks -n 1 --size 24 --seed 3 > .out
cp "$(find pictures -name '*.png' | sort | head -1)" picture.png
lacuna inpaint a.safetensors -i picture.png -m "$(find masks -name '*.png' | head -1)" -o made.png > .out 2> .err || fail "inpaint: $(cat .err)"

# A set through it is what it makes of the pictures, as truth and for whoever paints them; what it is stands beside the values.
kept() { lacuna eval "$@" --set tiny.h5 --split val --size 16 --mask rect --metrics l1@known --precision f32 --keep > .out 2> .err || fail "eval $*: $(cat .out .err)"; }
kept runs/a --baselines off -o plain
kept --through a.safetensors --baselines copy-nothing -o through
for file in plain/tiny-val-16/a/*/*.png; do cmp "$file" "through/tiny-val-16/reference/${file#plain/tiny-val-16/a/}" || fail "another truth"; done
grep -q '"view": "center crop of 16, shorter side 0, through a (weights [0-9a-f]\{12\})"' through/tiny-val-16.json || fail "no word of it: $(cat through/tiny-val-16.json)"
grep -q '"value": 0.0,' through/tiny-val-16.json || fail "what is known has changed: $(cat through/tiny-val-16.json)"
cat > through.lua << 'END2'
return { about = "through", data = { set = "tiny.h5", split = "val", size = 16, mask = "rect" }, through = "runs/a", metrics = { "l1@hole" } }
END2
lacuna eval --protocol through.lua --baselines copy-nothing --precision f32 -o protocol > .out 2> .err || fail "eval of a protocol: $(cat .err)"
grep -q 'through a (weights' protocol/tiny-val-16.json || fail "the protocol's 'through' is not heard"
fails 1 "through 'nothing': " lacuna eval --through nothing --set tiny.h5 --split val --size 16 --mask rect
trainer tiny.lua name=fill steps=1 > .out 2> .err || fail "trainer: $(cat .err)"
fails 2 "through 'runs/fill': it is an inpainter, 'deepfill', expected an autoencoder" lacuna eval --through runs/fill --set tiny.h5 --split val --size 16 --mask rect

# Codes, and both networks in bf16 where the machine has it.
codes='{ embed_dim = 3, n_embed = 9, ddconfig = { ch = 32, ch_mult = { 1, 1 }, num_res_blocks = 1, attn_resolutions = {}, resolution = 16, z_channels = 3 } }'
vae name=vq "model={ vq = $codes, discriminator = { ndf = 2, n_layers = 1 } }"
grep -q '"loss.codebook":[0-9]' runs/vq/log.jsonl || fail "no codebook's loss: $(cat runs/vq/log.jsonl)"
if grep -q avx512_bf16 /proc/cpuinfo; then vae name=bf16 precision=bf16; fi

fails 1 "wants the weights of LPIPS" trainer vae.lua name=p loss.perceptual=1
fails 1 "one of kl and vq" trainer vae.lua name=n "model.vq=$codes"
fails 1 "too small for model.discriminator.n_layers" trainer vae.lua name=s model.discriminator.n_layers=5
