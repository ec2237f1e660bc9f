# Under Slurm: a job of two ranks trains to the end; one whose rank is killed comes back and goes on, and so does one whose time is
# up. Slurm and munge are started here, on this machine alone, and ended again; without them, or not as root, there is nothing to test.
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
NodeName=$(hostname) CPUs=$(nproc)
PartitionName=all Nodes=ALL Default=YES OverSubscribe=FORCE:4
END
export SLURM_CONF=$T/slurm.conf LACUNA_TRAINER=$BUILD/trainer
munged --force --key-file="$T/munge.key" --socket="$T/run/munge" --pid-file="$T/run/munged.pid" --log-file="$T/munged.log" --seed-file="$T/munge.seed"
slurmctld
slurmd
finish() { for p in run/*.pid; do kill "$(cat "$p")" 2> /dev/null; done; rm -rf "$T"; }
trap finish EXIT
for i in $(seq 100); do [ "$(sinfo -h -o %t 2> /dev/null)" = idle ] && break; sleep 0.2; done
[ "$(sinfo -h -o %t)" = idle ] || fail "the node does not come up: $(tail -n 20 slurmctld.log slurmd.log)"

# wait_for WHAT COMMAND...: until the command succeeds, a minute at most.
wait_for() {
  local what=$1
  shift
  for i in $(seq 300); do "$@" && return; sleep 0.2; done
  fail "$what: $(squeue; tail -n 20 job-*.log slurmctld.log)"
}
state() { scontrol -o show job "$1" | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p'; }
is() { [ "$(state "$1")" = "$2" ]; }
has_step() { grep -q "\"step\":$2[,}]" "runs/$1/log.jsonl" 2> /dev/null; }
restarts() { scontrol -o show job "$1" | sed -n 's/.*Restarts=\([0-9]*\).*/\1/p'; }
submit() { sbatch --parsable -n 2 -o "job-%j.log" "$SOURCE/scripts/train.sbatch" tiny.lua log.every=1 checkpoint.every=1 "$@"; }
# comes_back JOB: requeued and running again. It would wait two minutes of its own accord; a few seconds it needs, until the node has
# forgotten the first start.
comes_back() {
  wait_for "job $1 is not requeued" is "$1" PENDING
  sleep 5
  scontrol update "JobId=$1" StartTime=now
  wait_for "job $1 does not run again" is "$1" RUNNING
  [ "$(restarts "$1")" = 1 ] || fail "job $1 was not restarted once"
  wait_for "job $1 does not go on" grep -q "going on from step" "job-$1.log"
}

job=$(submit name=whole steps=4)
wait_for "the first job does not end" is "$job" COMPLETED
has_step whole 4 || fail "no fourth step: $(cat job-*.log)"
train name=alone steps=4 log.every=1
[ "$(sed -n 's/.*"step":4,"loss.total":\([0-9.]\{6\}\).*/\1/p' runs/whole/log.jsonl)" = "$(sed -n 's/.*"step":4,"loss.total":\([0-9.]\{6\}\).*/\1/p' runs/alone/log.jsonl)" ] ||
  fail "two ranks of Slurm do not train as one: $(cat runs/whole/log.jsonl runs/alone/log.jsonl)"

job=$(submit name=killed steps=100000 comm.timeout=3)
wait_for "the second job does not train" has_step killed 3
kill -KILL "$(pgrep -f 'trainer tiny.lua.* name=killed' | while read -r p; do grep -qzx SLURM_PROCID=1 "/proc/$p/environ" && [ "$(cat "/proc/$p/comm")" = trainer ] && echo "$p"; done)"
comes_back "$job"
scancel "$job"

job=$(submit name=late steps=100000)
wait_for "the third job does not train" has_step late 3
scancel --batch --signal=USR1 "$job"
comes_back "$job"
grep -q "stopped after step" "job-$job.log" || fail "did not save: $(cat "job-$job.log")"
scancel "$job"
