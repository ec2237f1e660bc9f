# lacuna eval on finished pictures by 2 and 3 ranks: the same bytes as one rank's; a run that was killed goes on, on another number of ranks.
. "$SOURCE/tests/harness/shell.sh"
golden="$SOURCE/tests/golden/finished"
options=("$golden/images" --reference "$golden/reference" --masks "$golden/masks" --metrics psnr@hole,ssim,brushnet-mse,ms-ssim --device cpu --batch 3)
lacuna eval "${options[@]}" --out one.json > one.out 2> one.err || fail "one rank: $(cat one.err)"

# brought to two sizes they are two tables, of recipes that differ; metrics that are not brought to size stay what they are
for size in 16 24; do
  lacuna eval "$golden/images" --reference "$golden/reference" --metrics mse,ssim-zero --size $size --device cpu --out "at-$size.json" > out 2> /dev/null || fail "at $size"
  grep -qF "mse{range=1,region=whole,size=$size pil8-bicubic}" "at-$size.json" || fail "the recipe does not say $size: $(cat at-$size.json)"
done
lacuna report at-16.json at-24.json > out
[ "$(grep -c '^| method | mse ↓ | ssim-zero ↑ |$' out)" = 2 ] && grep -q '16x16' out && grep -q '24x24' out || fail "two sizes share a table: $(cat out)"
sed 's/"height": 24/"height": 16/; s/"width": 24/"width": 16/; s/"size": 24/"size": 16/' at-24.json > at-none.json
lacuna report at-16.json at-none.json > out
[ "$(grep -c '^| method | mse ↓ | ssim-zero ↑ |$' out)" = 2 ] || fail "two recipes share a column: $(cat out)"

# killed in the middle, by a limit on processor time or by the clock; whatever it had written is taken up
for after in 0.05 0.15 0.4; do
  timeout -s KILL $after lacuna eval "${options[@]}" --out again.json > /dev/null 2>&1 || true
done
lacuna eval "${options[@]}" --out again.json > again.out 2> again.err || fail "started again: $(cat again.err)"
cmp one.json again.json && cmp one.images.jsonl again.images.jsonl && cmp one.out again.out && cmp one.err again.err || fail "killed and started again it finds something else"
ls again.journal* 2> /dev/null && fail "journals are left"

[ -f "$BUILD/liblacuna-mpi.so" ] || { echo "built without MPI: ranks are not tested"; exit 0; }
without_leak_check
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp
for n in 2 3; do
  timeout -s KILL 0.4 lacuna eval "${options[@]}" --out "on-$n.json" > /dev/null 2>&1 || true
  mpirun -np $n lacuna eval "${options[@]}" --out "on-$n.json" > out 2> err || fail "$n ranks: $(cat err)"
  cmp one.json "on-$n.json" && cmp one.images.jsonl "on-$n.images.jsonl" && cmp one.out out || fail "$n ranks find something else"
  cmp one.err err || fail "more than the first rank speaks: $(cat err)"
  ls on-$n.journal* 2> /dev/null && fail "journals are left"
done
status=0
mpirun -np 2 lacuna eval "${options[@]}" --strict --out strict.json > out 2> err || status=$?
[ $status != 0 ] && [ "$(grep -c '^lacuna:' err)" = 1 ] && grep -q -e "--strict" err && [ ! -e strict.json ] && ! ls strict.journal* 2> /dev/null || fail "strict on ranks: $status, $(cat err)"
