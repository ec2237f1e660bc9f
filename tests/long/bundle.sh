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

fails 2 "name a folder" "$SOURCE/scripts/device-bundle"
mkdir other
fails 1 "is there and is no bundle" "$SOURCE/scripts/device-bundle" other

"$SOURCE/scripts/device-bundle" "$T/small" > log || fail "device-bundle: $(tail -n 5 log)"
self_contained small
smaller small 16
mv small moved
says "configs     $T/moved/share/lacuna/configs-lua" moved/bin/lacuna doctor

"$SOURCE/scripts/device-bundle" "$T/large" --onednn > log || fail "device-bundle --onednn: $(tail -n 5 log)"
self_contained large
smaller large 60
large/bin/lacuna pack masks -o p --size 32 -n 2
large/bin/lacuna pack folder p -o p.h5 > /dev/null
says "p.h5" large/bin/lacuna verify p.h5
