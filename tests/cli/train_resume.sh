# A run that was interrupted ends with the bits of one that was not: one stage, two stages with accumulation, EMA and separate batches,
# one thread or two, f32 and bf16; the same by signals.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"

# 40 steps are 20, and 20 more: both phases, averaged weights, schedules; whoever has how many threads.
precisions=(f32)
if grep -q avx512_bf16 /proc/cpuinfo; then precisions+=(bf16); fi
forty=(log.every=20 optim.generator.ema=0.99 'optim.generator.schedule={ kind = "cosine", warmup = 5, total = 50 }')
for precision in "${precisions[@]}"; do
  train name=whole-$precision precision=$precision steps=40 threads=1 "${forty[@]}"
  train name=parts-$precision precision=$precision steps=20 threads=2 "${forty[@]}"
  train name=parts-$precision precision=$precision steps=40 threads=1 "${forty[@]}"
  same whole-$precision parts-$precision
  OMP_NUM_THREADS=2 train name=two-$precision precision=$precision steps=40 "${forty[@]}"
  same whole-$precision two-$precision
done
lacuna export runs/whole-f32 -o w.safetensors > .out
grep -aqE 'whole|runs/|"steps"' w.safetensors .one && fail "the export tells the run's name or steps"
grep -qF '"step":40' runs/parts-f32/log.jsonl && [ "$(grep -c '"step"' runs/parts-f32/log.jsonl)" = 2 ] || fail "log: $(cat runs/parts-f32/log.jsonl)"

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

if [ ${#precisions[@]} = 2 ]; then
  # A CPU without bf16 cannot train this run, but it opens it.
  lacuna export runs/whole-bf16 -o here > .out
  LAC_CPU_LEVEL=v3 lacuna export runs/whole-bf16 -o there > .out || fail "export without bf16"
  cmp here there || fail "another CPU exports other weights"
  fails 1 "precision bf16 needs a CPU with avx512_bf16" env LAC_CPU_LEVEL=v3 trainer tiny.lua name=whole-bf16 precision=bf16 steps=41 "${forty[@]}"
  fails 1 "precision bf16 needs a CPU with avx512_bf16" env LAC_CPU_LEVEL=v3 lacuna eval runs/whole-bf16 --precision bf16
  says "| whole-bf16 |" env LAC_CPU_LEVEL=v3 lacuna eval runs/whole-bf16 --limit 1
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
