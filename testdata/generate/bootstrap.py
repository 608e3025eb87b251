"""Writes glue/testdata/bootstrap.json: intervals by numpy and scipy, calibration by numpy.

    pip install scipy==1.14.1 numpy==1.26.4
    python testdata/generate/bootstrap.py

The inputs are drawn by a generator that the test (glue/bootstrap_test.go) has too. "twins" are intervals of given resamples,
which must agree to a rounding; "scipy" are intervals of scipy.stats.bootstrap
with 4,000 resamples of its own, which agree within what resampling wavers.
"""

import json
import os

import numpy as np
from scipy import stats

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "glue", "testdata", "bootstrap.json")


class Random:
    """Knuth's MMIX linear congruential generator, as in metrics.py."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n


def pearson(t, p, axis=-1):
    """0 where a correlation is not defined."""
    dt, dp = t - t.mean(axis=axis, keepdims=True), p - p.mean(axis=axis, keepdims=True)
    below = np.sqrt((dt * dt).sum(axis=axis) * (dp * dp).sum(axis=axis))
    same = (np.ptp(t, axis=axis) == 0) | (np.ptp(p, axis=axis) == 0)
    return np.where(same, 0.0, (dt * dp).sum(axis=axis) / np.where(same, 1.0, below))


def f1(t, p, axis=-1):
    both = t.sum(axis=axis) + p.sum(axis=axis)
    return np.where(both == 0, 0.0, 2 * (t * p).sum(axis=axis) / np.maximum(both, 1))


METRICS = {  # of two classes, Matthews' coefficient is the correlation of the indicators
    "accuracy": lambda t, p, axis=-1: (t == p).mean(axis=axis),
    "f1": f1,
    "matthews_correlation": pearson,
    "pearson": pearson,
    "spearmanr": lambda t, p, axis=-1: pearson(stats.rankdata(t, axis=axis), stats.rankdata(p, axis=axis), axis),
}
TASKS = {"mrpc": ["accuracy", "f1"], "cola": ["matthews_correlation"], "stsb": ["pearson", "spearmanr"]}


def rows(r, task, n, kind):
    """Truth and prediction; kind 1: constant predictions, 2: one class only, 3: few values, so ties."""
    truth, predicted = [], []
    for _ in range(n):
        if task == "stsb":
            t = r.below(6 if kind == 3 else 501) / (1 if kind == 3 else 100)
            p = 2.5 if kind == 1 else r.below(4) if kind == 3 else t / 2 + r.below(250) / 100
            t = 2.0 if kind == 2 else t
        else:
            t, p = r.below(2), r.below(2)
            if r.below(3):
                p = t
            p = 0 if kind == 1 else p
            t = 1 if kind == 2 else t
        truth.append(t)
        predicted.append(p)
    return np.array(truth), np.array(predicted)


def values(task, t, p):
    v = [float(METRICS[m](t, p)) for m in TASKS[task]]
    return v + [float(np.mean(v))] if len(v) > 1 else v


def twins(r):
    out = []
    for task in ["mrpc", "cola", "stsb"]:
        for kind in range(4):
            n, sets = 20 + r.below(30), 101
            t, p = rows(r, task, n, kind)
            all_ = []
            for _ in range(sets):
                i = np.array([r.below(n) for _ in range(n)])
                all_.append(values(task, t[i], p[i]))
            out.append(np.percentile(np.array(all_), [2.5, 97.5], axis=0).T.tolist())
    return out


def by_scipy(r):
    out = []
    for task in ["mrpc", "cola", "stsb"]:
        t, p = rows(r, task, 300, 0)
        case = []
        for m in TASKS[task]:
            b = stats.bootstrap((t, p), METRICS[m], paired=True, axis=-1, vectorized=True, batch=500, n_resamples=4000,
                                method="percentile", random_state=np.random.default_rng(1))
            case.append([b.confidence_interval.low, b.confidence_interval.high, b.standard_error])
        out.append(case)
    return out


def calibration(r):
    """Classes of 1,000 rows, right with about their probability, which is odd/1024: at no edge but 1."""
    p, right = [], []
    for i in range(1000):
        q = 1.0 if i % 50 == 0 else (2 * r.below(512) + 1) / 1024
        p.append(q)
        right.append(r.below(1024) < 700 * q)
    p, right = np.array(p), np.array(right)
    edges = np.linspace(0, 1, 16)
    bins = np.digitize(p, edges, right=True) - 1
    table, ece = [], 0.0
    for b in range(15):
        of = bins == b
        n = int(of.sum())
        table.append([n, float(p[of].mean()), float(right[of].mean())])
        ece += n / 1000 * abs(table[-1][1] - table[-1][2])
    return {"ece": ece, "bins": table}


r = Random(7)
content = {"twins": twins(r), "scipy": by_scipy(r), "calibration": calibration(r)}
with open(OUT, "w") as f:
    json.dump(content, f, separators=(",", ":"))
    f.write("\n")
