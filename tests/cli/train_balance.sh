# The recipe `balance` of the tests (tests/harness/recipe_balance.c): a frozen network beside those that learn, in two stages. Where weights
# come from when a run goes on, and where `init` applies.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"
trainer() { "$BUILD/lacuna-tests" --as train "$@"; }
lacuna() { "$BUILD/lacuna-tests" --as "$@"; }

cat > balance.lua << 'END2'
return lac.extend(require "tiny", {
  recipe = "balance", batch = { global = 4, micro = 2 }, optim = { generator = { ema = 0.9 } }, log = { every = 1 },
  checkpoint = { every = 1, keep = 9 },
  stages = { { stage = "rec", steps = 2 }, { stage = "gan", steps = 3, loss = { gan = 0.5 } } },
})
END2
balance() { trainer balance.lua "$@" > .out 2> .err || fail "trainer $*: $(cat .err)"; }

# from STEP RUN NAME KEY=VALUE...: what RUN had saved at STEP goes on as NAME, and ends as RUN did.
from() {
  mkdir -p "runs/$3/ckpt"
  cp "runs/$2/ckpt/step-00000$1.h5" "runs/$3/ckpt/"
  balance "name=$3" "${@:4}"
  grep -qF "going on from step $1" .out || fail "$(cat .out)"
  same "$2" "$3"
}

# The frozen network's weights: from the seed, from a file, from a run, each again when the run goes on.
precisions=(f32)
if grep -q avx512_bf16 /proc/cpuinfo; then precisions+=(bf16); fi
balance name=other seed=5 'stages={ { stage = "rec", steps = 1 } }'
lacuna export runs/other --network features -o features.safetensors > .out
for precision in "${precisions[@]}"; do
  for origin in seed 'init={ { from = "features.safetensors", network = "features" } }' 'init={ { from = "runs/other", network = "features" } }'; do
    name=$precision-${origin//[^a-z]/}
    init=("precision=$precision")
    if [ "$origin" != seed ]; then init+=("$origin"); fi
    balance "name=$name" "${init[@]}"
    for at in 1 2 4; do from $at "$name" "$name-$at" "${init[@]}" threads=2; done
  done
done
lacuna export runs/f32-seed --network features -o seed.safetensors > .out
lacuna export "runs/f32-${origin//[^a-z]/}" --network features -o held.safetensors > .out
cmp features.safetensors held.safetensors || fail "a frozen network from a run is not what that run holds"
cmp -s seed.safetensors features.safetensors && fail "two seeds draw the same network"

# The file it came from is read again, and is looked at: one that has gone, or changed, is told.
init='init={ { from = "features.safetensors", network = "features" } }'
name=f32-${init//[^a-z]/}
mv features.safetensors gone.safetensors
fails 1 "init from 'features.safetensors'" trainer balance.lua "name=$name" precision=f32 "$init" 'stages={ { stage = "rec", steps = 2 }, { stage = "gan", steps = 4, loss = { gan = 0.5 } } }'
cp seed.safetensors features.safetensors
fails 1 "the frozen network 'features' is not what it was" trainer balance.lua "name=$name" precision=f32 "$init" 'stages={ { stage = "rec", steps = 2 }, { stage = "gan", steps = 4, loss = { gan = 0.5 } } }'
fails 1 "the frozen network 'features' is not what it was" lacuna export "runs/$name" -o x
cp gone.safetensors features.safetensors
lacuna export "runs/$name" -o x > .out

# What `init` brings is trained on: the second stage begins where the first ended, unless its own `init` says otherwise.
init='init={ { from = "runs/other" } }'
balance name=once optim.generator.ema=0 "$init" 'stages={ { stage = "one", steps = 1 }, { stage = "two", steps = 0 } }'
balance name=one optim.generator.ema=0 "$init" 'stages={ { stage = "one", steps = 1 } }'
same once one
balance name=own 'stages={ { stage = "one", steps = 1 }, { stage = "two", steps = 0, '"$init"' } }'
lacuna export runs/own -o own.safetensors > .out
lacuna export runs/other -o other.safetensors > .out
cmp own.safetensors other.safetensors || fail "a stage's own init was not applied"

# One network of a file of several.
lacuna export runs/other --all -o all.safetensors > .out
balance name=several 'init={ { from = "all.safetensors", network = "features" } }'
same several "f32-initfromfeaturessafetensorsnetworkfeatures"

# What an earlier stage trained is saved, and stands still from then on.
learnt='stages={ { stage = "learn", steps = 2, model = { learn = true } }, { stage = "use", steps = 2 } }'
balance name=learnt "$learnt"
from 3 learnt learnt-3 "$learnt"
lacuna export runs/learnt --network features -o learnt.safetensors > .out
cmp -s learnt.safetensors seed.safetensors && fail "the features learned nothing"

# Measured numbers are in the log, beside the losses, where their stage is.
[ "$(grep -c '"shown.lambda":[0-9]' runs/f32-seed/log.jsonl)" = 3 ] && [ "$(grep -c '"loss.measured":[0-9]' runs/f32-seed/log.jsonl)" = 3 ] ||
  fail "lambda in the second stage: $(cat runs/f32-seed/log.jsonl)"
grep -qE '"(lr|grad_norm)\.[^gd"]' runs/f32-seed/log.jsonl && fail "a phase that measures has a learning rate: $(cat runs/f32-seed/log.jsonl)"

# rounding RUN: its networks are those of f32-seed, but for rounding: micro-batches and ranks give the same step.
values() {
  lacuna export "runs/$1" --all -o w > .out
  od -An -v -tf4 -w4 -j "$((8 + $(od -An -tu8 -N8 w)))" w > "$2"
}
values f32-seed wanted
rounding() {
  values "$1" found
  paste wanted found | awk '{ d = $1 - $2; if (d > 2e-4 || d < -2e-4) bad++ } END { exit bad > NR / 1000 || NR < 40000 }' || fail "$1 has trained otherwise"
}
for micro in 0 1; do
  balance "name=micro-$micro" precision=f32 "batch.micro=$micro"
  rounding "micro-$micro"
done
if [ -f "$BUILD/liblacuna-mpi.so" ]; then
  without_leak_check
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp
  mpirun -np 2 "$BUILD/lacuna-tests" --as train balance.lua name=ranks precision=f32 batch.micro=1 > .out 2> .err || fail "two ranks: $(cat .out .err)"
  rounding ranks
fi

trainer balance.lua --dry-run > .out
grep -qE '^  features +224 parameters, frozen$' .out && grep -qE '^  generator +[0-9]+ parameters$' .out || fail "--dry-run: $(cat .out)"
trainer --keys balance > .out
for key in model.learn model.generator.cnum model.discriminator.width optim.features.schedule.kind "optim.generator.groups.*.match" "data.train.mix.*.set"; do
  grep -qF "  $key " .out || fail "--keys does not tell $key: $(cat .out)"
done
