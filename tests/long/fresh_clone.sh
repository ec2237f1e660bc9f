# A fresh clone builds by scripts/build alone; a second call changes nothing.
. "$SOURCE/tests/harness/shell.sh"
git clone -q "$SOURCE" clone
clone/scripts/build > log 2>&1 || fail "scripts/build: $(tail -n 20 log)"
[ -x clone/build/lacuna ] && [ -x clone/build/trainer ] || fail "programs are missing"
says "lacuna" clone/build/trainer --version
before=$(stat -c %y clone/build/lacuna)
clone/scripts/build > log 2>&1
[ "$before" = "$(stat -c %y clone/build/lacuna)" ] || fail "the second build built again"
[ -z "$(git -C clone status --porcelain)" ] || fail "the build left files in the tree: $(git -C clone status --porcelain)"
