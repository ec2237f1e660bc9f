# cmake --install: program, configs, manifest and masks, found wherever the prefix is moved to.
. "$SOURCE/tests/harness/shell.sh"
cmake --install "$BUILD" --prefix "$T/prefix" > log || fail "cmake --install: $(cat log)"
mv prefix moved
for folder in configs-lua weights data/masks data/stamps; do
  [ ! -d "$SOURCE/$folder" ] || diff -r "$SOURCE/$folder" "moved/share/lacuna/$folder" || fail "$folder was not installed whole"
done
[ -x moved/share/lacuna/scripts/fetch-stamps ] || fail "fetch-stamps is missing"
says "lacuna" moved/bin/trainer --version
says "$T/moved/share/lacuna/data/stamps/manifest.tsv" moved/bin/lacuna doctor
rm -r moved/share
fails 1 "the installation is not complete" moved/bin/lacuna pack stamps . -o x.h5
