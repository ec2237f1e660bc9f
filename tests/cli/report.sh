# lacuna report: one table from several runs, tables apart where numbers do not compare.
. "$SOURCE/tests/harness/shell.sh"
summary() { # NAME VALUE MASKS
  echo '{"set":"s","split":"test","manifest":"ab","masks":"'"$3"'","height":8,"width":8,"images":4,"backgrounds":4,"objects":0,
    "methods":{"'"$1"'":{"metrics":{"l1":{"value":'"$2"',"low":0.1,"high":0.4,"n":4,"backgrounds":4,"recipe":"r"}}}}}'
}
mkdir -p a/eval b/eval c
summary gated 0.25 m > a/eval/test.json
summary vanilla 0.375 m > b/eval/test.json
summary vanilla 0.5 other > b/eval/test-other.json
echo '{"not":"a summary"}' > c.json
echo '{"step":1,"loss.l1":0.5}' > a/log.jsonl

lacuna report a b/ > out
[ "$(grep -c '0\.2500' out)" = 1 ] && [ "$(grep -c '0\.3750' out)" = 1 ] && [ "$(grep -c '0\.5000' out)" = 1 ] || fail "$(cat out)"
says report.html lacuna report a b c -o r
[ "$(ls r | tr '\n' ' ')" = "report.html scores-2.csv scores-2.json scores-2.md scores-2.tex scores.csv scores.json scores.md scores.tex " ] || fail "wrote $(ls r)"
grep -qF '"gated",l1,0.25' r/scores.csv || fail "$(cat r/scores.csv)"
grep -qF 'vanilla' r/report.html || fail "the page has no table"

# Results on finished pictures: a row each, by the file's name; paired where the references are the same.
finished() { # VALUE MANIFEST
  echo '{"metrics":{"psnr":{"value":'"$1"',"n":2,"recipe":"r","low":null,"high":null,"undefined":[]}},"size":0,"interval":{"seed":0},
    "files":{"images":{"found":2},"reference":{"manifest":"'"$2"'"},"masks":{"manifest":"mm"},"pairs":2}}'
}
lines() { printf '{"id":"a","values":{"psnr":%s}}\n{"id":"b","values":{"psnr":%s}}\n' "$1" "$2"; }
finished 20 ref > ours.json && lines 19 21 > ours.images.jsonl
finished 25 ref > theirs.json && lines 24 26 > theirs.images.jsonl
finished 30 elsewhere > other.json
says '| theirs | **25.00** |' lacuna report ours.json theirs.json other.json
lacuna report ours.json theirs.json other.json -o f > /dev/null
[ "$(ls f | tr '\n' ' ')" = "differences.csv differences.json differences.md differences.tex report.html scores-2.csv scores-2.json scores-2.md scores-2.tex scores.csv scores.json scores.md scores.tex " ] || fail "wrote $(ls f)"
grep -qF 'ours − theirs</th><td data-value="-5" title="n 2" class="against"><u>-5.00</u>' f/report.html || fail "the page does not say by how much they differ"
grep -qF '| ours − theirs | _-5.00_' f/differences.md && grep -qF '"ours − theirs",psnr,-5,-5,-5,2,"r, difference of two",,,,,"ref",,"mm",' f/differences.csv || fail "differences: $(cat f/differences.md f/differences.csv)"

# Every value says what it depends on, and the page too; recipes, weights and why there is no value.
cat > deep.json << 'EOF'
{"metrics":{"fid":{"value":null,"n":1,"recipe":"fid{x}","reason":"fewer than two pictures","weights":{"inception":["abc123","def456"]}}},"size":64,"version":"9.9","revision":"cafe",
 "interval":{"seed":5,"unit":"pair"},"files":{"images":{"found":2,"manifest":"imgs"},"reference":{"manifest":"refs"},"pairs":2}}
EOF
lacuna report deep.json -o d > out
grep -qF -e '- fid of deep is undefined: fewer than two pictures' out && grep -qF -e '- fid: fid{x}, inception=abc123+def456' out || fail "$(cat out)"
grep -qxF '"deep",fid,,,,1,"fid{x}","fewer than two pictures",inception=abc123+def456,,,"refs",,"",,"imgs",,,5,64,64,"9.9","cafe"' d/scores.csv || fail "$(cat d/scores.csv)"
for word in 'weights inception <code>abc123' '<code>fid{x}' 'n 1' 'code <code>cafe' 'pictures <code>refs' 'finished pictures <code>imgs' 'size 64x64' 'seed 5'; do
  grep -qF -- "$word" d/report.html || fail "the page does not say '$word'"
done

# By size of the hole: a column a bin, the best marked.
area() { sed 's/"files"/"area":[{"from":0.2,"to":0.3,"images":2,"metrics":{"psnr":{"mean":'"$1"',"std":null,"n":2}}}],"files"/'; }
finished 20 ref | area 19 > small.json && finished 25 ref | area 24 > large.json
lacuna report small.json large.json -o a > /dev/null
grep -qF '>20 to 30 %</th>' a/report.html && grep -qF '<tr><th>large</th><td data-value="24" title="n 2"><b>24.00</b></td></tr>' a/report.html || fail "no values by size of the hole"

# Of two recipes neither shares a column; a refused summary leaves the table as it was. Two files of one name are told apart.
sed 's/fid{x}/fid{y}/; s/"fid"/"psnr":{"value":9,"n":2,"recipe":"r"},"fid"/' deep.json > other-recipe.json
lacuna report deep.json other-recipe.json > out
[ "$(grep -c '^| method | fid ↓ |$' out)" = 1 ] && [ "$(grep -c '^| method | psnr ↑ | fid ↓ |$' out)" = 1 ] || fail "$(cat out)"
mkdir -p one two && finished 20 ref > one/o.json && finished 21 ref > two/o.json
lacuna report one/o.json two/o.json > out
grep -qF '| one/o.json | 20.00 |' out && grep -qF '| two/o.json | **21.00** |' out || fail "$(cat out)"
fails 2 "none of these runs" lacuna report c
fails 1 "no summary" lacuna report c.json
fails 1 "gone" lacuna report gone
