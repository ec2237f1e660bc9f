# scripts/build installs what dpkg does not know, as root or by sudo, and hands options to cmake. apt, dpkg and cmake are stand-ins.
. "$SOURCE/tests/harness/shell.sh"
mkdir -p shims tree/scripts
cp "$SOURCE/scripts/build" "$SOURCE/scripts/packages" tree/scripts/
shim() { printf '#!/bin/bash\n%s\n' "$2" > "shims/$1"; chmod +x "shims/$1"; }
shim dpkg-query 'grep -qx "${!#}" "$T/absent" || echo -n "ii "'
shim apt-get 'echo "apt-get $*" >> "$T/calls"'
shim sudo 'echo "sudo" >> "$T/calls"; "$@"'
shim cmake 'echo "cmake $*" >> "$T/calls"; [ "$1" != -S ] || { mkdir -p "$4"; touch "$4/build.ninja"; }'
shim id 'echo "$WHO"'
export T PATH=$T/shims:$PATH WHO=0

: > absent
tree/scripts/build -DLAC_WERROR=ON
[ "$(cat calls)" = "cmake -S . -B build -G Ninja -DLAC_WERROR=ON
cmake --build build --target lacuna" ] || fail "nothing missing: $(cat calls)"
rm calls && tree/scripts/build
[ "$(cat calls)" = "cmake --build build --target lacuna" ] || fail "configured already: $(cat calls)"

echo slurm-wlm > absent
rm calls && tree/scripts/build
! grep -q apt-get calls || fail "a package of the long tests is installed for a build: $(cat calls)"
rm calls && tree/scripts/build --long > out
grep -q '^apt-get install .*slurm-wlm$' calls || fail "--long does not install it: $(cat calls)"

printf 'libpng-dev\nninja-build\n' > absent
rm calls && tree/scripts/build > out
grep -q '^apt-get install .*ninja-build libpng-dev$' calls && ! grep -q sudo calls || fail "as root: $(cat calls)"
rm calls && WHO=1000 tree/scripts/build > out
[ "$(grep -c sudo calls)" = 2 ] && grep -q '^apt-get install' calls || fail "by sudo: $(cat calls)"
fails 2 "surplus word 'all'" tree/scripts/build all
fails 2 "unknown word '--lnog'" "$SOURCE/scripts/test" --lnog

while read -r package kind; do
  [ "${kind:-long}" = long ] || [[ $package = \#* ]] || fail "scripts/packages: $package is marked '$kind'"
  [[ $package = \#* ]] || apt-cache show "$package" > /dev/null 2>&1 || [ -z "$(apt-cache pkgnames 2> /dev/null | head -n 1)" ] || fail "apt does not know $package"
done < "$SOURCE/scripts/packages"
