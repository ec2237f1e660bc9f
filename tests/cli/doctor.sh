# lacuna doctor: what auto means, libraries, sets.
. "$SOURCE/tests/harness/shell.sh"
unset LACUNA_SETS
says "auto        device" lacuna doctor
grep -qE '^cuda        ' .out || fail "doctor does not say what cuda is here"
[ ! -f "$BUILD/liblacuna-cuda.so" ] || grep -qE 'built with CUDA [0-9]+\.[0-9]+ for ' .out || fail "doctor does not say what the CUDA backend was built with"
for word in oneDNN HDF5 libpng libjpeg-turbo "Lua 5.4" Jansson "data/masks" "none in 'sets'"; do
  grep -qF "$word" .out || fail "doctor does not mention $word"
done
[ "$(grep -c avx2 /proc/cpuinfo)" = 0 ] || says "v3" env LAC_CPU_LEVEL=v3 lacuna doctor
mkdir sets
lacuna pack masks -o p --size 32 -n 1
lacuna pack folder p -o sets/p.h5 > /dev/null
says "sets/p.h5: p, 1 records" lacuna doctor
head -c 100 sets/p.h5 > sets/q.h5
says "sets/q.h5" lacuna doctor
mv sets elsewhere
says "elsewhere/p.h5: p, 1 records" env LACUNA_SETS=elsewhere lacuna doctor
