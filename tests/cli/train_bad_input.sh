# What can be wrong with a config, a set, a disk, a checkpoint or a number: one line, not zero, and nothing earlier is lost.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"

fails 1 "did you mean 'steps'" trainer tiny.lua stpes=3
sed 's/  model =/  modle =/' tiny.lua > typo.lua
fails 1 "unknown key 'modle' (did you mean 'model'?), typo.lua:7" trainer typo.lua
sed 's/steps = 4/steps = "four"/' tiny.lua > type.lua
fails 1 "type.lua:2" trainer type.lua
echo 'while true do end' > loop.lua
fails 1 "loop.lua" trainer loop.lua
echo 'return { name = string.find(string.rep("a", 60), string.rep("a?", 60) .. string.rep("a", 60)) }' > find.lua
time fails 1 "find.lua" trainer find.lua
echo 'os.execute("touch harm") return {}' > os.lua
fails 1 "os.lua:1" trainer os.lua
[ ! -e harm ] || fail "os.execute was run"
fails 1 "gone.lua" trainer gone.lua
echo 'return 7' > seven.lua
fails 1 "seven.lua" trainer seven.lua
fails 1 "'nobody'" trainer tiny.lua data.train.set=nobody
fails 2 "'tset'" trainer tiny.lua data.train.split=tset
fails 2 "'tset'" trainer tiny.lua data.eval.split=tset sample.every=1
fails 1 "recipe" trainer tiny.lua recipe=deepfil
fails 1 "multiple of 8" trainer tiny.lua data.train.size=20
head -c 2000 tiny.h5 > cut.h5
fails 1 "cut.h5" trainer tiny.lua data.train.set=cut.h5
rm -rf runs


# A learning rate that blows up: phase and module are named, and the checkpoint before stands.
status=0
trainer tiny.lua name=nan steps=30 optim.generator.lr=1e9 checkpoint.every=1 > .out 2> .err || status=$?
[ "$status" = 1 ] && [ "$(wc -l < .err)" = 1 ] && grep -qE "step [0-9]+, phase [dg]: .*(generator|discriminator)" .err || fail "NaN ($status): $(cat .err)"
lacuna export runs/nan -o nan.safetensors > .out || fail "no checkpoint stands"

# A full disk while saving: what was saved before is whole, and goes on when there is room.
train name=full steps=1
status=0
(ulimit -f 400; trainer tiny.lua name=full steps=3 > .out 2> .err) || status=$?
[ "$status" = 1 ] && [ "$(wc -l < .err)" = 1 ] && grep -qF "runs/full/ckpt/step-000003.h5" .err || fail "full disk ($status): $(cat .err)"
[ "$(ls runs/full/ckpt)" = step-000001.h5 ] || fail "full disk: $(ls runs/full/ckpt)"
train name=full steps=3
train name=clear steps=3
same full clear

# A newest checkpoint that is cut, or has a byte turned over: the one before is taken, with a note.
for harm in 'truncate -s -1000' 'turn'; do
  rm -rf runs/harm
  train name=harm steps=3 checkpoint.every=1
  newest=runs/harm/ckpt/step-000003.h5
  if [ "$harm" = turn ]; then printf 'X' | dd of=$newest bs=1 seek="$(($(stat -c %s $newest) / 2))" conv=notrunc status=none; else $harm $newest; fi
  train name=harm steps=3 checkpoint.every=1
  grep -qF "$newest" .out && grep -qF "going on from step 2" .out || fail "a harmed checkpoint: $(cat .out)"
  same harm clear
done
for file in runs/harm/ckpt/step-*; do truncate -s 3000 "$file"; done
fails 1 "none of the" trainer tiny.lua name=harm

# A checkpoint of another model, under this run's name.
train name=wide steps=1 model.generator.cnum=8
mkdir -p runs/other/ckpt
cp runs/wide/ckpt/step-000001.h5 runs/other/ckpt/
fails 1 "model.generator.cnum was 8, is 4" trainer tiny.lua name=other
