# lacuna eval on 2 and 3 ranks: files of the same bytes as one rank's, a rank without a picture, a rank that fails.
. "$SOURCE/tests/harness/shell.sh"
[ -f "$BUILD/liblacuna-mpi.so" ] || { echo "built without MPI: nothing to test"; exit 0; }
. "$SOURCE/tests/harness/train.sh"
without_leak_check
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp
train steps=1
lacuna pack masks -o many -n 1 --size 16,17,18,19,20,21,22 --seed 3
lacuna pack masks -o many -n 1 --size 23,24,25,26,27,28,29 --seed 4
lacuna pack masks -o many -n 1 --size 30,31,32,33,34 --seed 5
lacuna pack folder many -o many.h5 --name many > /dev/null
# nineteen pictures: shares of 10 and 9, of 7, 7 and 5; values that are undefined (psnr@known: nothing is changed there) travel too
options=(--split "" --metrics l1-pm1@hole,psnr@known,ssim,tv --precision f32)

lacuna eval runs/a --set many.h5 "${options[@]}" --pictures 12 -o one > one.out 2> one.err || fail "one rank: $(cat one.err)"
[ "$(wc -l < one/*.images.jsonl)" = 76 ] || fail "expected 19 pictures and 4 methods: $(ls one; wc -l one/*)"
grep -q "equal pictures" one/*.images.jsonl || fail "no value is undefined"
for n in 2 3; do
  mpirun -np $n lacuna eval runs/a --set many.h5 "${options[@]}" --pictures 12 -o "on-$n" > out 2> err || fail "$n ranks: $(cat err)"
  diff -r one "on-$n" || fail "$n ranks write other files"
  cmp one.out out || fail "$n ranks print another table: $(cat out)"
  [ "$(grep -c '^written:' err)" = 1 ] && ! grep -q '^lacuna:' err || fail "more than the first rank speaks: $(cat err)"
done

# killed in the middle and started again
for after in 0.2 0.4; do
  timeout -s KILL $after lacuna eval runs/a --set many.h5 "${options[@]}" --batch 2 --pictures 2 -o again > /dev/null 2>&1 || true
done
lacuna eval runs/a --set many.h5 "${options[@]}" --batch 2 --pictures 12 -o again > again.out 2> err || fail "started again: $(cat err)"
rm -f again/*.tmp-*
diff -r one again && cmp one.out again.out || fail "killed and started again it finds something else"

# what was found before is not scored again, on whatever number of ranks: the last picture cannot be read at first, then the first one
spoil() { # WHICH: head or tail
  cp many.h5 again.h5
  printf 'XXXX' | dd of=again.h5 bs=1 seek="$(LC_ALL=C grep -obUaP '\x89PNG' many.h5 | "$1" -n 1 | cut -d : -f 1)" conv=notrunc status=none
}
spoil tail
fails 1 again.h5 lacuna eval runs/a --set again.h5 "${options[@]}" --batch 2 --pictures 0 -o taken
ls taken/*.journal-0 > /dev/null || fail "nothing was noted: $(ls taken)"
spoil head
mpirun -np 2 lacuna eval runs/a --set again.h5 "${options[@]}" --batch 2 --pictures 0 -o taken > out 2> err || fail "it reads what was scored already: $(cat err)"
mkdir without && cp one/*[!g] without && diff -r without taken && cmp one.out out || fail "2 ranks that go on where one stood find something else"

lacuna eval runs/a --set many.h5 "${options[@]}" --limit 2 -o few > /dev/null 2>&1
mpirun -np 3 lacuna eval runs/a --set many.h5 "${options[@]}" --limit 2 -o few-on-3 > out 2> err || fail "a rank without a picture: $(cat err)"
diff -r few few-on-3

# the last picture, in the last rank's share, is no PNG any more: that rank is named, and nothing is written
cp many.h5 bad.h5
printf 'XXXX' | dd of=bad.h5 bs=1 seek="$(LC_ALL=C grep -obUaP '\x89PNG' many.h5 | tail -n 1 | cut -d : -f 1)" conv=notrunc status=none
status=0
mpirun -np 3 lacuna eval runs/a --set bad.h5 "${options[@]}" -o bad > out 2> err || status=$?
[ $status = 1 ] || fail "a damaged picture on one rank: ended with $status: $(cat err)"
grep -q "^lacuna: rank 2 of 3: .*bad.h5" err && [ "$(grep -c '^lacuna:' err)" = 1 ] || fail "the rank is not named, or others speak too: $(cat err)"
[ -z "$(ls bad | grep -v journal)" ] || fail "files of an evaluation that failed: $(ls bad)"
status=0
mpirun -np 2 lacuna eval runs/none "${options[@]}" > out 2> err || status=$?
[ $status = 1 ] && grep -q "^lacuna: .*runs/none" err && [ "$(grep -c '^lacuna:' err)" = 1 ] || fail "a model that is not there: $status, $(cat err)"
