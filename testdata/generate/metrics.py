"""Writes glue/testdata/metrics.json: what scikit-learn and scipy say of 5,000 cases.

    pip install scikit-learn==1.5.2 scipy==1.14.1 numpy==1.26.4
    python testdata/generate/metrics.py

The inputs are not stored: the generator below is simple enough to be written
again in the test (glue/metrics_recorded_test.go), which draws in the same order.
Results have the 17 digits that name a float64; null is what the libraries leave
undefined.
"""

import json
import os
import warnings

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics

assert (sklearn.__version__, scipy.__version__, np.__version__) == ("1.5.2", "1.14.1", "1.26.4")
warnings.filterwarnings("ignore")

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "glue", "testdata", "metrics.json")
CLASSES, NUMBERS, SETS = 2400, 1500, 1100


class Random:
    """Knuth's MMIX linear congruential generator."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n


def number(v):
    """An integer where there is no fraction, which is shorter."""
    v = float(v)
    return None if np.isnan(v) else int(v) if v == int(v) else v


def rows(r, many):
    """One, two, many, or up to 60 rows."""
    kind = r.below(20)
    return 1 if kind == 0 else 2 if kind == 1 else many + r.below(many) if kind == 2 else 1 + r.below(60)


def checksum(*scores):
    """The scores of the classes, each with a weight of its own."""
    return sum((37 * (3 * c + j) % 101 + 1) / 101 * v for j, of in enumerate(scores) for c, v in enumerate(of))


def classes(r):
    """A single-label case: number of classes and rows, then truth and prediction row by row."""
    kind = r.below(10)
    k = 2 if kind < 4 else 3 + r.below(6) if kind < 9 else 10 + r.below(91)
    n, kind = rows(r, 500), r.below(9)
    truth, predicted = [], []
    for _ in range(n):
        t, p = r.below(k), r.below(k)
        if kind == 0:
            p = 0  # constant prediction
        if kind == 1:
            t = k - 1  # one class only
        if kind == 2:
            p = t  # all right
        if kind == 3:
            t, p = 0, k - 1  # both constant, all wrong
        if kind == 4:
            t = p = 0  # both constant, all right
        if kind == 5 and r.below(8):
            p = t  # mostly right
        if kind == 6:
            t, p = t % 2, k - 1 - p % 2  # few of the classes occur
        truth.append(t)
        predicted.append(p)
    every = list(range(k))
    average = "binary" if k == 2 else "macro"
    accuracy = metrics.accuracy_score(truth, predicted)
    # The micro average over all classes is the accuracy: one number for two.
    micro = metrics.f1_score(truth, predicted, average="micro", zero_division=0)
    assert abs(micro - accuracy) < 1e-15, (micro, accuracy)
    m = metrics.confusion_matrix(truth, predicted, labels=every)
    counts = sum(int(m[t, p]) * ((1009 * t + 31 * p + 7) ** 2 % 65537) for t in every for p in every)
    return [
        number(accuracy),
        number(metrics.f1_score(truth, predicted, zero_division=0, average=average)),
        number(metrics.matthews_corrcoef(truth, predicted)),
        number(checksum(*metrics.precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0)[:3])),
        counts,
    ]


def numbers(r):
    """A regression case: rows, then truth and prediction row by row."""
    n, kind = rows(r, 300), r.below(9)
    x, y = [], []
    for _ in range(n):
        a, b = r.below(1000) / 64, r.below(1000) / 64
        if kind == 0:
            b = 2.5  # constant prediction
        if kind == 1:
            a, b = float(int(a) % 4), float(int(b) % 4)  # many ties
        if kind == 2:
            b = a + b / 1024  # nearly right
        if kind == 3:
            a, b = 0.1, 0.1  # both constant
        if kind == 4:
            a, b = a + 1000000, b - 1000000  # far from 0
        if kind == 5:
            b = -3 * a  # exactly linear, falling
        if kind == 6 and r.below(10) == 0:
            a, b = a * 1024, b * 1024  # outliers
        x.append(a)
        y.append(b)
    if n < 2:
        correlations = [None, None]  # scipy refuses them
    else:
        correlations = [number(stats.pearsonr(x, y)[0]), number(stats.spearmanr(x, y)[0])]
    return correlations + [number(metrics.mean_squared_error(x, y))]


def sets(r):
    """A multi-label case: classes, rows, then truth and prediction bit by bit."""
    k, n, kind = 2 + r.below(5), 1 + r.below(30), r.below(6)
    truth, predicted = np.zeros((n, k), int), np.zeros((n, k), int)
    for i in range(n):
        for c in range(k):
            t, p = r.below(2), r.below(2)
            if kind == 0:
                p = 0  # nothing is predicted
            if kind == 1:
                t = 0  # nothing is there
            if kind == 2:
                p = t  # all right
            if kind == 3 and r.below(5):
                t = p = 0  # few
            truth[i, c], predicted[i, c] = t, p
    return [
        number(metrics.f1_score(truth, predicted, average="micro", zero_division=0)),
        number(metrics.accuracy_score(truth, predicted)),
        number(checksum(*metrics.precision_recall_fscore_support(truth, predicted, zero_division=0)[:3])),
    ]


r = Random(1)
with open(OUT, "w", newline="\n") as f:
    groups = [[case(r) for _ in range(n)] for case, n in ((classes, CLASSES), (numbers, NUMBERS), (sets, SETS))]
    f.write("[" + ",\n".join("[" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in g) + "]" for g in groups) + "]\n")
