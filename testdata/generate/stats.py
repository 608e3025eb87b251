"""Writes stats/testdata/scipy.json: what scipy makes of random samples.

    pip install scipy==1.17.1 numpy==1.26.4
    python testdata/generate/stats.py

Samples have 1 to 60 values; their kinds are scores of an evaluation set of some
rows (ties and zero differences), scores of four digits, a pair of which one is
constant, and equal ones. null stands where scipy has NaN.
"""

import json
import os
import warnings

import numpy as np
from scipy import stats

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "stats", "testdata", "scipy.json")
warnings.simplefilter("ignore")
r = np.random.default_rng(8)


def number(v):
    v = float(v)
    return v if np.isfinite(v) else None


def sample(n, kind):
    rows = int(r.integers(10, 300))
    if kind == 0:
        return np.round(r.binomial(rows, r.uniform(0.4, 0.9), n) / rows, 6)
    if kind == 1:
        return np.round(r.normal(0.7, r.choice([0.01, 0.1]), n), 4)
    return np.full(n, 0.5271)


def summary(x):
    std = np.std(x, ddof=1) if len(x) > 1 else float("nan")
    # with replacement: the mean of the largest over the N^k outcomes, by its distribution function
    v, f = np.sort(x), np.arange(len(x) + 1) / len(x)
    best = [float(np.dot(v, np.diff(f**k))) for k in (1, 2, 5, 10)]
    return {"min": x.min(), "mean": x.mean(), "median": np.median(x), "max": x.max(), "std": number(std), "population": np.std(x), "best": best}


def brown_forsythe(x, y):
    """null where all deviations are equal but for rounding: scipy divides noise by noise."""
    z = [np.abs(s - np.median(s)) for s in (x, y)]
    if sum(((s - s.mean()) ** 2).sum() for s in z) <= (1e-12 * max(s.mean() for s in z)) ** 2:
        return None
    t = stats.levene(x, y)
    return [number(t.statistic), number(t.pvalue)]


def wilcoxon(d):
    t = stats.wilcoxon(d)
    return [number(t.statistic), number(t.pvalue)]


cases = []
for i in range(130):
    n = 1 + i % 60 if i < 100 else int(r.integers(1, 15))
    m = n if i % 2 else int(r.integers(1, 40))
    kinds = (int(r.integers(0, 2)),) * 2 if i % 8 else (2, int(r.integers(1, 3)))
    x, y = sample(n, kinds[0]), sample(m, kinds[1])
    if i % 20 == 5:
        y = x.copy()
    u = stats.mannwhitneyu(x, y)
    case = {"x": x.tolist(), "y": y.tolist(), "summary": summary(x), "brown_forsythe": brown_forsythe(x, y),
            "mann_whitney": [number(u.statistic), number(u.pvalue)], "a12": float(np.mean(np.sign(x[:, None] - y[None, :])) / 2 + 0.5)}
    if n == len(y):
        case["wilcoxon"] = wilcoxon(x - y)
    cases.append(case)

tables = []
for i in range(300):
    n1, n2 = (int(v) for v in r.integers(1, 60, 2))
    if i % 3 == 0:
        n2 = n1
    k1, k2 = int(r.integers(0, n1 + 1)), int(r.integers(0, n2 + 1))
    if i % 7 == 0:
        k1 = 0
    w = stats.binomtest(k1, n1).proportion_ci(method="wilson")
    tables.append([k1, n1, k2, n2, float(stats.fisher_exact([[k1, n1 - k1], [k2, n2 - k2]]).pvalue), float(w.low), float(w.high)])

holm = []
for m in range(1, 12):
    p = np.round(r.uniform(0, 0.2, m), 3)
    s = np.sort(p)  # the definition: the largest over j of (m - j + 1) p_j, p_j up to p
    holm.append([p.tolist(), [float(min(1, max((m - j) * s[j] for j in range(m) if s[j] <= v))) for v in p]])

boot = []
for n in (5, 12, 30):
    for kind in (0, 1):
        x = sample(n, kind)
        b = stats.bootstrap((x,), np.mean, n_resamples=50000, method="percentile", random_state=np.random.default_rng(1))
        boot.append([x.tolist(), float(b.confidence_interval.low), float(b.confidence_interval.high), float(b.standard_error)])

with open(OUT, "w") as f:
    json.dump({"cases": cases, "tables": tables, "holm": holm, "bootstrap": boot}, f, separators=(",", ":"))
    f.write("\n")
