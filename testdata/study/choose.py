"""The mean of a sweep's metric for every task and setting, and the best setting of each task.

    python testdata/study/choose.py study/out/search/results.csv learning_rate num_train_epochs
    python testdata/study/choose.py study/out/thresholds/results.csv clip_component_norm

The best has the highest mean over seeds and subsets; of equals, the one with the least loss.
"""
import collections
import csv
import sys

METRIC = {"sst2": "eval_accuracy", "cola": "eval_matthews_correlation", "rte": "eval_accuracy",
          "mrpc": "eval_f1", "qnli": "eval_accuracy"}

if __name__ == "__main__":
    path, settings = sys.argv[1], sys.argv[2:]
    runs = collections.defaultdict(list)
    with open(path, newline="") as f:
        for r in csv.DictReader(f):
            task = r["task_name"]
            runs[task, *(r[s] for s in settings)].append((float(r[METRIC[task]]), -float(r["eval_loss"])))
    means = {k: tuple(sum(v) / len(v) for v in zip(*values)) for k, values in runs.items()}
    best = {task: max((m, k) for k, m in means.items() if k[0] == task)[1] for task, *_ in means}
    print("| task | " + " | ".join(settings) + " | runs | mean of the metric | loss | |")
    print("|---|" + "---|" * len(settings) + "---|---|---|---|")
    for k, (metric, loss) in means.items():
        print("| " + " | ".join(k) + f" | {len(runs[k])} | {metric:.4f} | {-loss:.4f} | {'best' if best[k[0]] == k else ''} |")
