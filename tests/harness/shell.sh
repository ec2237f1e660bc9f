# tests/harness/shell.sh -- what shell tests share: . "$SOURCE/tests/harness/shell.sh"
#
# BUILD and SOURCE come from CTest. $T is a fresh folder, the current one, removed at the end. The first thing that is not so ends
# the test and is named.
set -euo pipefail
T=$(mktemp -d /tmp/lacuna-shell-XXXXXX)
trap 'rm -rf "$T"' EXIT
cd "$T"
PATH=$BUILD:$PATH

fail() { echo "${0##*/}: $*" >&2; exit 1; }

# fails STATUS TEXT COMMAND...: the command ends with that status and one line on stderr that contains the text.
fails() {
  local wanted=$1 text=$2 status=0
  shift 2
  "$@" > "$T/.out" 2> "$T/.err" || status=$?
  [ "$status" = "$wanted" ] || fail "'$*' ended with $status, expected $wanted: $(cat "$T/.err")"
  [ "$(wc -l < "$T/.err")" = 1 ] || fail "'$*' wrote more or less than one line: $(cat "$T/.err")"
  grep -qF -- "$text" "$T/.err" || fail "'$*' does not say '$text': $(cat "$T/.err")"
}

# says TEXT COMMAND...: the command succeeds, and its stdout contains the text.
says() {
  local text=$1
  shift
  "$@" > "$T/.out" || fail "'$*' failed"
  grep -qF -- "$text" "$T/.out" || fail "'$*' does not say '$text': $(cat "$T/.out")"
}

# mine PATTERN: this test's processes whose command line matches, whatever else the machine runs: those in $T.
mine() {
  local p
  for p in $(pgrep -f "$1"); do
    [ "$(readlink "/proc/$p/cwd" 2> /dev/null)" = "$T" ] && echo "$p"
  done
  return 0
}

# Before mpirun: OpenMPI unloads plug-ins that have not freed all, and leaks of code that is gone cannot be suppressed by name.
without_leak_check() { export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0; }
