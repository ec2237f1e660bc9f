# tests/harness/train.sh -- a network and a set small enough to train in a test: . "$SOURCE/tests/harness/train.sh" after shell.sh
#
# tiny.lua trains DeepFill v2 on 16 x 16 pictures (drawn by the program: masks), 2 photographs a step; every test changes keys of it.
# One thread unless a test says otherwise: the bits are the same, and the cores run other tests too.
export OMP_NUM_THREADS=1
lacuna pack masks -o pictures/train -n 1 --size 24,25,26,27,28 --seed 1
lacuna pack masks -o pictures/val -n 1 --size 24,26,28 --seed 2
lacuna pack folder pictures -o tiny.h5 --name tiny --split-by-place > /dev/null
cat > tiny.lua << 'END'
return {
  name = "a", recipe = "deepfill", steps = 4, precision = "f32", batch = { global = 2 },
  data = {
    train = { set = "tiny.h5", size = 16, mask = "rect", threads = 1 },
    eval  = { set = "tiny.h5", split = "val", size = 16, mask = "rect" },
  },
  model = { generator = { cnum = 4 }, discriminator = { width = 4 } },
  log = { tensorboard = false },
}
END

# train KEY=VALUE...: tiny.lua with these; what it says goes to $T/.out.
train() { trainer tiny.lua "$@" > "$T/.out" 2> "$T/.err" || fail "trainer $*: status $?: $(cat "$T/.err")"; }

# same RUN RUN: both export the same bytes, every network of them.
same() {
  lacuna export "runs/$1" --all -o "$T/.one" > "$T/.out"
  lacuna export "runs/$2" --all -o "$T/.two" > "$T/.out"
  cmp "$T/.one" "$T/.two" || fail "runs $1 and $2 do not hold the same weights"
}
