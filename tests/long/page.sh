# The page of scores in a real browser: it renders, columns sort, methods slide, filters hold, and a narrow window does not scroll sideways; of kept
# pictures, and of finished folders.
. "$SOURCE/tests/harness/shell.sh"
command -v chromium > /dev/null || fail "this test wants chromium"
mkdir -p e
line() { # NUMBER METHOD PSNR AREA OBJECT
  echo "{\"id\":\"p$1\",\"method\":\"$2\",\"object\":\"$5\",\"area\":$4,\"values\":{\"psnr\":$3}}"
}
for i in $(seq 10 30); do
  line "$i" one "$i" "0.$((i % 2 + 1))5" "$([ $((i % 3)) = 0 ] && echo cat || echo dog)"
  line "$i" two "$((60 - i))" "0.$((i % 2 + 1))5" "$([ $((i % 3)) = 0 ] && echo cat || echo dog)"
done > e.images.jsonl
metrics() { echo "{\"metrics\":{\"psnr\":{\"value\":$1,\"low\":null,\"high\":null,\"n\":21,\"backgrounds\":21,\"recipe\":\"r\"}}}"; }
echo "{\"manifest\":\"ab\",\"masks\":\"m\",\"height\":8,\"width\":8,\"images\":21,\"backgrounds\":21,\"objects\":0,\"pictures\":\"e\",
  \"methods\":{\"one\":$(metrics 20),\"two\":$(metrics 40),\"three\":$(metrics 30)}}" > e.json
for name in one two reference masks; do
  mkdir -p "e/$name"
  for i in $(seq 10 30); do cp "$SOURCE/docs/mini-inpaint.png" "e/$name/p$i.png"; done
done
lacuna report e.json -o page > /dev/null

# tried WIDTH SCRIPT: what the script writes into the title, in a window that wide.
tried() {
  { sed '/<\/body>/,$d' page/report.html; echo "<script>document.title = String((() => { $2 })());</script></body></html>"; } > page/tried.html
  chromium --headless --no-sandbox --disable-gpu --user-data-dir="$T/profile" --window-size="$1",900 --virtual-time-budget=2000 --dump-dom \
    "file://$T/page/tried.html" 2> /dev/null | grep -o '<title>[^<]*' | sed 's/<title>//'
}
expect() { # WANTED WIDTH SCRIPT
  local found
  found=$(tried "$2" "$3")
  [ "$found" = "$1" ] || fail "'$3' gives '$found', expected '$1'"
}
rows='const rows = () => [...document.querySelector("table.scores").tBodies[0].rows].map(r => r.cells[0].textContent).join();'
choose='const choose = (n, v) => { const s = document.querySelectorAll(".controls select")[n]; s.value = v; s.dispatchEvent(new Event("change")); };'
first='const first = () => document.querySelector("article .id").textContent.split(",")[0];'
sides='const sides = () => [...document.querySelectorAll(".controls select")].slice(0, 2).map(s => s.selectedOptions[0].textContent).join();'
names='const names = () => [...document.querySelector("article .row").querySelectorAll("figcaption")].map(c => c.textContent).join();'
expect one,two,three 1200 "$rows return rows();"
expect one,three,two 1200 "$rows document.querySelectorAll('table.scores th button')[1].click(); return rows();"
expect two,three,one 1200 "$rows const b = document.querySelectorAll('table.scores th button')[1]; b.click(); b.click(); return rows();"
expect two,one 1200 "$sides return sides();"            # the best and the next by the first metric, as they are found
expect 12,p30 1200 "$first return document.querySelectorAll('article').length + ',' + first();"
expect p10 1200 "$first $choose choose(3, 'best'); return first();"
expect p30 1200 "$first $choose choose(3, 'loses'); return first();"
expect p10 1200 "$first $choose choose(3, 'wins'); return first();"
expect p10 1200 "$first $choose choose(0, '0'); return first();"
expect input,mask,truth,one,two 1200 "$names return names();"
expect one,truth 1200 "$sides const row = () => document.querySelectorAll('article .row button'); row()[1].click(); row()[0].click(); return sides();"
expect 7 1200 "$choose choose(5, 'cat'); return document.querySelectorAll('article').length;"
expect 10 1200 "$choose choose(4, '2'); return document.querySelectorAll('article').length;"
expect 21 1200 "document.querySelector('button.more').click(); return document.querySelectorAll('article').length;"
expect 30% 1200 "const r = document.querySelector('.slide input'); r.value = 30; r.dispatchEvent(new Event('input')); return r.parentNode.style.getPropertyValue('--at');"
fits='return document.documentElement.scrollWidth <= window.innerWidth && document.querySelectorAll("article").length > 0;'
expect true 380 "$fits"
expect true 1200 "$fits"

# Finished folders, of which nothing was kept: their pictures are read where they lie, with what was said of them.
mkdir -p in/ours/a in/theirs/a in/truth/a in/masks/a
for name in ours/a/x.png theirs/a/x.JPEG truth/a/x.png masks/a/x.png; do cp "$SOURCE/docs/mini-inpaint.png" "in/$name"; done
for name in ours/y.png theirs/y.png truth/y.png; do cp "$SOURCE/docs/demo.png" "in/$name"; done
echo '{"a/x": {"label": "cat", "prompt": "a cat"}, "y": {"label": "dog"}}' > said.json
mkdir -p results
for name in ours theirs; do
  lacuna eval "in/$name" --reference in/truth --masks in/masks --metrics l1,psnr@hole --prompts said.json --out "results/$name.json" > /dev/null 2>&1 || fail "eval of $name"
done
lacuna report results/ours.json results/theirs.json -o page > /dev/null
expect 'ours,theirs;2;input,mask,truth,ours,theirs' 1200 "$sides $names $choose choose(3, 'id'); return sides() + ';' + document.querySelectorAll('article').length + ';' + names();"
expect 'y, dog, by l1' 1200 "$choose choose(4, 'dog'); return document.querySelector('article .id').textContent;"
expect '“a cat”' 1200 "$choose choose(4, 'cat'); return document.querySelector('article .prompt').textContent;"
expect true 380 "$fits"
expect true 1200 "return [...document.images].every(i => i.naturalWidth > 0) && document.querySelector('dl.origin').textContent.includes('finished pictures');"
grep -q -e 'src="http' -e 'href="http' -e '//[a-z.]*/.*\.js' page/report.html && fail "the page fetches something"

# What a person sees, for whoever looks: $LACUNA_SCREENSHOTS names a folder.
for width in 1200 500; do
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$T/profile" --virtual-time-budget=2000 --window-size=$width,1600 \
    --screenshot="$T/$width.png" "file://$T/page/report.html" > /dev/null 2>&1 && [ -s "$T/$width.png" ] || fail "no screenshot $width wide"
  [ -z "${LACUNA_SCREENSHOTS:-}" ] || cp "$T/$width.png" "$LACUNA_SCREENSHOTS/report-$width.png"
done
