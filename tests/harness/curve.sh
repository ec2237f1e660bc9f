# tests/harness/curve.sh -- loss curves of two trainings of tiny.lua, beside each other: after train.sh
#
# The yardstick of "trains as": with d the largest relative difference of the loss from a run over steps 2 to 50, another way of computing
# the same has a d of at most ten times the largest d among five runs that sum in another order and differ in nothing else
# (debug.sum_order), without Winograd; the first step, before a weight has moved, agrees to 1e-6.
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

# orders NAME KEY=VALUE...: trains NAME, and five times in another order; $orders is the largest d among these.
orders() {
  local name=$1 k d
  shift
  orders=0
  train "name=$name" "${common[@]}" "$@"
  for k in 1 2 3 4 5; do
    train "name=$name-order-$k" "${common[@]}" "$@" debug.sum_order=$k
    at_most "$(gap "$name" "$name-order-$k" 1 1)" 1e-6 || fail "$name: sum_order = $k changes more than rounding"
    d=$(gap "$name" "$name-order-$k" 2 50)
    at_most "$d" 0 && fail "$name: sum_order = $k changes nothing"
    at_most "$d" "$orders" || orders=$d
  done
}

# keeps_to NAME OTHER HOW: OTHER's curve is NAME's, after orders NAME.
keeps_to() {
  local first d
  first=$(gap "$1" "$2" 1 1) d=$(gap "$1" "$2" 2 50)
  at_most "$first" 1e-6 || fail "$1: the first step $3 differs by $first"
  echo "$1 $3: first step $first, steps 2 to 50 $d; in another order $orders"
  at_most "$d" "$(awk -v d="$orders" 'BEGIN { print 10 * d }')" || fail "$1 $3 leaves the curve"
}
