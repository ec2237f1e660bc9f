# 2 and 4 ranks give the loss curve of one rank with the same global batch, by the yardstick of harness/curve.sh: 50 steps of DeepFill v2 and of
# a plain L1 autoencoder. The figures are printed.
. "$SOURCE/tests/harness/shell.sh"
without_leak_check
[ -f "$BUILD/liblacuna-mpi.so" ] || { echo "built without MPI: nothing to test"; exit 0; }
. "$SOURCE/tests/harness/train.sh"
. "$SOURCE/tests/harness/curve.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp

# curve NAME KEY=VALUE...
curve() {
  local name=$1 n
  shift
  orders "$name" "$@"
  for n in 2 4; do
    mpirun -np $n trainer tiny.lua "${common[@]}" "$@" "name=$name-on-$n" > .out 2> .err || fail "$name on $n ranks: $(cat .out .err)"
    keeps_to "$name" "$name-on-$n" "on $n ranks"
  done
  mpirun -np 4 trainer tiny.lua "${common[@]}" "$@" "name=$name-again" > .out 2> .err || fail "$name again: $(cat .out .err)"
  same "$name-on-4" "$name-again"
}
curve deepfill "${deepfill[@]}"
curve autoencoder "${autoencoder[@]}"
