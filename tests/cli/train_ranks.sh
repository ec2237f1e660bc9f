# 2 and 4 ranks train as one; checkpoints know no number of ranks; a signal to any rank stops all; a lost rank is named.
. "$SOURCE/tests/harness/shell.sh"
[ -f "$BUILD/liblacuna-mpi.so" ] || { echo "built without MPI: nothing to test"; exit 0; }
. "$SOURCE/tests/harness/train.sh"
without_leak_check
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp
options=(batch.global=4 steps=6 threads=1 log.every=1 checkpoint.every=3 sample.every=3 sample.images=3 validate.every=3 optim.generator.ema=0.9)

# ranks N KEY=VALUE...: a training on N ranks that ends well.
ranks() {
  local n=$1
  shift
  mpirun -np "$n" trainer tiny.lua "${options[@]}" "$@" > .out 2> .err || fail "$n ranks, $*: ended with $?: $(cat .out .err)"
}

# numbers RUN KEY: a column of its log.
numbers() { sed -n "s/.*\"$2\":\([-0-9.e+]*\).*/\1/p" "runs/$1/log.jsonl"; }

# near A B KEY SHARE: no more than that apart in any step, relative to A.
near() {
  paste <(numbers "$1" "$3") <(numbers "$2" "$3") | awk -v most="$4" -v key="$3" '
    { d = ($1 - $2) / $1; d = d < 0 ? -d : d; if (NF != 2 || d > most) { print key, "in step", NR ":", $1, "and", $2; exit 1 } }' ||
    fail "runs $1 and $2 differ by more than $4"
}

# f32 sums of four samples in another order: 1e-6 relative is 16 units in the last place.
train name=one "${options[@]}"
for n in 2 4; do
  ranks $n "name=on-$n"
  for key in loss.l1_coarse loss.l1_refine loss.d_real loss.d_fake validate.l1-pm1@hole; do near one "on-$n" "$key" 1e-6; done
  [ "$(numbers "on-$n" step | wc -l)" = "$(numbers one step | wc -l)" ] || fail "log of $n ranks: $(cat "runs/on-$n/log.jsonl")"
  ls "runs/on-$n/samples/step-000006.png" "runs/on-$n/report.html" > /dev/null
done
ranks 2 name=again
same on-2 again

# saved on 4, gone on with on 1, on 2, and on 2 and then 1: the weights' rounding is all that differs, six steps by 1e-6 as above
ranks 4 name=moving steps=2 checkpoint.every=1
mkdir there
cp -r runs/moving there/on-1
cp -r runs/moving there/on-2
for n in 1 2; do
  mpirun -np $n trainer tiny.lua "${options[@]}" "name=on-$n" runs=there checkpoint.every=1 > .out 2> .err || fail "saved on 4, on $n: $(cat .out .err)"
  grep -q "going on from step 2" .out || fail "begins anew on $n ranks: $(cat .out)"
  mv "there/on-$n" "runs/moved-on-$n"
done
ranks 2 name=moving steps=4 checkpoint.every=1
train name=moving "${options[@]}" checkpoint.every=1
for run in moved-on-1 moved-on-2 moving; do
  for key in loss.l1_coarse loss.l1_refine loss.d_real loss.d_fake; do near one $run $key 1e-6; done
done

# micro-batches: the largest divisor of the rank's share
ranks 2 name=micro batch.global=12 batch.micro=4 steps=1
train name=micro-one "${options[@]}" batch.global=12 batch.micro=12 steps=1
near micro-one micro loss.l1_refine 1e-6
mpirun -np 2 trainer tiny.lua "${options[@]}" name=odd batch.global=5 > .out 2> .err && fail "5 pictures on 2 ranks"
grep -qF "batch.global = 5 does not divide among 2 ranks" .err || fail "$(cat .err)"

# process RANK RUN: that of this rank.
process() {
  local p
  for p in $(mine "trainer tiny.lua.* name=$2"); do
    grep -qzx "OMPI_COMM_WORLD_RANK=$1" "/proc/$p/environ" 2> /dev/null && grep -q trainer "/proc/$p/comm" && echo "$p"
  done
}

# begin N RUN KEY=VALUE...: in the background, until two steps are done; $pid is mpirun's.
begin() {
  local n=$1 run=$2
  shift 2
  mpirun -np "$n" trainer tiny.lua "${options[@]}" "name=$run" steps=100000 checkpoint.every=1 sample.every=0 validate.every=0 "$@" > .log 2> .err &
  pid=$!
  until grep -q '"step":2' "runs/$run/log.jsonl" 2> /dev/null; do kill -0 $pid || fail "died: $(cat .log .err)"; sleep 0.05; done
}

# ended SECONDS STATUS TEXT: mpirun ends within that time, with that status, and the text was said.
ended() {
  local status=0 begun=$SECONDS
  wait $pid || status=$?
  [ $((SECONDS - begun)) -le "$1" ] || fail "took $((SECONDS - begun)) s to end"
  [ "$status" = "$2" ] || fail "ended with $status, expected $2: $(cat .err)"
  grep -qF "$3" .err || fail "not said: '$3': $(cat .err)"
}

begin 2 stopped
kill -TERM "$(process 1 stopped)"
ended 20 75 "stopped after step"
at=$(ls runs/stopped/ckpt | sed -n 's/step-0*\(.*\).h5/\1/p' | tail -n 1)
ranks 2 name=stopped "steps=$((at + 1))" checkpoint.every=1

begin 4 silent comm.timeout=2
kill -STOP "$(process 2 silent)"
ended 30 76 "no sign of rank 2 of 4"

begin 4 killed comm.timeout=5
kill -KILL "$(process 3 killed)"
ended 30 137 "rank 3"
for i in $(seq 50); do [ -z "$(mine "trainer tiny.lua.* name=killed")" ] && break; sleep 0.1; done
[ -z "$(mine "trainer tiny.lua.* name=killed")" ] || fail "ranks are left over"
ranks 2 name=killed "steps=$(($(ls runs/killed/ckpt | sed -n 's/step-0*\(.*\).h5/\1/p' | tail -n 1) + 1))" checkpoint.every=1
