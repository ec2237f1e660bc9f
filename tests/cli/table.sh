# Tables of runs: a table's file trains what it wants, scores it and prints; killed in the middle and called again it gives the same files; what is wrong in it is one line.
. "$SOURCE/tests/harness/shell.sh"
. "$SOURCE/tests/harness/train.sh"

cat > table.lua << 'END2'
local tiny = lac.extend(require "tiny", { steps = 12, optim = { generator = { lr = 0.01 } }, checkpoint = { every = 2 } })
return {
  name = "tab",
  table = {
    caption = "A start, and none.",
    first = { lac.extend(tiny, { name = "base" }) },
    seeds = { 1, 2 },
    rows = {
      { name = "from base", config = lac.extend(tiny, { name = "one", init = { { from = "runs/base", network = "all" } } }) },
      { name = "from nothing", config = lac.extend(tiny, { name = "two" }) },
      { name = "as it was", weights = "runs/base" },
      { name = "laplace", baseline = "laplace" },
    },
    differences = { { a = "from base", b = "from nothing" } },
    measures = { {
      name = "val", data = { set = "tiny.h5", split = "val", size = 16, mask = "rect" }, metrics = { "psnr@hole", "l1@hole" }, pictures = 2,
      published = { { name = "paper", source = "a page", values = { ["psnr@hole"] = 20 } } },
      published_differences = { { name = "one less two", source = "a page", values = { ["psnr@hole"] = 1 } } },
    } },
    notes = { "what is not known is not here" },
  },
  presets = { less = { table = { seeds = { 1 } } } },
}
END2

# What would be done; nothing is.
trainer table.lua --dry-run > dry
for line in "row 'from base': 2 runs" 'run 1 of 5: runs/base, 12 steps' 'run 3 of 5: runs/one/seed=2, 12 steps, each as those of runs/one/seed=1' 'steps to come: ' "measure 'val', of 6 models" "3 pictures of 'tiny.h5'" \
            "row 'as it was': runs/base"; do
  grep -qF "$line" dry || fail "--dry-run does not say '$line': $(cat dry)"
done
if [ -e runs ]; then fail "--dry-run made something"; fi

# In one go.
trainer table.lua > whole 2> err || fail "$(cat err)"
for line in '| from base (2 seeds) |' '| laplace |' '| paper | 20.00 | a page |' '| from base − from nothing |' '| one less two | 1.00 |' 'Of several seeds: the mean of their values, ± their standard deviation' \
            '- from base, psnr@hole: one/seed=1 ' '- what is not known is not here'; do
  grep -qF -- "$line" runs/tables/tab/table.md || fail "the table does not say '$line': $(cat runs/tables/tab/table.md)"
done
for file in table.json report.html val.json val.csv val.tex val-differences.csv val-differences.tex; do [ -s "runs/tables/tab/$file" ] || fail "no $file"; done
[ "$(find runs/tables/tab/val -path '*reference*' -name '*.png' | wc -l)" = 8 ] || fail "not the first two pictures of four rows are kept"
grep -qF 'Side by side' runs/tables/tab/report.html || fail "the page shows no pictures"
grep -qF ',runs,spread' runs/tables/tab/val.csv || fail "val.csv does not know of runs"
grep -qF '$\pm$' runs/tables/tab/val.tex || fail "val.tex has no spread"
lacuna report runs/tables/tab/val.json > out || fail "lacuna report does not read the table's summary"
grep -qF 'from base' out || fail "$(cat out)"

# A run of the table is scored as lacuna eval scores it.
lacuna eval runs/one/seed=1 --set tiny.h5 --split val --size 16 --protocol alone.lua -o alone > /dev/null 2>&1 && fail "there is no such protocol"
cat > alone.lua << 'END2'
return { about = "alone", data = { set = "tiny.h5", split = "val", size = 16, mask = "rect" }, metrics = { "psnr@hole", "l1@hole" } }
END2
lacuna eval runs/one/seed=1 --protocol alone.lua --baselines off --pictures 0 -o alone > /dev/null 2> err || fail "$(cat err)"
value=$(grep -m1 -oP '"value": \K[0-9.]+' alone/tiny-val-16.json)
grep -qF "\"value\": $value" runs/tables/tab/val.json || fail "lacuna eval finds $value, the table something else"

# Called again it does nothing and says the same; with fewer seeds it takes what is there.
mkdir kept && cp runs/tables/tab/*.* kept/
trainer table.lua > again 2> err || fail "$(cat err)"
grep -q '^step ' again && fail "what was done is done again: $(cat again)"
same_table() { for file in table.md table.json val.json val.csv val.tex val-differences.csv; do cmp "kept/$file" "runs/tables/tab/$file" || fail "$1: another $file"; done; }
same_table "called again"
says '| from base (1 seed) |' trainer table.lua preset=less

# Time: rows take turns, what does not paint is left out.
sed 's/measures = { {/measures = { { name = "seconds", time = { size = 16, rounds = 2 } }, {/; s/name = "tab"/name = "timed"/' table.lua > timed.lua
says "measure 'seconds': 2 rounds of a picture of 16x16" trainer timed.lua --dry-run
trainer timed.lua > out 2> err || fail "$(cat err)"
for line in '| method | seconds ↓ | ratio ↓ | s in ' '2 rounds in which the methods took turns, a picture of 16x16; in brackets the least and the greatest' '| laplace | - | - |' 'laplace: without laplace, a baseline is not timed' \
            '[1.0000, 1.0000]'; do
  grep -qF -- "$line" out || fail "the table of times does not say '$line': $(cat out)"
done

# Killed in the middle of training, and of scoring.
rm -r runs
for after in 0.15 0.4 0.6; do
  timeout -s KILL $after lacuna train table.lua > /dev/null 2>&1 || true
done
trainer table.lua > out 2> err || fail "$(cat err)"
same_table "killed and called again"

# Two ranks score the same.
if [ -f "$BUILD/liblacuna-mpi.so" ]; then
  (
    without_leak_check
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp
    rm -r runs/tables
    mpirun -np 2 lacuna train table.lua > out 2> err || fail "two ranks: $(cat err)"
    same_table "two ranks"
  )
fi

# A run that fails is told, leaves its row with one less, and the others go on.
sed -i 's/lac.extend(tiny, { name = "two" })/lac.extend(tiny, { name = "three", init = { { from = "runs\/nowhere", network = "all" } } })/' table.lua
status=0
trainer table.lua > out 2> err || status=$?
[ $status = 1 ] || fail "ended with $status: $(cat err)"
grep -qF '2 of 5 runs failed, the first with' err || fail "$(cat err)"
grep -qF 'from nothing: without three/seed=2, its training failed' out || fail "$(cat out)"
grep -qF '| from base (2 seeds) |' out || fail "$(cat out)"

# What is wrong in the file.
bad() { sed "$1" table.lua > bad.lua; fails 1 "$2" trainer bad.lua; }
bad 's/rows = {/row = {/' "did you mean 'table.rows'?"
bad 's/name = "laplace", baseline/name = "from base", baseline/' "two rows are called 'from base'"
bad 's/baseline = "laplace"/baseline = "laplce"/' "there is no baseline 'laplce'"
bad 's/baseline = "laplace"/baseline = "laplace", weights = "x"/' "row 'laplace': it wants one of 'config', 'weights' and 'baseline', found 2"
bad 's/baseline = "laplace"/baseline = "laplace", system = "x"/' "row 'laplace': 'system' goes with 'weights'"
bad 's/b = "from nothing"/b = "from nowhere"/' "'table.differences.1': there is no row 'from nowhere'"
bad 's/name = "three"/name = "one"/' "would be of two configs"
bad 's/metrics = { "psnr@hole", "l1@hole" }/metrics = { "psnt" }/' "did you mean 'psnr'?"
bad 's/size = 16, mask = "rect" }, metrics/siez = 16, mask = "rect" }, metrics/' "did you mean 'data.size'?"
bad 's/steps = 12/stesp = 12/' "did you mean 'steps'?"
bad 's/measures = { {/measures = { { protocol = "nowhere",/' "there is no protocol 'nowhere'"
bad 's/seeds = { 1, 2 }/seeds = { "x" }/' "'table.seeds.1' should be"
bad 's/weights = "runs\/base"/weights = "runs\/bass"/' "row 'as it was': there is no run and no weights file 'runs/bass'"
fails 2 "--fork is for a run" trainer table.lua --fork x
