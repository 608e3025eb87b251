"""Trains every task of GLUE for 50 updates with the encoder inside the program.

    go build ./cmd/pactune
    python testdata/nine_tasks.py ./pactune ../shared/data [OUT]

A job too long for go test. DATA holds glue/ and samples/; MNLI and QQP are put
into their published layouts from the samples, QNLI gets its training file from
there. For every task: pactune train --task_name … --do_predict; then each JSON
file of the run must load in Python's json module, each line of the JSON lines
too, and hold the task's metrics. At the end glue-submit must refuse the runs
together without --partial and, since MNLI's and QQP's test files are samples,
pack the others with it.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

PACTUNE, DATA = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
OUT = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else tempfile.mkdtemp()
METRICS = {"cola": ["matthews_correlation"], "sst2": ["accuracy"], "mrpc": ["accuracy", "f1", "combined_score"],
           "stsb": ["pearson", "spearmanr", "combined_score"], "qqp": ["accuracy", "f1", "combined_score"],
           "mnli": ["accuracy", "accuracy_mm"], "qnli": ["accuracy"], "rte": ["accuracy"], "wnli": ["accuracy"]}
FOLDERS = {"cola": "CoLA", "sst2": "SST-2", "mrpc": "MRPC", "stsb": "STS-B", "rte": "RTE", "wnli": "WNLI", "qnli": "QNLI"}
PARSES = ["promptID", "pairID", "genre", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse", "sentence2_parse"]


def samples(name):
    with open(os.path.join(DATA, "samples", name), encoding="utf-8", newline="\n") as f:
        rows = [line.rstrip("\r\n").split("\t") for line in f][1:]
    return [r for r in rows if len(r) == 3]


def write(folder, name, header, rows):
    os.makedirs(os.path.join(OUT, "glue", folder), exist_ok=True)
    with open(os.path.join(OUT, "glue", folder, name), "w", encoding="utf-8", newline="\n") as f:
        f.writelines("\t".join(row) + "\n" for row in [header] + rows)


def layouts():
    """MNLI, QQP and QNLI as GLUE has them; the other folders are linked."""
    for folder in set(FOLDERS.values()) - {"QNLI"}:
        os.makedirs(os.path.join(OUT, "glue"), exist_ok=True)
        os.symlink(os.path.join(DATA, "glue", folder), os.path.join(OUT, "glue", folder))
    head = ["index"] + PARSES + ["sentence1", "sentence2"]
    row = lambda i, a, b, labels: [str(i)] + ["x"] * 7 + [a, b] + labels
    train, dev = samples("MNLI_train.tsv"), samples("MNLI_dev.tsv")
    write("MNLI", "train.tsv", head + ["label1", "gold_label"], [row(i, a, b, [l, l]) for i, (a, b, l) in enumerate(train)])
    for part, rows in ("matched", dev[:500]), ("mismatched", dev[500:]):
        write("MNLI", f"dev_{part}.tsv", head + [f"label{i}" for i in range(1, 6)] + ["gold_label"],
              [row(i, a, b, [l] * 6) for i, (a, b, l) in enumerate(rows)])
        write("MNLI", f"test_{part}.tsv", head, [row(i, a, b, []) for i, (a, b, l) in enumerate(rows)])
    os.symlink(os.path.join(DATA, "glue", "diagnostic", "diagnostic.tsv"), os.path.join(OUT, "glue", "MNLI", "diagnostic.tsv"))
    head = ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"]
    for part in "train", "dev":
        write("QQP", part + ".tsv", head, [[str(i), "0", "0", a, b, l] for i, (a, b, l) in enumerate(samples(f"QQP_{part}.tsv"))])
    write("QQP", "test.tsv", ["id", "question1", "question2"], [[str(i), a, b] for i, (a, b, l) in enumerate(samples("QQP_dev.tsv"))])
    write("QNLI", "train.tsv", ["index", "question", "sentence", "label"],
          [[str(i), a, b, l] for i, (a, b, l) in enumerate(samples("QNLI_train.tsv"))])
    for name in "dev.tsv", "test.tsv":
        os.symlink(os.path.join(DATA, "glue", "QNLI", name), os.path.join(OUT, "glue", "QNLI", name))


def pactune(*args):
    done = subprocess.run([PACTUNE, *args], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def strict(text):
    """NaN and Infinity are not JSON, although Python's module takes them."""
    return json.loads(text, parse_constant=lambda c: sys.exit(f"{c} in a JSON file"))


layouts()
runs = []
for task, names in METRICS.items():
    start, run = time.time(), os.path.join(OUT, "runs", task)
    code, _, err = pactune("train", "--quiet", "--task_name", task, "--data_dir", os.path.join(OUT, "glue"), "--output_dir", run,
                           "--method", "cwgnc", "--max_steps", "50", "--max_train_samples", "4000", "--max_eval_samples", "500", "--do_predict")
    if code != 0:
        sys.exit(f"{task}: exit {code}: {err}")
    files = sorted(glob.glob(os.path.join(run, "*.json*")))
    for path in files:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for part in text.splitlines() if path.endswith(".jsonl") else [text]:
            strict(part)
    with open(os.path.join(run, "all_results.json"), encoding="utf-8") as f:
        results = strict(f.read())
    if strict(open(os.path.join(run, "trainer_state.json"), encoding="utf-8").read())["global_step"] != 50:
        sys.exit(f"{task}: not 50 updates")
    for name in names:
        if f"eval_{name}" not in results:
            sys.exit(f"{task}: all_results.json has no eval_{name}")
    answers = sorted(os.path.basename(p) for p in glob.glob(os.path.join(run, "predict_results_*.txt")))
    values = ", ".join(f"{n} {results['eval_' + n]:.4f}" for n in names)
    print(f"{task:5} {values}; {len(files)} JSON files load; "
          f"{', '.join(answers)}; {time.time() - start:.1f} s", flush=True)
    runs.append(run)

whole = [r for r in runs if os.path.basename(r) not in ("mnli", "qqp")]
zip_ = os.path.join(OUT, "submission.zip")
for what, args, want in [("all runs", runs, 3), ("the whole ones", whole, 3), ("the whole ones, --partial", whole + ["--partial"], 0)]:
    code, out, err = pactune("glue-submit", *args, "--out", zip_)
    print(f"glue-submit, {what}: exit {code}\n{(out + err).strip()}")
    if code != want:
        sys.exit(f"glue-submit: exit {code}, want {want}")
code, out, err = pactune("glue-submit", "--check", zip_, "--partial")
print(out + err, end="")
sys.exit(code)
