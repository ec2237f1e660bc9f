# Under Slurm: a job of two ranks trains to the end; one whose rank is killed comes back and goes on, and so does one whose time is
# up. Slurm and munge are started here, on this machine alone, and ended again; without them, or not as root, there is nothing to test.
# slurm.conf is Slurm's default but for places, ports, a node said to have four CPUs, and patience with a busy machine.
. "$SOURCE/tests/harness/shell.sh"
[ -f "$BUILD/liblacuna-mpi.so" ] || { echo "built without MPI: nothing to test"; exit 0; }
[ "$(id -u)" = 0 ] && command -v slurmctld slurmd munged > /dev/null || { echo "no slurm-wlm, or not root: nothing to test"; exit 0; }
. "$SOURCE/tests/harness/train.sh"

mkdir state spool run
dd if=/dev/urandom of=munge.key bs=128 count=1 status=none
chmod 600 munge.key
chmod 755 "$T"
cat > slurm.conf << END
ClusterName=test
SlurmctldHost=$(hostname)
SlurmUser=root
SlurmdParameters=config_overrides
MessageTimeout=100
AuthInfo=socket=$T/run/munge
StateSaveLocation=$T/state
SlurmdSpoolDir=$T/spool
SlurmctldPidFile=$T/run/slurmctld.pid
SlurmdPidFile=$T/run/slurmd.pid
SlurmctldLogFile=$T/slurmctld.log
SlurmdLogFile=$T/slurmd.log
SlurmctldPort=$((20000 + RANDOM % 9000))
SlurmdPort=$((30000 + RANDOM % 9000))
ProctrackType=proctrack/linuxproc
JobAcctGatherType=jobacct_gather/none
NodeName=$(hostname) CPUs=4
PartitionName=all Nodes=ALL Default=YES OverSubscribe=FORCE:4
END
export SLURM_CONF=$T/slurm.conf LACUNA_TRAINER=$BUILD/trainer
munged --force --key-file="$T/munge.key" --socket="$T/run/munge" --pid-file="$T/run/munged.pid" --log-file="$T/munged.log" --seed-file="$T/munge.seed"
slurmctld
slurmd
finish() {
  local p
  timeout 10 scancel -u root 2> /dev/null || true
  wait_a_while no_jobs || true
  for p in $(cat run/*.pid); do
    kill "$p" && kill -CONT "$p" || true          # a daemon that somebody has stopped ends as well
  done 2> /dev/null
  wait_a_while no_daemons || true
  rm -rf "$T"
}
wait_a_while() { for i in $(seq 100); do "$@" && return; sleep 0.2; done; return 1; }
no_jobs() { [ -z "$(timeout 10 squeue -h 2> /dev/null)" ]; }
no_daemons() { [ -z "$(ls run/*.pid 2> /dev/null)" ]; }
trap finish EXIT

logs() { squeue; tail -n 20 ./job-*.log slurmctld.log slurmd.log munged.log 2> /dev/null; }
# wait_for WHAT COMMAND...: until the command succeeds. On a busy machine that may take minutes; a test asserts no time.
wait_for() {
  local what=$1 until=$((SECONDS + 600))
  shift
  while [ $SECONDS -lt $until ]; do "$@" && return; sleep 0.2; done
  fail "$what: $(logs)"
}
is_up() { [ "$(sinfo -h -o %t 2> /dev/null)" = idle ]; }
wait_for "the node does not come up" is_up
state() { scontrol -o show job "$1" 2> /dev/null | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p'; }
is() { [ "$(state "$1")" = "$2" ]; }
has_step() { grep -q "\"step\":$2[,}]" "runs/$1/log.jsonl" 2> /dev/null; }
restarts() { scontrol -o show job "$1" | sed -n 's/.*Restarts=\([0-9]*\).*/\1/p'; }
submit() { sbatch --parsable -n 2 -o "job-%j.log" "$SOURCE/scripts/train.sbatch" tiny.lua log.every=1 checkpoint.every=1 "$@"; }
# comes_back JOB: requeued and running again. It would wait two minutes of its own accord; a few seconds it needs, until the node has
# forgotten the first start.
comes_back() {
  wait_for "job $1 is not requeued" is "$1" PENDING
  sleep 5
  wait_for "job $1 cannot be started" scontrol update "JobId=$1" StartTime=now
  wait_for "job $1 does not run again" is "$1" RUNNING
  [ "$(restarts "$1")" = 1 ] || fail "job $1 was not restarted once"
  wait_for "job $1 does not go on" grep -q "going on from step" "job-$1.log"
}

job=$(submit name=whole steps=4) || fail "sbatch: $(logs)"
wait_for "the first job does not end" is "$job" COMPLETED
has_step whole 4 || fail "no fourth step: $(cat job-*.log)"
train name=alone steps=4 log.every=1
[ "$(sed -n 's/.*"step":4,"loss.total":\([0-9.]\{6\}\).*/\1/p' runs/whole/log.jsonl)" = "$(sed -n 's/.*"step":4,"loss.total":\([0-9.]\{6\}\).*/\1/p' runs/alone/log.jsonl)" ] ||
  fail "two ranks of Slurm do not train as one: $(cat runs/whole/log.jsonl runs/alone/log.jsonl)"

job=$(submit name=killed steps=100000 comm.timeout=3)
wait_for "the second job does not train" has_step killed 3
kill -KILL "$(mine 'trainer tiny.lua.* name=killed' | while read -r p; do grep -qzx SLURM_PROCID=1 "/proc/$p/environ" && [ "$(cat "/proc/$p/comm")" = trainer ] && echo "$p"; done)"
comes_back "$job"
scancel "$job"

job=$(submit name=late steps=100000)
wait_for "the third job does not train" has_step late 3
scancel --batch --signal=USR1 "$job"
comes_back "$job"
grep -q "stopped after step" "job-$job.log" || fail "did not save: $(cat "job-$job.log")"
scancel "$job"
