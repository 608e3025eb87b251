"""Writes ../metrics.json: what scikit-learn and scipy say of random cases.

    pip install scikit-learn==1.5.2 scipy==1.14.1 numpy==1.26.4
    python metrics.py > ../metrics.json

The inputs are not stored: the generator below is simple enough to be written
again in the test (metrics_test.go), which draws in the same order.
"""

import json
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics

warnings.filterwarnings("ignore")


class Random:
    """Knuth's MMIX linear congruential generator."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n


def number(v):
    return None if np.isnan(v) else float(v)


def classes(r):
    """A single-label case: classes, rows, then truth and prediction row by row."""
    k, n, kind = 2 + r.below(4), 1 + r.below(40), r.below(6)
    truth, predicted = [], []
    for _ in range(n):
        t, p = r.below(k), r.below(k)
        if kind == 0:
            p = 0  # constant prediction
        if kind == 1:
            t = k - 1  # one class only
        if kind == 2:
            p = t  # all right
        truth.append(t)
        predicted.append(p)
    every = list(range(k))
    average = dict(average="binary") if k == 2 else dict(average="macro")
    p, rec, f, _ = metrics.precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0)
    return [
        number(metrics.accuracy_score(truth, predicted)),
        number(metrics.f1_score(truth, predicted, zero_division=0, **average)),
        number(metrics.matthews_corrcoef(truth, predicted)),
        number(p.mean()), number(rec.mean()), number(f.mean()),
    ]


def numbers(r):
    """A regression case: rows, then truth and prediction row by row."""
    n, kind = 2 + r.below(40), r.below(5)
    x, y = [], []
    for _ in range(n):
        a, b = r.below(1000) / 64, r.below(1000) / 64
        if kind == 0:
            b = 2.5  # constant prediction
        if kind == 1:
            a, b = float(int(a) % 4), float(int(b) % 4)  # many ties
        if kind == 2:
            b = a + b / 1024  # nearly right
        x.append(a)
        y.append(b)
    return [
        number(stats.pearsonr(x, y)[0]), number(stats.spearmanr(x, y)[0]),
        number(metrics.mean_squared_error(x, y)),
    ]


def sets(r):
    """A multi-label case: classes, rows, then truth and prediction bit by bit."""
    k, n = 2 + r.below(3), 1 + r.below(20)
    truth, predicted = np.zeros((n, k), int), np.zeros((n, k), int)
    for i in range(n):
        for c in range(k):
            truth[i, c], predicted[i, c] = r.below(2), r.below(2)
    return [
        number(metrics.f1_score(truth, predicted, average="micro", zero_division=0)),
        number(np.mean(np.all(truth == predicted, axis=1))),
    ]


r = Random(1)
rows = [json.dumps([classes(r), numbers(r), sets(r)], separators=(",", ":")) for _ in range(500)]
print("[" + ",\n".join(rows) + "]")
