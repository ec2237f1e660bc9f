# The recipe `clip`: the shipped config made short, going on to the bit, ranks, retrieval in the log, and what becomes of a run: one file, and the network of FD[mini-clip] and
# CLIPscore[mini-clip] on sets and on finished pictures.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"
i=0
for picture in $(find pictures -name '*.png' | sort); do
  set -- lion 'yellow pear' flute lion
  shift $((i++ % 4))
  echo "$1" > "${picture%.png}.txt"
done
lacuna pack folder pictures -o said.h5 --name said --split-by-place --captions > .out

tower='hidden_size = 8, intermediate_size = 16, num_hidden_layers = 1, num_attention_heads = 2'
cat > clip.lua << END2
return {
  name = "a", recipe = "clip", steps = 4, precision = "f32", batch = { global = 4 },
  data = { train = { set = "said.h5", size = 16, threads = 1 }, eval = { set = "said.h5", split = "val", size = 16 } },
  model = {
    clip = { projection_dim = 8, vision_config = { $tower, image_size = 16, patch_size = 8 },
             text_config = { $tower, vocab_size = 1527, max_position_embeddings = 6, eos_token_id = 1526 } },
    tokenizer = "data/stamps/tokenizer", prompts = { max_length = 6 },
  },
  optim = { clip = { lr = 1e-2, ema = 0.9 } },
  log = { every = 1, tensorboard = false }, validate = { loss = { every = 2 } }, checkpoint = { every = 1, keep = 9 },
}
END2
clip() { trainer clip.lua "$@" > .out 2> .err || fail "trainer $*: $(cat .err)"; }

clip
grep -q '"validate.text_top1":[0-9].*"validate.picture_top1":[0-9]' runs/a/log.jsonl || fail "no retrieval: $(cat runs/a/log.jsonl)"
grep -q '"shown.logit_scale":2.6' runs/a/log.jsonl || fail "no scale: $(cat runs/a/log.jsonl)"
grep -q 'step 4: text_top1 [01]' .out || fail "not said: $(cat .out)"
mkdir -p runs/again/ckpt
cp runs/a/ckpt/step-000002.h5 runs/again/ckpt/
clip name=again threads=2
same a again

# The shipped config, shortened.
trainer "$SOURCE/configs-lua/clip/mini.lua" name=mini precision=f32 steps=2 batch.global=4 data.train.set=said.h5 data.eval.set=said.h5 data.train.threads=1 \
  model.clip.vision_config.num_hidden_layers=1 log.tensorboard=false > .out 2> .err || fail "mini.lua: $(cat .err)"
[ -s runs/mini/report.html ] || fail "no report"

# In bf16 where the machine has it.
if grep -q avx512_bf16 /proc/cpuinfo; then clip name=bf16 precision=bf16; fi

# Held-out numbers are the same on two ranks, of which each has one of two batches.
numbers() { grep -o '"validate[^}]*' "runs/$1/log.jsonl" | tail -1; }
if [ -f "$BUILD/liblacuna-mpi.so" ]; then
  without_leak_check
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp
  still=(steps=1 optim.clip.lr=0 'init={ { from = "runs/a", network = "all" } }' validate.loss.every=1 'data.eval={ set = "said.h5", split = "train", size = 16 }')
  clip name=still "${still[@]}"
  mpirun -np 2 trainer clip.lua name=two "${still[@]}" > .out 2> .err || fail "two ranks: $(cat .err)"
  [ "$(numbers still)" = "$(numbers two)" ] && [ -n "$(numbers two)" ] || fail "two ranks validate otherwise: $(numbers still), $(numbers two)"
fi

fails 1 "sample.every must be 0" trainer clip.lua name=x sample.every=2
fails 1 "batch.micro: each picture is held against the whole batch" trainer clip.lua name=x batch.micro=2
fails 1 "'model.text' is 'words'" trainer clip.lua name=x model.text=words

# One file: network and tokenizer. Alone the network is what any network's file is.
lacuna export runs/a -o mini.safetensors > .out
lacuna export runs/a -o twice.safetensors > .out
cmp mini.safetensors twice.safetensors
lacuna export runs/a --network clip -o alone.safetensors > .out
lacuna export runs/a --network clip --layout transformers -o folder > .out
[ -s folder/config.json ] || fail "no folder of transformers"
clip name=from steps=1 optim.clip.lr=0 optim.clip.ema=0 'init={ { from = "mini.safetensors", network = "clip" } }'
lacuna export runs/from -o from.safetensors > .out
cmp mini.safetensors from.safetensors || fail "init brings other weights"

# Both ways in: pictures of a set, and finished ones. A run and its file are the same network, another file another recipe.
metrics='FD[mini-clip],LFD[mini-clip],CLIPscore[mini-clip]'
finished() { lacuna eval finished --reference reference --masks masks --prompts prompts.json --metrics "$metrics" --out "$1.json" --weights "mini-clip=$2" > .out 2> .err || fail "eval $2: $(cat .err)"; }
mkdir finished reference masks
n=0
for picture in $(find pictures -name '*.png' | sort); do
  n=$((n + 1))
  cp "$picture" "reference/$n.png"
done
n=0
for picture in $(find pictures -name '*.png' | sort -r); do
  n=$((n + 1))
  cp "$picture" "finished/$n.png"
done
for picture in reference/*.png; do cp "$picture" "masks/${picture#reference/}"; done
printf '{ "1": "lion", "2": "yellow pear" }' > prompts.json
finished file mini.safetensors
finished run runs/a
cmp file.json run.json || fail "a run is not what it exports"
for name in 'FD\[mini-clip\]' 'LFD\[mini-clip\]' 'CLIPscore\[mini-clip\]'; do grep -q "\"$name\"" file.json || fail "no $name: $(cat file.json)"; done
grep -q 'mini-clip=16px/8,weights=[0-9a-f]\{12\},text={caption}' file.json || fail "the recipe: $(cat file.json)"
lacuna export runs/mini -o other.safetensors > .out
finished other other.safetensors
[ "$(grep -o 'weights=[0-9a-f]*' file.json | head -1)" != "$(grep -o 'weights=[0-9a-f]*' other.json | head -1)" ] || fail "two miniatures share a recipe"
fails 1 "it holds no tokenizer" lacuna eval finished --reference reference --metrics 'FD[mini-clip]' --out x.json --weights mini-clip=alone.safetensors
fails 2 "give --weights mini-clip=FILE" lacuna eval finished --reference reference --metrics 'FD[mini-clip]' --out x.json
train name=fill steps=1
fails 2 "run 'runs/fill' of recipe 'deepfill' is no network for metrics" lacuna eval finished --reference reference --metrics 'FD[mini-clip]' --out x.json --weights mini-clip=runs/fill
fails 2 "is of features, and 'lpips-alex' compares two pictures" lacuna eval finished --reference reference --metrics 'FD[lpips-alex]' --out x.json
lacuna eval runs/fill --set said.h5 --split "" --precision f32 --metrics "$metrics" --weights mini-clip=runs/a -o scores > .out 2> .err || fail "eval of a set: $(cat .err)"
grep -q 'CLIPscore\[mini-clip\]' .out || fail "the table: $(cat .out)"
grep -q '"CLIPscore\[mini-clip\]":[0-9.]' scores/*.images.jsonl || fail "no value of a picture: $(head -3 scores/*.images.jsonl)"
