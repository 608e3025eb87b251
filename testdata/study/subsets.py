"""Pairs of methods of docs/STUDY.md (b) over the subsets of all tasks.

    python testdata/study/subsets.py study/out/fewshot/results.csv study/out/searched/results.csv

A subset counts once, with the mean of its seeds. p is of the sign test, two-sided, over the
subsets of all tasks where the two differ, which asks nothing of the scales of the metrics,
and after Holm's correction for the pairs. The last columns are the tasks' mean differences.
"""
import collections
import csv
import itertools
import math
import statistics
import sys

from choose import METRIC

METHODS = ["pac", "pac+cwgnc", "adamw", "cwgnc", "frozen"]

runs = collections.defaultdict(list)
for path in sys.argv[1:]:
    with open(path, newline="") as f:
        for r in csv.DictReader(f):
            runs[r["method"], r["task_name"], r["sample_seed"]].append(float(r[METRIC[r["task_name"]]]))
means = {k: statistics.mean(v) for k, v in runs.items()}
subsets = sorted({k[1:] for k in means}, key=lambda s: (list(METRIC).index(s[0]), s[1]))

pairs = []
for a, b in itertools.combinations(METHODS, 2):
    d = {s: means[a, *s] - means[b, *s] for s in subsets}
    more, less = sum(v > 0 for v in d.values()), sum(v < 0 for v in d.values())
    n = more + less
    p = min(1, 2 * sum(math.comb(n, i) for i in range(max(more, less), n + 1)) / 2**n)
    pairs.append((p, f"{a} − {b}", more, less, [statistics.mean(v for s, v in d.items() if s[0] == t) for t in METRIC]))

order, corrected, floor = sorted(range(len(pairs)), key=lambda i: pairs[i][0]), {}, 0
for rank, i in enumerate(order):
    floor = corrected[i] = max(floor, min(1, pairs[i][0] * (len(pairs) - rank)))
print("| | better on | worse on | p | " + " | ".join(METRIC) + " |")
print("|---|---|---|---|" + "---|" * len(METRIC))
for i, (_, name, more, less, by_task) in enumerate(pairs):
    print(f"| {name} | {more} | {less} | {corrected[i]:.4f} | " + " | ".join(f"{v:+.4f}" for v in by_task) + " |")
