# configs-lua/catdiff.lua, preset=mini, at its own widths and a few steps: all that it begins from, four stages, killed in the middle of one and gone on with to the bit,
# rows 1 and 2 of the ablation from the same start; then a picture by --prompt, several of one seed each, and how near SemInpainter comes.
. "$SOURCE/tests/harness/shell.sh"
export OMP_NUM_THREADS=1

# Rendered scenes stand for *stamps* and what is made of them.
mkdir sets
for set in stamps collage grounds; do lacuna pack scenes -o "sets/$set.h5" --size 64 --count 16 --objects 1-1 --seed ${#set} > .out; done
cat > short.lua << 'END'
local short = { batch = { global = 2 }, checkpoint = { every = 8, keep = 1 }, log = { every = 1, tensorboard = false } }
local function begin(config) return lac.extend(lac.extend(config, short), { steps = 2 }) end
local mini = (require "catdiff.mini-stamps").parts
local base = lac.extend(begin(mini.base), { first = { begin(mini.vae), begin(mini.clip) } })
local presets = {}
for _, name in ipairs { "mini", "mini-row1", "mini-row2" } do presets[name] = lac.extend(short, { first = { base } }) end
return lac.extend(require "catdiff", { presets = presets })
END
steps=(stages.1.steps=3 stages.2.steps=2 stages.3.steps=12 stages.4.steps=3)
mini() { lacuna train short.lua preset=mini "${steps[@]}" "$@" > .out 2> .err || fail "trainer: $(cat .err)"; }
row() { lacuna train short.lua "preset=mini-row$1" stages.1.steps=2 > .out 2> .err || fail "row $1: $(cat .err)"; }

mini
for stage in 'distill: distill' 'unet: latent' 'sem: latent' 'joint: latent'; do grep -q "^$stage" .out || fail "no stage '$stage': $(cat .out)"; done
[ "$(ls runs)" = "$(printf '%s\n' catdiff-mini catdiff-mini-base catdiff-mini-clip catdiff-mini-vae)" ] || fail "runs: $(ls runs)"

# The third stage is steps 6 to 17, a checkpoint at 8.
lacuna train short.lua preset=mini "${steps[@]}" name=killed > .out 2> .err &
pid=$!
until [ -e runs/killed/ckpt/step-000008.h5 ]; do
  kill -0 $pid 2> /dev/null || fail "ended by itself: $(cat .out .err)"
  sleep 0.02
done
kill -9 $pid
status=0; wait $pid 2> /dev/null || status=$?
[ $status = 137 ] || fail "the kill came too late, or trainer ended with $status: $(cat .err)"
[ ! -e runs/killed/ckpt/step-000020.h5 ] || fail "nothing was left to do"
mini name=killed
grep -q '^sem: latent' .out || fail "it did not go on in the third stage: $(cat .out)"
if grep -q '^distill: distill' .out; then fail "it began anew: $(cat .out)"; fi
for run in catdiff-mini killed; do lacuna export "runs/$run" --all -o "$run.safetensors" > .out; done
cmp catdiff-mini.safetensors killed.safetensors || fail "gone on with, it ends with other weights"

# What stages leave alone is what they began from.
held() { lacuna export "runs/$1" --network "$2" -o "held-$1-$2" > .out; }
for network in vae text_encoder; do
  held catdiff-mini $network
  held catdiff-mini-base $network
  cmp "held-catdiff-mini-$network" "held-catdiff-mini-base-$network" || fail "'$network' has moved"
done

row 1
row 2

# A picture of what the prompt says, loudly, since two steps of training make little of it; of one seed or several; and the score of what is imagined.
lacuna pack masks -o masks -n 1 --size 72 --seed 3 > .out
lacuna pack masks -o pictures -n 1 --size 72 --seed 4 > .out
mask=$(find masks -name '*.png') picture=$(find pictures -name '*.png')
paint() { lacuna inpaint runs/catdiff-mini -i "$picture" -m "$mask" --steps 4 --guidance 40 "$@" > .out 2> .err || fail "inpaint $*: $(cat .err)"; }
paint -o cube.png --prompt "a red cube" --seed 2
paint -o many.png --prompt "a red cube" --seed 1 --count 2
paint -o moon.png --prompt "the moon" --seed 2
cmp cube.png many-2.png || fail "one of several results is not what its seed makes alone"
cmp -s cube.png moon.png && fail "prompts change nothing"
says '| catdiff-mini |' lacuna eval runs/catdiff-mini runs/catdiff-mini-row2 --baselines off --limit 2 --steps 2 --metrics sem-cosine,sem-cosine-input,l1@hole -o scores
grep -qE '^\| catdiff-mini \| -?0\.[0-9]+' .out || fail "no cosine of SemInpainter's: $(cat .out)"
