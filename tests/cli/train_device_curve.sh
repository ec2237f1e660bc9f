# Training on a GPU: the CPU's loss curve in f32, by the yardstick of harness/curve.sh; and the same bits on a second run, with every call made
# in place of replays, and resumed half way. Which device: LAC_TEST_DEVICE, as tests/harness/device.h has it.
. "$SOURCE/tests/harness/shell.sh"
[ -n "${LAC_TEST_DEVICE:-}" ] || { echo "no device is asked for (scripts/test --device cuda): nothing to test"; exit 0; }
. "$SOURCE/tests/harness/train.sh"
. "$SOURCE/tests/harness/curve.sh"
export LACUNA_PLANS=$T/plans            # same bits: with the same choices

# curve NAME KEY=VALUE...
curve() {
  local name=$1 there="$1-on-$LAC_TEST_DEVICE"
  shift
  orders "$name" device=cpu "$@"
  set -- "${common[@]}" "$@" "device=$LAC_TEST_DEVICE"
  train "$@" "name=$there"
  keeps_to "$name" "$there" "on $LAC_TEST_DEVICE"
  train "$@" "name=$there-again"
  same "$there" "$there-again"
  train "$@" "name=$there-calls" debug.graph=false
  same "$there" "$there-calls"
  train "$@" "name=$there-resumed" steps=25
  train "$@" "name=$there-resumed"
  same "$there" "$there-resumed"
}
curve deepfill "${deepfill[@]}"
curve autoencoder "${autoencoder[@]}"
