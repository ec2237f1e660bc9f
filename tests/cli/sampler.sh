# A system that samples with a prompt, and metrics with a network, all known to the test program alone: grids and their prompts, validation,
# the same files of eval whatever the batch and the ranks.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"
as() { "$BUILD/lacuna-tests" --as "$@"; }
sed -e 's/"deepfill"/"sampled"/' -e 's/log = /sample = { every = 2, images = 2 }, validate = { every = 2, metrics = { "near[tiny:7]", "frechet[tiny:7]" } }, log = /' tiny.lua > sampled.lua
go() { as train sampled.lua "$@" > .out 2> .err || fail "train $*: $(cat .err)"; }

go steps=2
go name=dog steps=2 data.eval.prompt="a large dog"
go name=again steps=2 data.eval.prompt="a large dog"
! cmp -s runs/a/samples/step-000002.png runs/dog/samples/step-000002.png || fail "the prompt changes no grid"
cmp runs/again/samples/step-000002.png runs/dog/samples/step-000002.png || fail "a grid differs from itself"
grep -q '"prompt": "a large dog"' runs/dog/samples/step-000002.json && grep -q '"prompts": "data.eval.prompt"' runs/dog/samples/step-000002.json || fail "$(cat runs/dog/samples/*.json)"
grep -q '"prompts": "the records. own"' runs/a/samples/step-000002.json || fail "$(cat runs/a/samples/*.json)"
for picture in pictures/val/*.png; do echo "a picture called $(basename "$picture")" > "${picture%.png}.txt"; done
lacuna pack folder pictures -o told.h5 --name told --split-by-place --captions > /dev/null
go name=told steps=2 data.eval.set=told.h5
grep -q '"prompt": "a picture called ' runs/told/samples/step-000002.json || fail "no caption is the prompt: $(cat runs/told/samples/*.json)"
grep -q '"validate.frechet\[tiny:7\]":[0-9]' runs/a/log.jsonl || fail "no value of the set in validation: $(cat runs/a/log.jsonl)"
fails 2 "data.eval.prompt: deepfill takes no prompt" trainer tiny.lua name=plain data.eval.prompt="a dog"
[ ! -e runs/plain/log.jsonl ] || fail "a run began whose prompt nobody takes"

[ -f "$BUILD/liblacuna-mpi.so" ] || exit 0
without_leak_check
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp
lacuna pack masks -o many -n 1 --size 16,17,18,19,20,21,22 --seed 3
lacuna pack masks -o many -n 1 --size 23,24,25,26 --seed 4
lacuna pack folder many -o many.h5 --name many > /dev/null
mkdir masks && lacuna pack masks -o masks -n 3 --size 16 --seed 5
options=(--set many.h5 --split "" --size 16 --mask masks/*.png --metrics 'near[tiny:7],frechet[tiny:7],worst@hole,psnr' --precision f32 --seed 3 --prompt "a dog")
as eval runs/a "${options[@]}" --batch 1 --pictures 3 -o one > one.out 2> .err || fail "eval: $(cat .err)"
grep -q 'frechet\[tiny:7\],[0-9.]*,[0-9.]*,[0-9.]*,11,"fd{net=tiny,seed=7,' one/*.csv || fail "no value of the set with an interval: $(cat one/*.csv)"
grep -q '"interval": "a largest value has none"' one/*.json || fail "$(cat one/*.json)"
for n in 1 2 3; do
  for batch in 2 8; do
    rm -rf other
    mpirun -np $n "$BUILD/lacuna-tests" --as eval runs/a "${options[@]}" --batch $batch --pictures 3 -o other > out 2> .err || fail "$n ranks: $(cat .err)"
    diff -r one other > .diff || fail "$n ranks, $batch at once, write other files: $(cat .diff)"
    cmp one.out out
  done
done
as eval runs/a "${options[@]}" --limit 4 -o few > /dev/null 2>&1
head -n 16 one/*.images.jsonl | cmp - few/*.images.jsonl || fail "--limit changes a picture's values"
