"""Writes laplace.json: holes filled by SciPy's sparse LU factorisation of the same equation (exact to rounding).

Written with Python 3.11, numpy 2.4.6, scipy 1.17.1.  Run: python tests/golden/laplace.py tests/golden/laplace.json
Pictures and masks are formulas that tests/test_core_laplace.c repeats.
"""
import json
import sys

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

H, W = 21, 26


def picture():
    y, x, c = np.meshgrid(np.arange(H), np.arange(W), np.arange(3), indexing="ij")
    return ((3 * x * x + 5 * y * y + 7 * x * y + 11 * c * x + 13 * y + 17 * c) % 251).astype(np.float64)


def masks():
    y, x = np.mgrid[:H, :W]
    return {"box": (y >= 5) & (y < 16) & (x >= 8) & (x < 21),                      # inside
            "corner": (y < 13) & (x < 17),                                          # touches two borders
            "dots and band": ((y >= 14) | ((x * x + 2 * y) % 7 < 3)) & ~((y == 20) & (x == 25)),   # several parts
            "all but one": ~((y == 3) & (x == 4))}


def fill(image, hole):
    number = -np.ones(hole.shape, int)
    number[hole] = np.arange(hole.sum())
    n = int(hole.sum())
    matrix, right = sp.lil_matrix((n, n)), np.zeros((n, 3))
    for y, x in zip(*np.nonzero(hole)):
        k = number[y, x]
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < H and 0 <= u < W:
                matrix[k, k] += 1
                if hole[v, u]:
                    matrix[k, number[v, u]] -= 1
                else:
                    right[k] += image[v, u]
    return spsolve(matrix.tocsc(), right)


result = {name: [round(float(v), 6) for v in fill(picture(), hole).ravel()] for name, hole in masks().items()}
with open(sys.argv[1], "w") as f:
    json.dump(result, f, separators=(",", ":"))
    f.write("\n")
