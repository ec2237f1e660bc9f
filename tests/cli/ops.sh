# docs/ops.md is what `lacuna ops` prints.
. "$SOURCE/tests/harness/shell.sh"
lacuna ops > ops.md
diff ops.md "$SOURCE/docs/ops.md" || fail "docs/ops.md is out of date: lacuna ops > docs/ops.md"
[ "$(grep -c '^LAC_OP(' "$SOURCE/autograd/ops/ops.def")" = "$(grep -c '^| \[' ops.md)" ] || fail "an op is missing"

# What is printed and finds no room is an error too.
fails 1 "standard output" bash -c 'lacuna ops > /dev/full'
