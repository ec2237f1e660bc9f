# scripts/device-bundle: two folders of the promised sizes that take nothing but glibc from the machine, and work.
. "$SOURCE/tests/harness/shell.sh"
glibc='libc\.so\.6|libm\.so\.6|libdl\.so\.2|librt\.so\.1|libpthread\.so\.0|ld-linux-x86-64\.so\.2|linux-vdso\.so\.1'

# self_contained FOLDER: whatever its programs load lies in it, or is glibc's.
self_contained() {
  local file
  for file in "$1"/bin/lacuna*; do
    env -u LD_LIBRARY_PATH ldd "$file" | sed 's/^[[:space:]]*//' | grep -vE "^(/lib64/)?($glibc)" | grep -v "=> $(readlink -f "$1")/" > .stray || true
    [ ! -s .stray ] || fail "$file takes from the machine: $(cat .stray)"
  done
}

# smaller FOLDER MEGABYTES
smaller() { [ "$(du -s --apparent-size -B 1 "$1" | cut -f 1)" -lt $(($2 * 1000000)) ] || fail "$1 is too large: $(du -sh --apparent-size "$1" | cut -f 1)"; }

# bare FOLDER COMMAND...: the command in a root of its own that holds glibc, a shell's few words less, /proc, and FOLDER as /bundle.
bare() {
  local folder=$1 library
  shift
  mkdir -p root/proc root/tmp root/dev root/lib64 "root/$(dirname "$(ldd "$folder/bin/lacuna" | sed -n 's/.*libc\.so\.6 => \([^ ]*\).*/\1/p')")"
  for library in $(ldd "$folder/bin/lacuna" | grep -oE "/[^ ]*($glibc)"); do
    cp -Ln "$library" "root$library"
  done
  rm -rf root/bundle
  cp -a "$folder" root/bundle
  [ -e root/dev/null ] || : > root/dev/null
  "${alone[@]}" bash -c 'mount --rbind /proc root/proc && mount --bind /dev/null root/dev/null && cd root && exec env -i "$(command -v chroot)" . "$@"' bare "$@"
}
alone=(unshare -rm)
"${alone[@]}" true 2> /dev/null || alone=(unshare -m)
"${alone[@]}" true || fail "this machine gives no process a root of its own: the bundle cannot be shown to stand alone"

fails 2 "name a folder" "$SOURCE/scripts/device-bundle"
mkdir other
fails 1 "is there and is no bundle" "$SOURCE/scripts/device-bundle" other

# without oneDNN: for device "cuda"; the folder's name is the caller's, and the folder may move
"$SOURCE/scripts/device-bundle" small > log || fail "device-bundle: $(tail -n 5 log)"
self_contained small
smaller small 16
mv small moved
says "configs     $T/moved/share/lacuna/configs-lua" moved/bin/lacuna doctor
says "configs     /bundle/share/lacuna/configs-lua" bare moved /bundle/bin/lacuna doctor
grep -q "oneDNN 0.0.0" .out || fail "doctor does not say that oneDNN is not there: $(cat .out)"

# with oneDNN: the CPU too
"$SOURCE/scripts/device-bundle" "$T/large" --onednn > log || fail "device-bundle --onednn: $(tail -n 5 log)"
self_contained large
smaller large 60
. "$SOURCE/tests/harness/train.sh"
mkdir -p root/tmp
cp tiny.lua tiny.h5 root/tmp/
says "tiny.h5" bare large /bundle/bin/lacuna verify /tmp/tiny.h5
bare large /bundle/bin/trainer /tmp/tiny.lua runs=/tmp/runs data.train.set=/tmp/tiny.h5 data.eval.set=/tmp/tiny.h5 steps=2 log.every=1 > .out 2> .err ||
  fail "the bundle does not train: $(cat .out .err)"
grep -q '"step":2' root/tmp/runs/a/log.jsonl || fail "no second step: $(cat root/tmp/runs/a/log.jsonl)"
bare large /bundle/bin/lacuna eval /tmp/runs/a --set /tmp/tiny.h5 --pictures 1 > .out 2> .err || fail "the bundle does not score: $(cat .out .err)"
grep -q "| Laplace fill |" .out || fail "no table: $(cat .out)"
