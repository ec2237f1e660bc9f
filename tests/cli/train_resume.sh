# A run that was interrupted ends with the bits of one that was not: one stage, two stages with accumulation, EMA and separate batches,
# one thread or two, f32 and bf16; the same by signals.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"

train name=whole steps=6 threads=1
train name=parts steps=3 threads=2
train name=parts steps=6 threads=1
same whole parts
OMP_NUM_THREADS=2 train name=two steps=6
same whole two
lacuna export runs/whole -o w.safetensors > .out
grep -aqE 'whole|runs/|"steps"' w.safetensors .one && fail "the export tells the run's name or steps"
grep -qF '"step":6' runs/parts/log.jsonl && [ "$(grep -c '"step"' runs/parts/log.jsonl)" = 2 ] || fail "log: $(cat runs/parts/log.jsonl)"

# The same in every other way a step can be made up.
cat > staged.lua << 'END'
return lac.extend(require "tiny", {
  batch = { global = 4, micro = 2 }, loss = { separate_batches = true }, optim = { generator = { ema = 0.9 } }, checkpoint = { every = 1, keep = 9 },
  stages = {
    { stage = "first", steps = 2, model = { discriminator = { kind = "none" } } },
    { stage = "second", steps = 3, optim = { generator = { lr = 1e-3, schedule = { kind = "cosine", warmup = 2, total = 9 } } } },
  },
})
END
staged() { trainer staged.lua "$@" > .out 2> .err || fail "trainer $*: $(cat .err)"; }
staged name=s
for at in 1 2 4; do
  mkdir -p "runs/from-$at/ckpt"
  cp "runs/s/ckpt/step-00000$at.h5" "runs/from-$at/ckpt/"
  staged "name=from-$at"
  same s "from-$at"
done

sed -i 's/steps = 3/steps = 4/' staged.lua
staged name=from-4
grep -qF '"step":6' runs/from-4/log.jsonl || fail "the second stage's steps were not raised"
sed -i 's/steps = 2/steps = 3/' staged.lua
fails 1 "stage 'first' of run 'runs/from-4' ended after 2 steps" trainer staged.lua name=from-4
sed -i 's/steps = 3/steps = 2/; s/lr = 1e-3/lr = 2e-3/' staged.lua
fails 1 "stages.2.optim.generator.lr was 0.001, is 0.002;" trainer staged.lua name=from-4

if grep -q avx512_bf16 /proc/cpuinfo; then
  train name=bf precision=bf16 steps=4
  train name=bfparts precision=bf16 steps=2
  train name=bfparts precision=bf16 steps=4 threads=1
  same bf bfparts
fi

# A signal ends the step and saves; the same command goes on.
for signal in TERM INT; do
  trainer tiny.lua "name=$signal" steps=100000 log.every=1 > .log 2> .err &
  pid=$!
  until grep -q '"step":2' "runs/$signal/log.jsonl" 2> /dev/null; do kill -0 $pid || fail "died: $(cat .err)"; sleep 0.05; done
  kill "-$signal" $pid
  status=0; wait $pid || status=$?
  [ "$status" = 75 ] || fail "SIG$signal: ended with $status: $(cat .err)"
  at=$(ls "runs/$signal/ckpt" | sed -n 's/step-0*\(.*\).h5/\1/p')
  grep -qF "stopped after step $at" .err || fail "SIG$signal: $(cat .err)"
  train "name=$signal" "steps=$((at + 1))"
  grep -qF "going on from step $at" .out || fail "$(cat .out)"
done
