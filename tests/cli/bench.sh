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
fails 2 "takes no config" lacuna bench ops tiny.lua
"$BUILD/bench-peak" > peak
grep -qE '^fma_gflops [0-9.]+$' peak && grep -qE '^copy_gbs [0-9.]+$' peak || fail "bench-peak: $(cat peak)"
