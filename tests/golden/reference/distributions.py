"""Reference of frechet, kid, inception-score, precision-recall and p-ids in double: SciPy, NumPy's RandomState, torch-fidelity 0.4."""
import numpy as np
import scipy.linalg
import scipy.optimize
import torch
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric


def scalar(x):
    return torch.tensor(float(x), dtype=torch.float64)


def root(sigma):
    values, vectors = scipy.linalg.eigh(sigma)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def moments(x, ddof):
    """mean, covariance, a factor F with F' F = covariance"""
    centred = (x - x.mean(0)) / np.sqrt(len(x) - ddof)
    return x.mean(0), centred.T @ centred, centred


def frechet(x, config):
    x = {k: v.double().numpy() for k, v in x.items()}
    sets = []
    for s in "ab":
        if f"features.{s}" in x:
            sets.append(moments(x[f"features.{s}"], config.get("ddof", 1)))
        else:
            sets.append((x[f"mu.{s}"], x[f"sigma.{s}"], root(x[f"sigma.{s}"])))
    (m1, s1, f1), (m2, s2, f2) = sets
    mean = ((m1 - m2) ** 2).sum()
    trace = np.trace(s1) + np.trace(s2) - 2 * scipy.linalg.svdvals(f1 @ f2.T).sum()
    if min(np.linalg.matrix_rank(s) for s in (s1, s2)) == len(s1):
        theirs = mean + np.trace(s1) + np.trace(s2) - 2 * np.trace(scipy.linalg.sqrtm(s1 @ s2)).real      # pytorch-fid's
        assert abs(theirs - mean - trace) < 1e-8 * max(abs(theirs), np.trace(s1) + np.trace(s2)), (theirs, mean + trace)
    return dict(value=scalar(mean + trace), mean_term=scalar(mean), trace_term=scalar(trace))


def kid(x, config):
    c = {**dict(kernel="poly", degree=3, gamma=None, coef0=1, sigma=10, subsets=100, subset_size=1000, seed=2020), **config}
    a, b = (x[f"features.{s}"].double() for s in "ab")
    if c["subsets"]:
        found = kid_features_to_metric(a, b, kid_subsets=c["subsets"], kid_subset_size=c["subset_size"], rng_seed=c["seed"], verbose=False, kid_kernel=c["kernel"],
                                       kid_kernel_poly_degree=c["degree"], kid_kernel_poly_gamma=c["gamma"], kid_kernel_poly_coef0=c["coef0"],
                                       kid_kernel_rbf_sigma=c["sigma"])
        return dict(value=scalar(found["kernel_inception_distance_mean"]), std=scalar(found["kernel_inception_distance_std"]))

    def k(x, y):
        if c["kernel"] == "rbf":
            return torch.exp(-((x[:, None] - y[None]) ** 2).sum(-1) / (2 * c["sigma"] ** 2))
        return ((x @ y.T) * (1 / x.shape[1] if c["gamma"] is None else c["gamma"]) + c["coef0"]) ** c["degree"]

    apart = lambda m: (m.sum() - m.trace()) / (len(m) * (len(m) - 1))
    return dict(value=scalar(apart(k(a, a)) + apart(k(b, b)) - 2 * k(a, b).mean()))


def inception_score(x, config):
    splits, logits = config.get("splits", 10), x["logits"].double()
    found = isc_features_to_metric(logits, splits, config.get("shuffle", True), config.get("seed", 2020))
    std = found["inception_score_std"]
    if config.get("ddof", 0):
        std = std * (splits / (splits - 1)) ** 0.5 if splits > 1 else float("nan")
    return dict(value=scalar(found["inception_score_mean"]), std=scalar(std))


def precision_recall(x, config):
    k = config.get("k", 3)
    a, b = (x[f"features.{s}"].double() for s in "ab")
    gaps = lambda x, y: ((x[:, None] - y[None]) ** 2).sum(-1)
    radius = lambda x: gaps(x, x).kthvalue(k + 1).values
    precision = (gaps(a, b) <= radius(b)).any(1).double().mean()
    recall = (gaps(b, a) <= radius(a)).any(1).double().mean()
    return dict(precision=scalar(precision), recall=scalar(recall), f_score=scalar(2 * precision * recall / max(1e-5, precision + recall)))


def p_ids(x, config):
    """The minimum by SciPy's trust region, then Newton's steps until nothing changes."""
    a, b = (x[f"features.{s}"].double().numpy() for s in "ab")
    rows = np.concatenate([np.c_[a, np.ones(len(a))] * -1, np.c_[b, np.ones(len(b))]])
    lack = lambda w: np.maximum(0, 1 - rows @ w)
    loss = lambda w: w @ w / 2 + (lack(w) ** 2).sum()
    slope = lambda w: w - 2 * rows.T @ lack(w)
    curve = lambda w: np.eye(len(w)) + 2 * rows[lack(w) > 0].T @ rows[lack(w) > 0]
    w = scipy.optimize.minimize(loss, np.zeros(rows.shape[1]), jac=slope, hess=curve, method="trust-exact", options=dict(gtol=1e-9)).x
    for _ in range(3):
        w = w - np.linalg.solve(curve(w), slope(w))
    assert np.linalg.norm(slope(w)) < 1e-8 * max(1, np.linalg.norm(slope(0 * w))), np.linalg.norm(slope(w))
    made, real = (v @ w[:-1] + w[-1] for v in (a, b))
    return dict(u_ids=scalar(1 - (np.sum(made <= 0) + np.sum(real > 0)) / (2 * len(a))), p_ids=scalar(np.mean(made > real)), weight=torch.from_numpy(w[:-1].copy()), bias=scalar(w[-1]))


HOST = {"frechet": frechet, "kid": kid, "inception-score": inception_score, "precision-recall": precision_recall, "p-ids": p_ids}
