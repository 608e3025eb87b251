"""Training loss by epoch of docs/STUDY.md (c): the mean over seeds of the first and of the last ten updates of stage 2.

    python testdata/study/losses.py study/out/stages/paper-both study/out/stages-raw/paper-raw …
"""
import glob
import json
import statistics
import sys

for folder in sys.argv[1:]:
    first, last = [], []
    for path in sorted(glob.glob(folder + "/seed*/metrics.jsonl")):
        with open(path, encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        losses = [r["loss"] for r in rows if r["split"] == "train" and r["stage"] == 2]
        first.append(statistics.mean(losses[:10]))
        last.append(statistics.mean(losses[-10:]))
    said = [f"{statistics.mean(v):.3f} ± {statistics.stdev(v):.3f}" for v in (first, last)]
    print(f"| {folder} | {len(first)} | {said[0]} | {said[1]} |")
