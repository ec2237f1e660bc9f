# The page of scores in a real browser: it renders, columns sort, methods slide, filters hold, and a narrow window does not scroll sideways.
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
  sed "s#</body>#<script>document.title = String((() => { $2 })());</script></body>#" page/report.html > page/tried.html
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
expect one,two,three 1200 "$rows return rows();"
expect one,three,two 1200 "$rows document.querySelectorAll('table.scores th button')[1].click(); return rows();"
expect two,three,one 1200 "$rows const b = document.querySelectorAll('table.scores th button')[1]; b.click(); b.click(); return rows();"
expect 12,p10 1200 "$first return document.querySelectorAll('article').length + ',' + first();"
expect p30 1200 "$first $choose choose(3, 'best'); return first();"
expect p10 1200 "$first $choose choose(3, 'loses'); return first();"
expect p30 1200 "$first $choose choose(0, '1'); return first();"
expect 7 1200 "$choose choose(5, 'cat'); return document.querySelectorAll('article').length;"
expect 10 1200 "$choose choose(4, '2'); return document.querySelectorAll('article').length;"
expect 21 1200 "document.querySelector('button.more').click(); return document.querySelectorAll('article').length;"
expect 30% 1200 "const r = document.querySelector('.slide input'); r.value = 30; r.dispatchEvent(new Event('input')); return r.parentNode.style.getPropertyValue('--at');"
expect true 380 "return document.documentElement.scrollWidth <= window.innerWidth;"
