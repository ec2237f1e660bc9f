# lacuna bench: one step of a tiny network, single ops, bad words.
. "$SOURCE/tests/harness/shell.sh"
cat > tiny.lua <<'L'
return {
  name = "tiny", recipe = "deepfill", steps = 1, precision = "f32", batch = { global = 2 }, data = { train = { size = 256 } },
  model = { generator = { cnum = 8 }, discriminator = { width = 8 } },
  optim = { generator = { lr = 1e-4 }, discriminator = { lr = 1e-4 } },
}
L
says "2 pictures of 64x64, f32:" lacuna bench step tiny.lua --size 64 --steps 1
grep -q "^conv2d  *forward " .out && grep -q "^contextual_attention  *backward " .out || fail "no table by op: $(cat .out)"
says "1 pictures of 64x64" lacuna bench step tiny.lua --size 64 --batch 1 --steps 1
says "1 pictures of 64x64, f32:" lacuna bench step --size 64 --batch 1 --steps 1          # no config: the published network
fails 2 "did you mean 'step'" lacuna bench steps
fails 2 "--steps wants 1 or more" lacuna bench step tiny.lua --steps 0
says "GB/s  of copy   GFLOP/s  of peak" lacuna bench ops activation --steps 1 --device cpu
grep -qE '^activation +backward +64 128x128 leaky f32 +[0-9.]+ +[0-9.]+ +[0-9.]+%$' .out || fail "no row: $(cat .out)"
for op in $(lacuna ops | sed -n 's/^| \[\([a-z0-9_]*\)\].*/\1/p'); do
  grep -q "LAC_OP_$op," "$SOURCE/cli/bench_ops.c" || fail "bench ops has no row for $op"
done
fails 2 "no benchmark of 'tiny.lua'" lacuna bench ops tiny.lua
fails 2 "takes no --size" lacuna bench ops --size 64
"$BUILD/bench-peak" > peak
grep -qE '^fma_gflops [0-9.]+$' peak && grep -qE '^copy_gbs [0-9.]+$' peak || fail "bench-peak: $(cat peak)"

# The estimate: with a step that is given, and with one that is measured.
says "An estimate, not a measurement" lacuna bench scaling tiny.lua --step-ms 10 --backward 0.5 --optimizer 0.1
[ "$(grep -c '^ *[0-9]' .out)" = 8 ] && grep -q '^ *1024 ' .out || fail "rows of 8 to 1024 GPUs: $(cat .out)"
[ "$(grep -c estimate .out)" -ge 2 ] || fail "not called an estimate: $(cat .out)"
# links without limit: nothing is lost, and ZeRO-1 wins the optimizer's time, 10 ms over 9 + 1 / 8
lacuna bench scaling tiny.lua --step-ms 10 --optimizer 0.1 --intra-us 0 --inter-us 0 --intra-gbs 1e9 --inter-gbs 1e9 > free
grep -qE '^ *8 +100.0% +100.0% +109.6% +109.6% +100.0%' free || fail "links without limit: $(cat free)"
says "measured here on cpu in f32" lacuna bench scaling tiny.lua --size 64 --steps 1
fails 2 "--per-node must be above 0" lacuna bench scaling tiny.lua --per-node 0
fails 2 "are shares of a step" lacuna bench scaling tiny.lua --backward 0.9 --optimizer 0.2
fails 2 "go with --step-ms" lacuna bench scaling tiny.lua --backward 0.5
fails 2 "belong to lacuna bench scaling" lacuna bench step tiny.lua --step-ms 3

# Inpainters beside each other: a description whose weights are drawn, and its JSON.
cat > drawn.json <<'JSON'
{ "inpainter": "deepfill", "networks": { "generator": { "config": { "cnum": 4 } } } }
JSON
says "ratio  of the first" lacuna bench inpaint drawn.json drawn.json --size 32 --rounds 2 --device cpu --precision f32 -o times.json
grep -q '"rounds": 2' times.json && grep -q '"parts"' times.json && [ "$(grep -c '"inpainter": "deepfill"' times.json)" = 2 ]
fails 2 "wants 1 to 8 models" lacuna bench inpaint
fails 1 "stdin ended before the kernels were timed" lacuna bench inpaint drawn.json --size 32 --device cpu --paced < /dev/null
fails 2 "belong to lacuna bench inpaint" lacuna bench step --rounds 3
fails 2 "deepfill has no 'steps'" lacuna bench inpaint drawn.json --size 32 --device cpu --steps 3
fails 1 "there is no run and no weights file" lacuna bench inpaint nothing
