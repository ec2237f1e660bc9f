"""Cached statistics as pytorch-fid (deflated, f8) and others write them: python tests/golden/moments.py tests/golden. NumPy 2.4.6."""
import sys

import numpy as np

root = sys.argv[1]
mu = np.linspace(-1, 2, 5)
a = np.random.RandomState(3).standard_normal((9, 5))
sigma = np.cov(a, rowvar=False)
np.savez_compressed(f"{root}/moments-f8.npz", mu=mu, sigma=sigma)
np.savez(f"{root}/moments-f4.npz", sigma=np.asfortranarray(sigma.astype(np.float32)), mu=mu.astype(np.float32))
np.savez(f"{root}/moments-none.npz", feats=a)
np.savez(f"{root}/moments-shapes.npz", mu=mu[:4], sigma=sigma)
print(sigma[1, 3])
