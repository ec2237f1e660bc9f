"""Writes tests/golden/npz: archives by NumPy 2.4.6, and some that lie."""
import io
import pathlib
import zipfile

import numpy as np

to = pathlib.Path(__file__).parent / "npz"
arrays = dict(mu=np.array([0.1 * 1, 0.1 * 2, 0.1 * 3]), sigma=np.asfortranarray(np.arange(12.0).reshape(3, 4)), feats=(np.arange(8, dtype=np.float32) / 4).reshape(2, 4),
              half=np.arange(3).astype(np.float16) + np.float16(0.5))
np.savez(to / "stored.npz", **arrays)
np.savez_compressed(to / "deflated.npz", **arrays)
np.savez(to / "objects.npz", mu=np.array([None, 1], dtype=object))


def lying(name, shape):
    data = io.BytesIO()
    np.save(data, np.arange(3.0))
    with zipfile.ZipFile(to / name, "w") as z:
        z.writestr("mu.npy", data.getvalue().replace(b"(3,), }".ljust(len(shape)), shape))


lying("short.npz", b"(4,), }")
lying("huge.npz", b"(99999999999, 99999999999), }")
