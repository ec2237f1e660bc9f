# What a run may change when it goes on, forks, weights to begin with, sweeps, dry runs.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"

says "a step is" trainer tiny.lua --dry-run
for word in '"recipe": "deepfill"' "generator " "discriminator " "parameters" "GFLOP" "GB"; do
  grep -qF "$word" .out || fail "--dry-run does not say '$word': $(cat .out)"
done
[ ! -e runs ] || fail "--dry-run left $(find runs)"
for line in "run 1 of 1: runs/a, 4 steps" "FLOP for 8 samples" "steps to come: 4 of 8 samples" "set 'tiny.h5' (data.train, data.eval): is there"; do
  grep -qF "$line" .out || fail "--dry-run does not say '$line': $(cat .out)"
done

# Without data and weights it says what it wants and how one comes by it, and costs the same.
step=$(grep -oE 'a step is [0-9.]+ GFLOP' .out)
says "$step" trainer tiny.lua --dry-run data.train.set=stamps data.eval.set=nowhere 'init={{ from = "runs/other" }}' data.eval.mask=file:holes validate.loss.every=2
for line in "set 'stamps' (data.train): missing: scripts/fetch-stamps cache && lacuna pack stamps" "set 'nowhere' (data.eval): missing" "weights 'runs/other' (init): missing" \
            "masks 'holes' (data.eval): missing"; do
  grep -qF "$line" .out || fail "--dry-run does not say '$line': $(cat .out)"
done
# The largest there is, 23 GB of state, on a machine that has nothing of it.
says "stage joint: 10000 steps" trainer "$SOURCE/configs-lua/catdiff.lua" --dry-run
for line in "sem_inpainter       324872192 parameters" "steps to come: 40000 of 5120000 samples" "tokenizer 'weights/stable-diffusion-inpainting/tokenizer' (model.tokenizer): missing" \
            "set 'openimages-train-objects' (data.train): missing: lacuna pack openimages"; do
  grep -qF "$line" .out || fail "--dry-run does not say '$line': $(cat .out)"
done
says "stage main: 1500 steps" trainer "$SOURCE/configs-lua/clip/mini.lua" --dry-run model.tokenizer=nowhere
grep -qF "tokenizer 'nowhere' (model.tokenizer): missing" .out || fail "--dry-run: $(cat .out)"
fails 1 "nobody" trainer tiny.lua data.train.set=nobody
[ ! -e runs ] || fail "a run that could not begin left $(find runs)"

train steps=2
fails 1 "seed was 1, is 2; go on with the old one, or give --fork NAME" trainer tiny.lua seed=2
fails 1 'model.generator.output was "tanh", is "clip"; optim.generator.lr was 0.0001, is 0.001;' trainer tiny.lua optim.generator.lr=0.001 model.generator.output=clip
fails 1 "trained for 2 steps already, more than steps = 1" trainer tiny.lua steps=1
train steps=3 sample.every=1 sample.images=2 validate.every=1 log.every=1 checkpoint.keep=5 threads=1 data.train.threads=2
[ -s runs/a/samples/step-000003.png ] && [ -s runs/a/ckpt/best.safetensors ] || fail "going on with samples and validation: $(find runs)"
train steps=3
grep -qF "nothing is left to do" .out || fail "a finished run: $(cat .out)"

# A fork begins with every network of the run, and goes on under the same command.
train --fork b steps=0 seed=9
same a b
train --fork b steps=1 seed=9
grep -qF "going on from step 0" .out || fail "$(cat .out)"
lacuna export runs/a --all -o a.all > .out
lacuna export runs/b --all -o b.all > .out
cmp -s a.all b.all && fail "the fork learned nothing"

# init from weights, and from a run.
lacuna export runs/a -o w.safetensors > .out
train name=w steps=0 'init={ { from = "w.safetensors" } }'
lacuna export runs/w -o w2.safetensors > .out
cmp w.safetensors w2.safetensors || fail "init from weights took other weights"
train name=r steps=0 'init={ { from = "runs/a" }, { from = "runs/a", network = "discriminator" } }'
same a r
fails 1 "no network 'critic'" trainer tiny.lua name=x 'init={ { from = "runs/a", network = "critic" } }'
fails 1 "init from 'gone'" trainer tiny.lua name=x 'init={ { from = "gone" } }'
fails 1 "runs/a" trainer tiny.lua name=x model.generator.cnum=8 'init={ { from = "runs/a" } }'
train name=loose steps=1 model.generator.cnum=8 'init={ { from = "runs/a", strict = false } }'

# A sweep: a folder a run, a table at the end; called again it trains what is missing alone.
train name=sw steps=1 'sweep={ seed = { 1, 2 }, ["optim.generator.lr"] = { 0.001 } }'
[ "$(ls runs/sw | wc -l)" = 2 ] && [ "$(grep -c '^| runs/sw/' .out)" = 2 ] || fail "sweep: $(ls runs/sw) $(cat .out)"
one=$(find runs/sw -name 'step-*' | head -n 1)
rm "$one"
train name=sw steps=1 'sweep={ seed = { 1, 2 }, ["optim.generator.lr"] = { 0.001 } }'
[ -s "$one" ] && [ "$(grep -c 'nothing is left to do' .out)" = 1 ] || fail "restarted sweep: $(cat .out)"
[ "$(grep -c '^| run | state | step | loss.total |' .out)" = 1 ] && [ "$(grep -c '^| runs/sw/.* | done | 1 | [0-9]' .out)" = 2 ] || fail "table: $(cat .out)"

# A run that diverges is marked, and the others have their turn; a config that is wrong is told before anything trains.
fails 1 "1 of 3 runs failed, the first with: step " trainer tiny.lua name=div steps=9 'sweep={ ["optim.generator.lr"] = { 1e-4, 1e9, 2e-4 } }'
[ "$(grep -c '| done | 9 |' .out)" = 2 ] && [ "$(grep -c '^| runs/div/.*=1000000000.0 | failed | 0 | - | ' .out)" = 1 ] || fail "table: $(cat .out)"
fails 1 "cnum" trainer tiny.lua name=wrong 'sweep={ ["model.generator.cnum"] = { 4, "four" } }'
[ ! -e runs/wrong ] || fail "a sweep with a wrong config began: $(find runs/wrong)"

# eval finds the runs of a config as the trainer does, also where the config stands on one of the program's own.
mkdir elsewhere
sed 's/^return {/return lac.extend(require "base.deepfill", {/; s/^}/})/' tiny.lua > elsewhere/based.lua
trainer elsewhere/based.lua name=based steps=1 > .out 2> .err || fail "based: $(cat .err)"
sed -i 's/name = "a"/name = "based"/' elsewhere/based.lua
says "based" lacuna eval elsewhere/based.lua
