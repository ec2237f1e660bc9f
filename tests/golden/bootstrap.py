"""Writes bootstrap.json: grouped percentile intervals from a Philox4x32-10 and a bootstrap written here in plain Python.

Written with Python 3.11, numpy 2.4.6.  Run: python tests/golden/bootstrap.py tests/golden/bootstrap.json
"""
import json
import sys

import numpy as np

M32 = 0xFFFFFFFF


def philox(key, counter):
    k, c = list(key), list(counter)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k[0], q & M32, (p >> 32) ^ c[3] ^ k[1], p & M32]
        k = [(k[0] + 0x9E3779B9) & M32, (k[1] + 0xBB67AE85) & M32]
    return c


def words(seed, purpose, step):
    h = 2166136261
    for ch in purpose.encode():
        h = (h ^ ch) * 16777619 & M32
    block = 0
    while True:
        yield from philox((seed & M32, seed >> 32), (step, 0, block, h))
        block += 1


def below(stream, n):
    while True:
        m = next(stream) * n
        if (m & M32) >= (1 << 32) % n:
            return m >> 32


def interval(value, group, n_groups, seed):
    means = []
    for r in range(1000):
        stream = words(seed, "bootstrap", r)
        drawn = [below(stream, n_groups) for _ in range(n_groups)]
        taken = np.concatenate([value[group == g] for g in drawn])
        taken = taken[~np.isnan(taken)]
        if len(taken):
            means.append(taken.mean())
    low, high = np.percentile(means, [2.5, 97.5])
    return [float(np.nanmean(value)), float(low), float(high)]


i = np.arange(60)
value = np.where(i % 11 == 3, np.nan, ((37 * i * i + 11 * i) % 101) / 101.0)
group = (i * i) % 17
other = ((53 * i + 5) % 97) / 97.0
result = {"value": interval(value, group, 17, 1), "other": interval(other, group, 17, 123456789012345),
          "difference": interval(value - other, group, 17, 1)}
with open(sys.argv[1], "w") as f:
    json.dump(result, f, indent=1)
    f.write("\n")
