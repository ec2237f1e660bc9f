# The miniature of docs/latent-training.md, shortened to minutes: from the photographs to a model that paints what is asked for, by the committed configs and seed, with the figures of
# weights/README.md; gone on with to the bit; on two ranks the same to rounding.
. "$SOURCE/tests/harness/shell.sh"
without_leak_check
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp

# Photographs that are there already, or fetched.
mkdir sets
for folder in ${LACUNA_SETS:-} "$SOURCE/sets"; do
  [ -e sets/stamps.h5 ] || [ ! -f "$folder/stamps.h5" ] || ln -s "$(realpath "$folder/stamps.h5")" sets/stamps.h5
done
if [ ! -e sets/stamps.h5 ]; then
  "$SOURCE/scripts/fetch-stamps" cache > .out 2>&1 || fail "fetch-stamps: $(tail -n 5 .out)"
  lacuna pack stamps cache -o sets/stamps.h5 --max-side 512 > .out
fi
export LACUNA_SETS=$T/sets
lacuna pack collage sets/stamps.h5 -o sets/collage.h5 --size 64 --count 600 --labels "$(cat "$SOURCE/data/stamps/mini-labels.txt")" > .out

common=(data.train.threads=1 log.tensorboard=false sample.images=4 sample.every=0)
vae=(name=vae steps=150 optim.vae.schedule.total=150 optim.vae.schedule.warmup=20 loss.disc_start=120 validate.every=0 validate.loss.every=150 log.every=50)
ldm=('init={ { from = "runs/vae", network = "vae" } }' batch.global=16 optim.unet.schedule.total=200 optim.unet.schedule.warmup=20 model.cache=latents validate.loss.every=100)

# last RUN KEY: the last of a log's numbers of that name.
last() { sed -n "s/.*\"$2\":\([-0-9.e+]*\).*/\1/p" "runs/$1/log.jsonl" | tail -n 1; }

# figure WHAT FOUND COMMITTED: it may differ by a tenth, room for other rounding, f32 where a CPU has no AMX; the same machine gives the same digits.
figure() {
  echo "$1: $2, committed $3"
  awk -v found="$2" -v wanted="$3" 'BEGIN { d = found / wanted - 1; exit !(found != "" && (d < 0 ? -d : d) <= 0.1) }' || fail "$1 is $2, committed $3"
}

trainer "$SOURCE/configs-lua/ldm/mini-vae.lua" "${common[@]}" "${vae[@]}" > .out 2> .err || fail "mini-vae: $(cat .err)"
figure "autoencoder, mean difference on val" "$(last vae validate.loss.l1)" 0.1517
trainer "$SOURCE/configs-lua/ldm/mini-inpaint.lua" "${common[@]}" "${ldm[@]}" name=ldm steps=200 > .out 2> .err || fail "mini-inpaint: $(cat .err)"
figure "denoiser, loss on val" "$(last ldm validate.loss.total)" 0.0490

# train NAME KEY=VALUE...: of the denoiser, every step in the log; on $n ranks.
train() {
  local how=(trainer)
  [ "$n" = 1 ] || how=(mpirun -np "$n" trainer)
  "${how[@]}" "$SOURCE/configs-lua/ldm/mini-inpaint.lua" "${common[@]}" "${ldm[@]}" log.every=1 checkpoint.every=10 validate.loss.every=10 "name=$1" "${@:2}" > .out 2> .err || fail "$*: $(cat .err)"
}

# 20 steps in two calls
n=1
train whole steps=20
train parts steps=10
train parts steps=20
for run in whole parts; do lacuna export "runs/$run" --all -o "$run.safetensors" > .out; done
cmp whole.safetensors parts.safetensors || fail "20 steps in two calls are not those of one"
[ "$(last whole validate.loss.total)" = "$(last parts validate.loss.total)" ] || fail "another loss on val in two calls"

# 10 steps on one rank and on two, in f32: found 4e-8 apart; Adam makes whole steps of gradients that are rounding
[ -f "$BUILD/liblacuna-mpi.so" ] || { echo "built without MPI: nothing more to test"; exit 0; }
train alone steps=10 precision=f32
n=2
train ranks steps=10 precision=f32
for key in loss.total validate.loss.total; do
  paste <(sed -n "s/.*\"$key\":\([0-9.]*\).*/\1/p" runs/alone/log.jsonl) <(sed -n "s/.*\"$key\":\([0-9.]*\).*/\1/p" runs/ranks/log.jsonl) |
    awk -v key="$key" '{ d = $2 / $1 - 1; d = d < 0 ? -d : d; most = d > most ? d : most; if (NF != 2 || d > 1e-5) bad = 1 }
                       END { print key, "on two ranks: off by", most, "at most"; exit bad || NR == 0 }' || fail "two ranks do not train as one: $key"
done
