# shellcheck shell=bash
# Where python3 holds CUDA's libraries (packages nvidia-*, as PyTorch brings them) and nobody has said where they are, they are taken from there.
if [ -z "${LACUNA_CUDA_PATH:-}" ] && command -v python3 > /dev/null; then
  LACUNA_CUDA_PATH=$(python3 -c '
import glob, os, sys
print(":".join(sorted({os.path.dirname(f) for p in sys.path for f in glob.glob(p + "/nvidia/*/lib/*.so*")})))' || true)
  export LACUNA_CUDA_PATH LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$LACUNA_CUDA_PATH
fi
