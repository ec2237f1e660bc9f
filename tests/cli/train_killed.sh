# kill -9 at ten moments in a row: each time training goes on from a whole checkpoint, and it ends with the bits of a run left alone.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"
options=(steps=40 checkpoint.every=1 sample.every=3 validate.every=4 log.every=1 log.tensorboard=true)
train name=whole "${options[@]}"
RANDOM=${SEED:-7}
for i in 1 2 3 4 5 6 7 8 9 10; do
  trainer tiny.lua name=killed "${options[@]}" > .out 2> .err &
  pid=$!
  sleep "$((RANDOM % 12 / 10)).$((RANDOM % 10))$((RANDOM % 10))"
  kill -9 $pid 2> /dev/null || true
  status=0; wait $pid 2> /dev/null || status=$?
  [ $status = 137 ] || [ $status = 0 ] || fail "kill $i: trainer ended by itself with $status: $(cat .err)"
  grep -q damaged .out .err && fail "kill $i: the checkpoint was not whole: $(cat .out .err)"
done
train name=killed "${options[@]}"
same whole killed
[ -z "$(find runs/killed -name '*.tmp-*')" ] || fail "left behind: $(find runs/killed -name '*.tmp-*')"
[ "$(sed 's/.*"step":\([0-9]*\).*/\1/' runs/killed/log.jsonl | sort -n | uniq | wc -l)" = 40 ] || fail "log: $(cat runs/killed/log.jsonl)"
cmp runs/whole/samples/step-000040.png runs/killed/samples/step-000040.png || fail "the last grids differ"
cmp runs/whole/ckpt/best.safetensors runs/killed/ckpt/best.safetensors || fail "the best weights differ"
