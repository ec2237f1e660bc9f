# 2 and 4 ranks give the loss curve of one rank with the same global batch: 50 steps of DeepFill v2 and of a plain L1 autoencoder.
#
# The first step to 1e-6 relative. With d the largest relative difference of the loss from the run on one rank over steps 2 to 50, d is at
# most ten times the largest d among five runs on one rank that sum in another order and differ in nothing else (debug.sum_order), without
# Winograd. The figures are printed.
. "$SOURCE/tests/harness/shell.sh"
without_leak_check
[ -f "$BUILD/liblacuna-mpi.so" ] || { echo "built without MPI: nothing to test"; exit 0; }
. "$SOURCE/tests/harness/train.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp
common=(batch.global=8 steps=50 threads=1 log.every=1 checkpoint.every=100 debug.direct=true optim.generator.lr=2e-3)
# The published rate for the discriminator: Adam's first step moves by lr whatever a gradient's size, and shows rounding at once.
deepfill=(optim.discriminator.lr=1e-4)
autoencoder=(model.discriminator.kind=none model.generator.conv=vanilla model.generator.cnum=2)

# gap A B FROM TO: largest relative difference of the loss in these steps.
losses() { sed -n 's/.*"loss.total":\([-0-9.e+]*\).*/\1/p' "runs/$1/log.jsonl"; }
gap() {
  paste <(losses "$1") <(losses "$2") | awk -v from="$3" -v to="$4" '
    NF != 2 { print "another number of steps"; exit 1 }
    NR >= from && NR <= to { d = ($1 - $2) / $1; d = d < 0 ? -d : d; if (d > most) most = d }
    END { if (NR != 50) exit 1; printf "%.3g\n", most }'
}
at_most() { awk -v x="$1" -v most="$2" 'BEGIN { exit !(x <= most) }'; }

# curve NAME KEY=VALUE...
curve() {
  local name=$1 n k d orders=0
  shift
  train "name=$name" "${common[@]}" "$@"
  for k in 1 2 3 4 5; do
    train "name=$name-order-$k" "${common[@]}" "$@" debug.sum_order=$k
    at_most "$(gap "$name" "$name-order-$k" 1 1)" 1e-6 || fail "$name: sum_order = $k changes more than rounding"
    d=$(gap "$name" "$name-order-$k" 2 50)
    at_most "$d" 0 && fail "$name: sum_order = $k changes nothing"
    at_most "$d" "$orders" || orders=$d
  done
  for n in 2 4; do
    mpirun -np $n trainer tiny.lua "${common[@]}" "$@" "name=$name-on-$n" > .out 2> .err || fail "$name on $n ranks: $(cat .out .err)"
    d=$(gap "$name" "$name-on-$n" 1 1)
    at_most "$d" 1e-6 || fail "$name: the first step of $n ranks differs by $d"
    echo "$name on $n ranks: first step $d, steps 2 to 50 $(gap "$name" "$name-on-$n" 2 50); in another order $orders"
    at_most "$(gap "$name" "$name-on-$n" 2 50)" "$(awk -v d="$orders" 'BEGIN { print 10 * d }')" || fail "$name: $n ranks leave the curve of one"
  done
  mpirun -np 4 trainer tiny.lua "${common[@]}" "$@" "name=$name-again" > .out 2> .err || fail "$name again: $(cat .out .err)"
  same "$name-on-4" "$name-again"
}
curve deepfill "${deepfill[@]}"
curve autoencoder "${autoencoder[@]}"
