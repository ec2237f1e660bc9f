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
[ "$(ls f | tr '\n' ' ')" = "report.html scores-2.csv scores-2.json scores-2.md scores-2.tex scores.csv scores.json scores.md scores.tex " ] || fail "wrote $(ls f)"
grep -qF 'ours &minus; theirs</th><td data-value="-5" class="against">' f/report.html || fail "the page does not say by how much they differ"
fails 2 "none of these runs" lacuna report c
fails 1 "no summary" lacuna report c.json
fails 1 "gone" lacuna report gone
