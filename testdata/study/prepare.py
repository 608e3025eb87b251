"""Lays out the data of docs/STUDY.md in a new folder OUT.

    go build ./cmd/pactune
    python testdata/study/prepare.py ./pactune ../shared/data study

OUT/glue: SST-2, CoLA, RTE and MRPC as links, and QNLI from the samples, because its
training file is not among the data. OUT/search/S: of every task the S-th subset of
100 training rows, as --train_size 100 --sample_seed S draws it, cut into 80 for
training and every fifth row, 20, as dev.tsv. OUT/tenth: of RTE, MRPC and CoLA the
training rows with every tenth as dev.tsv. OUT/tune/S: the S-th hundred of 1,000 rows drawn
from SST-2's training file, with the last 500 of them as dev.tsv. There settings are chosen.
"""
import csv
import os
import random
import subprocess
import sys

PACTUNE, DATA, OUT = (os.path.abspath(a) for a in sys.argv[1:4])
TASKS = {"sst2": "SST-2", "cola": "CoLA", "rte": "RTE", "mrpc": "MRPC", "qnli": "QNLI"}


def cut(task, path, out, n):
    """Every n-th row of a training file becomes a development file."""
    with open(path, "r", encoding="utf-8", newline="") as f:
        lines = f.readlines()
    head, rows = (lines[:0], lines) if task == "cola" else (lines[:1], lines[1:])
    write(os.path.join(out, "train.tsv"), head + [r for i, r in enumerate(rows) if i % n != n - 1])
    write(os.path.join(out, "dev.tsv"), head + rows[n - 1::n])


def write(path, lines):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.writelines(lines)


for folder in TASKS.values():
    if folder != "QNLI":
        os.makedirs(os.path.join(OUT, "glue"), exist_ok=True)
        os.symlink(os.path.join(DATA, "glue", folder), os.path.join(OUT, "glue", folder))
for part in "train", "dev":
    with open(os.path.join(DATA, "samples", f"QNLI_{part}.tsv"), encoding="utf-8", newline="") as f:
        rows = [r for r in csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE)][1:]
    write(os.path.join(OUT, "glue", "QNLI", part + ".tsv"), ["index\tquestion\tsentence\tlabel\n"]
          + ["\t".join([str(i), *r]) + "\n" for i, r in enumerate(rows) if len(r) == 3])

for task, folder in TASKS.items():
    drawn = os.path.join(OUT, "subsets", task)
    subprocess.run([PACTUNE, "fewshot", "--task_name", task, "--data_dir", os.path.join(OUT, "glue"),
                    "--train_size", "100", "--seeds", "1,2,3,4,5", "--out", drawn], check=True, stdout=subprocess.DEVNULL)
    for seed in range(1, 6):
        cut(task, os.path.join(drawn, folder, f"100-{seed}", "train.tsv"), os.path.join(OUT, "search", str(seed), folder), 5)
    if task in ("rte", "mrpc", "cola"):
        cut(task, os.path.join(OUT, "glue", folder, "train.tsv"), os.path.join(OUT, "tenth", folder), 10)

with open(os.path.join(OUT, "glue", "SST-2", "train.tsv"), encoding="utf-8", newline="") as f:
    head, *rows = f.readlines()
drawn = random.Random(0).sample(rows, 1000)
for seed in range(1, 6):
    folder = os.path.join(OUT, "tune", str(seed), "SST-2")
    write(os.path.join(folder, "train.tsv"), [head, *drawn[100 * seed - 100:100 * seed]])
    write(os.path.join(folder, "dev.tsv"), [head, *drawn[500:]])
