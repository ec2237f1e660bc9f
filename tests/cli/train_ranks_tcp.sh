# Ranks without MPI: by the variables that torchrun sets and by Slurm's, over TCP. They train as MPI's do; a lost one is named.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"
without_leak_check
options=(batch.global=4 steps=3 threads=1 log.every=1 checkpoint.every=3 sample.every=3 sample.images=3 validate.every=3 optim.generator.ema=0.9)
port=$((20000 + RANDOM % 10000))

# HOW RANK N: the variables of one rank.
torch() { echo "RANK=$1 WORLD_SIZE=$2 LOCAL_RANK=$1 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port"; }
slurm() { echo "SLURM_PROCID=$1 SLURM_STEP_NUM_TASKS=$2 SLURM_LOCALID=$1 SLURM_JOB_ID=$port SLURM_STEP_ID=0 SLURM_STEP_NODELIST=127.0.0.1"; }

# begin HOW N RUN KEY=VALUE...: in the background; $pids are theirs, from rank 0 on, and what they say goes to .err-RANK.
begin() {
  local how=$1 n=$2 run=$3 r
  shift 3
  port=$((port + 1))
  pids=()
  for r in $(seq 0 $((n - 1))); do
    env $($how "$r" "$n") trainer tiny.lua "${options[@]}" "name=$run" "$@" > ".out-$r" 2> ".err-$r" &
    pids+=($!)
  done
}
# each RANK STATUS: that rank ends with that status.
each() {
  local status=0
  wait "${pids[$1]}" || status=$?
  [ "$status" = "$2" ] || fail "rank $1 ended with $status, expected $2: $(cat .out-* .err-*)"
}
ranks() {
  begin "$@"
  for r in $(seq 0 $(($2 - 1))); do each "$r" 0; done
}
losses() { sed -n 's/.*"loss.d_real":\([-0-9.e+]*\).*"loss.l1_refine":\([-0-9.e+]*\).*/\1 \2/p' "runs/$1/log.jsonl"; }

# f32 sums of four samples in another order: 1e-6 relative is 16 units in the last place.
train name=one "${options[@]}"
for how in torch slurm; do
  ranks $how 2 $how-2
  paste <(losses one) <(losses $how-2) | awk '
    { for (i = 1; i <= 2; i++) { d = ($i - $(i + 2)) / $i; if (d > 1e-6 || d < -1e-6) { print "step", NR ":", $0; exit 1 } } }
    END { exit NR != 3 }' || fail "$how: two ranks do not train as one"
done
same torch-2 slurm-2

# Twenty buckets of gradients give the same sums; a checkpoint knows as little of them as of the ranks.
ranks torch 2 small comm.bucket=0.01
same torch-2 small
ranks torch 2 moving steps=2 checkpoint.every=1 comm.bucket=0.01
ranks torch 2 moving checkpoint.every=1 comm.bucket=0.025
same torch-2 moving

ranks torch 4 torch-4 comm.bucket=0.01
[ "$(losses torch-4 | wc -l)" = 3 ] || fail "log of 4 ranks: $(cat runs/torch-4/log.jsonl)"
if [ -f "$BUILD/liblacuna-mpi.so" ]; then       # the same sums in the same order
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp
  mpirun -np 4 trainer tiny.lua "${options[@]}" name=mpi-4 > .out 2>&1 || fail "$(cat .out)"
  same torch-4 mpi-4
fi

# trains RUN: waits until two steps are done.
trains() { until grep -q '"step":2' "runs/$1/log.jsonl" 2> /dev/null; do kill -0 "${pids[0]}" || fail "died: $(cat .out-* .err-*)"; sleep 0.05; done; }
long=(steps=100000 checkpoint.every=1 sample.every=0 validate.every=0)

begin torch 2 stopped "${long[@]}"
trains stopped
kill -TERM "${pids[1]}"
each 0 75
each 1 75
grep -qF "stopped after step" .err-0 || fail "not said: $(cat .err-0)"

begin torch 3 killed batch.global=3 "${long[@]}"
trains killed
kill -KILL "${pids[2]}"
each 0 76
each 1 76
grep -qF "rank 2 of 3 left: its process is gone" .err-0 || fail "not named: $(cat .err-0)"
grep -qF "rank 2 of 3 left: its process is gone" .err-1 || fail "not named: $(cat .err-1)"

begin slurm 2 silent comm.timeout=1 "${long[@]}"
trains silent
kill -STOP "${pids[1]}"
each 0 76
kill -KILL "${pids[1]}"
grep -qF "no sign of rank 1 of 2" .err-0 || fail "not named: $(cat .err-0)"

fails 1 "WORLD_SIZE should be a number" env RANK=0 WORLD_SIZE=two MASTER_ADDR=localhost MASTER_PORT=1 trainer tiny.lua
