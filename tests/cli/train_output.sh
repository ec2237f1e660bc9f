# What a run leaves behind: log, grids, page, best weights, trace; accumulation gives the same step.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"

train steps=6 profile=3 log.every=2 sample.every=3 sample.images=2 validate.every=2 log.tensorboard=true 'validate.metrics={ "l1-pm1@hole", "psnr" }'
for key in loss.l1_coarse loss.l1_refine loss.g_gan loss.d_real loss.d_fake lr.generator lr.discriminator grad_norm.generator speed.images_per_second \
           speed.loader_wait memory.peak_gb validate.l1-pm1@hole validate.psnr; do
  [ "$(grep -c "\"$key\":[-0-9]" runs/a/log.jsonl)" = 3 ] || fail "log.jsonl has not three lines of $key: $(cat runs/a/log.jsonl)"
done
for file in samples/step-000003.png samples/step-000006.png report.html config.lua ckpt/best.safetensors trace.json; do
  [ -s "runs/a/$file" ] || fail "there is no $file: $(find runs/a)"
done
ls runs/a/events.* > .out || fail "no file for TensorBoard"
grep -qF "<svg" runs/a/report.html && grep -qF "step 000006" runs/a/report.html && ! grep -qE 'src="?https?:' runs/a/report.html || fail "report.html"

# The resolved config is a config: it trains the same run.
trainer runs/a/config.lua runs=again > .out 2> .err || fail "config.lua: $(cat .err)"
lacuna export runs/a --all -o one > .out
lacuna export again/a --all -o two > .out
cmp one two || fail "config.lua trains another run"

# The trace is JSON with three steps of the modules' ops.
[ "$(head -c 1 runs/a/trace.json)" = '{' ] || [ "$(head -c 1 runs/a/trace.json)" = '[' ] || fail "$(head -c 200 runs/a/trace.json)"
grep -qF generator/conv5 runs/a/trace.json || fail "$(head -c 600 runs/a/trace.json)"
! command -v python3 > /dev/null || python3 -c "import json, sys; json.load(open('runs/a/trace.json'))" || fail "trace.json is no JSON"

lacuna inpaint runs/a/ckpt/best.safetensors -i pictures/val/*24.png -m pictures/train/*24.png -o out.png > .out 2> .err || fail "inpaint: $(cat .err)"
lacuna pack masks -o m -n 3 --size 16 --seed 3 > .out
says "best" lacuna eval runs/a/ckpt/best.safetensors --set tiny.h5 --split val --size 16 --mask m/*16.png

# Four pictures at once, or two and two: the same step to rounding (sums in another order).
for micro in 0 2 1; do
  train name="micro$micro" steps=3 batch.global=4 "batch.micro=$micro" optim.generator.form=tf optim.discriminator.form=tf
  lacuna export "runs/micro$micro" --all -o w > .out
  od -An -v -tf4 -w4 -j "$((8 + $(od -An -tu8 -N8 w)))" w > "values$micro"
done
for micro in 2 1; do
  paste values0 "values$micro" | awk '{ d = $1 - $2; if (d > 1e-5 || d < -1e-5) bad++ } END { exit bad > 0 || NR < 50000 }' || fail "micro = $micro is another step"
done
