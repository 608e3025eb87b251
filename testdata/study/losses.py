"""Training loss by epoch of docs/STUDY.md (c): the mean over seeds of the first and of the last ten updates of stage 2.

    python testdata/study/losses.py OUT.csv study/out/stages/paper-both study/out/stages-raw/paper-raw …

OUT.csv has a line for each run, with its accuracy and evaluation loss.
"""
import csv
import glob
import json
import os
import statistics
import sys

with open(sys.argv[1], "w", newline="", encoding="utf-8") as out:
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["folder", "eval_accuracy", "eval_loss", "train_loss_first", "train_loss_last"])
    for folder in sys.argv[2:]:
        first, last = [], []
        for run in sorted(glob.glob(folder + "/seed*"), key=lambda p: int(p.rpartition("seed")[2])):
            with open(run + "/metrics.jsonl", encoding="utf-8") as f:
                rows = [json.loads(line) for line in f]
            with open(run + "/all_results.json", encoding="utf-8") as f:
                results = json.load(f)
            losses = [r["loss"] for r in rows if r["split"] == "train" and r["stage"] == 2]
            first.append(statistics.mean(losses[:10]))
            last.append(statistics.mean(losses[-10:]))
            name = os.path.join(os.path.basename(folder.rstrip("/")), os.path.basename(run))
            table.writerow([name, results["eval_accuracy"], results["eval_loss"], f"{first[-1]:.6f}", f"{last[-1]:.6f}"])
        said = [f"{statistics.mean(v):.3f} ± {statistics.stdev(v):.3f}" for v in (first, last)]
        print(f"| {folder} | {len(first)} | {said[0]} | {said[1]} |")
