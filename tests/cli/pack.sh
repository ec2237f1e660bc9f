# lacuna pack folder, stamps, masks; lacuna verify. The pictures are masks, which the program draws itself.
. "$SOURCE/tests/harness/shell.sh"

lacuna pack masks -o pictures/train -n 2 --size 32,48 --seed 1
lacuna pack masks -o pictures/val --count=1 --size 64 --min 0.1 --max 0.5
[ "$(find pictures -name '*.png' | wc -l)" = 3 ] || fail "expected three mask files: $(find pictures)"
fails 2 "--size wants" lacuna pack masks -o x --size 32,
fails 1 "no mask generator 'brsh'" lacuna pack masks -o x --kind brsh
fails 2 "wants -o" lacuna pack masks
fails 2 "wants a format: brushbench, " lacuna pack
fails 2 "max-side is 0 or more" lacuna pack folder pictures -o x.h5 --max-side -1
fails 2 "unknown option 'strict'" lacuna pack stamps . -o x.h5 --strict
fails 2 "did you mean 'folder'" lacuna pack floder pictures -o x.h5

says "masks " lacuna pack --help
says "set.h5: 3 pictures, 0 skipped" lacuna pack folder pictures -o set.h5 --name things --split-by-place
says "set.h5: 3 records" lacuna verify set.h5
cp set.h5 first.h5
lacuna pack folder pictures -o set.h5 --name things --split-by-place > /dev/null
cmp set.h5 first.h5 || fail "packed twice, two files"
ls pictures/*/* | sed 's/^pictures.//' > list.flist
says "list.h5: 3 pictures" lacuna pack folder list.flist --root pictures -o list.h5 --max-side 40

# One picture cut off: skipped, named, counted; with --strict, or when it is all there is, an error that leaves the set alone.
mkdir bad
head -c 80 pictures/val/*.png > bad/cut.png
lacuna pack folder pictures bad -o set.h5 > out 2> err || fail "a cut-off picture stopped pack"
grep -qF "3 pictures, 1 skipped" out && grep -qF "bad/cut.png" err && [ "$(wc -l < err)" = 1 ] || fail "skipped picture: $(cat out err)"
cp set.h5 before.h5
fails 1 "bad/cut.png" lacuna pack folder pictures bad -o set.h5 --strict
mkdir empty
fails 2 "empty" lacuna pack folder empty -o set.h5
lacuna pack folder bad -o set.h5 2> err && fail "nothing was left, and pack did not mind"
cmp set.h5 before.h5 || fail "a failed pack touched the set"
[ -z "$(ls | grep tmp)" ] || fail "files left behind: $(ls)"

# Benchmarks: what is found out is said, what is skipped is named.
says "inside.h5: 3 pictures, 3 objects, 3 captions, 0 skipped" lacuna pack brushbench --root "$SOURCE/tests/golden/layouts/brushbench" --task inside -o inside.h5
says "masks_generated: black is hole" lacuna pack editbench --root "$SOURCE/tests/golden/layouts/editbench" --size 64 -o edit.h5
says "edit.h5: 4 records and 8 parts" lacuna verify edit.h5
head -c 12000 "$SOURCE/tests/golden/layouts/brushdata/00001.tar" > cut.tar
lacuna pack brushdata "$SOURCE/tests/golden/layouts/brushdata/00000.tar" cut.tar -o shards.h5 > out 2> err || fail "a shard that breaks off stopped pack"
grep -qF "shards.h5: 3 pictures, 2 objects, 3 captions, 1 skipped" out && grep -qF "cut.tar', behind '" err && [ "$(wc -l < err)" = 1 ] || fail "shards: $(cat out err)"
fails 2 "wants --task inside or --task outside" lacuna pack brushbench --root . -o x.h5
fails 2 "holds neither annotations_natural.csv" lacuna pack editbench --root . -o x.h5

# Objects of COCO and OpenImages: the same bytes at any number of threads; a writer that is killed leaves nothing, not even a manifest.
objects=$SOURCE/tests/golden/objects
coco="lacuna pack coco --images $objects/coco/val2017 --annotations $objects/coco/annotations/instances_val2017.json --per-picture 100 --size 64"
openimages="lacuna pack openimages --root $objects/openimages --split validation --size 64"
says "35 objects of 5 pictures: 20 taken, 10 left out by their box, 5 by their mask" $coco --manifest coco.jsonl --name c -o coco.h5
says "8 groups and depictions left out" $openimages --manifest openimages.jsonl --name o -o openimages.h5
says "coco.h5: 20 records and 20 parts" lacuna verify coco.h5
for threads in 1 5; do
    OMP_NUM_THREADS=$threads $coco --manifest again-$threads.jsonl --name c -o again.h5 > /dev/null
    cmp coco.h5 again.h5 && cmp coco.jsonl again-$threads.jsonl || fail "pack coco at $threads threads: other bytes"
    OMP_NUM_THREADS=$threads $openimages --manifest openimages.jsonl --name o -o again.h5 > out
    grep -qF "4 objects, as 'openimages.jsonl' says" out && cmp openimages.h5 again.h5 || fail "pack openimages by its manifest: other bytes: $(cat out)"
done
mkdir killed
for after in 0.01 0.03 0.1; do
    timeout -s KILL $after $coco --size 512 --manifest killed/m.jsonl -o killed/set.h5 > /dev/null 2>&1 || true
    [ ! -e killed/set.h5 ] || lacuna verify killed/set.h5 > /dev/null || fail "a killed pack left half a set"
done
fails 2 "wants --images, the folder of the pictures, and --annotations" lacuna pack coco -o x.h5
fails 2 "wants --root, the folder of tables, pictures and masks, and --split" lacuna pack openimages --root . -o x.h5
fails 1 "has no table of masks: looked for train-annotations-object-segmentation.csv and " lacuna pack openimages --root . --split train -o x.h5

# A bit turned over in the middle, and a file that is cut.
cp first.h5 turned.h5
printf 'X' | dd of=turned.h5 bs=1 seek="$(($(stat -c %s first.h5) / 3))" conv=notrunc status=none
lacuna verify turned.h5 > /dev/null 2>&1 && fail "verify missed a changed byte"
head -c 3000 first.h5 > cut.h5
fails 1 "cut.h5" lacuna verify cut.h5
lacuna verify first.h5 cut.h5 > out 2> err && fail "one bad set of two, and verify did not mind"
grep -qF "first.h5: 3 records" out || fail "verify did not get to the good set"

fails 1 "scripts/fetch-stamps" lacuna pack stamps empty -o stamps.h5

# Captions beside a picture, one a line; a line that is no UTF-8 is skipped, named and counted.
printf 'a hole\n\nanother word for it\n\377\n' > "$(ls pictures/val/*.png | sed 's/png$/txt/')"
lacuna pack folder pictures -o said.h5 --captions > out 2> err || fail "a bad caption stopped pack"
grep -qF "said.h5: 3 pictures, 2 captions, 1 skipped" out && grep -qF "no UTF-8" err || fail "captions: $(cat out err)"
says "said.h5: 3 records and 2 parts" lacuna verify said.h5
fails 1 "no UTF-8" lacuna pack folder pictures -o strict.h5 --captions --strict
lacuna pack folder pictures -o set.h5 --name things --split-by-place > /dev/null
cmp set.h5 first.h5 || fail "without --captions the texts matter"
